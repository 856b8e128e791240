"""Every table says what it may hold of people: nothing new is forgotten by an erasure."""

from sqlalchemy import JSON, LargeBinary, String, inspect

from service.rgpd.register import read_register
from service.store.personal import HOLDINGS, HOLDS_NOBODY
from service.tables import Table


def test_every_table_says_what_it_holds_of_people() -> None:
    said = {holding.table for holding in HOLDINGS} | set(HOLDS_NOBODY)

    assert {mapper.class_ for mapper in Table.registry.mappers} == said


def test_every_column_that_could_name_somebody_is_spoken_of() -> None:
    for holding in HOLDINGS:
        could = {
            column.key
            for column in inspect(holding.table).columns
            if isinstance(column.type, String | JSON | LargeBinary)
        }
        spoken = [*holding.columns, *holding.neutral, *holding.secret]
        assert sorted(spoken) == sorted(could), holding.table


def test_every_table_that_holds_people_is_in_the_register() -> None:
    register = read_register(controller="", contact="")
    registered = {table for p in register["processings"] for table in p["tables"]}

    assert {h.table.__tablename__ for h in HOLDINGS} | {"rights_request"} == registered


def test_the_register_says_what_article_30_asks() -> None:
    register = read_register(controller="Association d'ici", contact="droits@exemple.example")

    assert register["controller"] == "Association d'ici"
    for processing in register["processings"]:
        assert all(processing.values()), processing["name"]
        assert "{" not in str(processing["durations"])
    assert register["security"]
