"""F17: a database of an earlier version, with rows in every table, is brought up to date whole."""

import hashlib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, insert, select

from service.catchup import catch_up
from service.database import is_current, migrate, open_engine
from service.settings import Settings
from service.workflows.answer import Query, answer
from service.workflows.check import check
from service.workflows.decide import show_decisions
from tests.builders import SLUG
from tests.fakes import WordEncoder
from tests.faults.children import opened
from tests.faults.cluster import Cluster
from tests.faults.conftest import Tally
from tests.faults.processes import Place

VERSION = "0004"
AT, DAY = datetime.fromisoformat("2026-03-02T09:30:00"), date(2026, 2, 14)
NEED = "Les bus s'arrêtent à dix-neuf heures et les aînés ne sortent plus."
INTEREST = "Mobilités du soir, vieillissement et renoncement aux déplacements."

Rows = dict[str, list[dict[str, Any]]]


def fingerprint_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def vector_of(text: str) -> bytes:
    row: bytes = WordEncoder().encode_passages([text])[0].tobytes()
    return row


def statement(number: int, kind: str, organisation: int, text: str) -> dict[str, Any]:
    return {
        "id": number, "sociopole_id": 1, "organisation_id": organisation, "kind": kind,
        "reference": f"R{number}", "public_id": f"P{number}", "title": "", "text": text,
        "sector_written": "mobilité", "sector": "032000", "discipline_written": "",
        "discipline": "", "territory_id": "ept:200057867", "consent": True, "written_on": DAY,
        "text_hash": fingerprint_of(text), "revision": number, "deleted": False,
    }  # fmt: skip


ROWS: Rows = {
    "territory": [
        {"id": "departement:93", "level": "departement", "code": "93", "former_codes": "",
         "name": "Seine-Saint-Denis", "name_key": "seine saint denis", "population": 1_600_000},
        {"id": "ept:200057867", "level": "ept", "code": "200057867", "former_codes": "",
         "name": "Plaine Commune", "name_key": "plaine commune", "population": None},
    ],
    "territory_parent": [{"child_id": "ept:200057867", "parent_id": "departement:93"}],
    "sociopole": [
        {"id": 1, "slug": SLUG, "name": "Plaine Commune", "territory_id": "ept:200057867"}
    ],
    "organisation": [
        {"id": 1, "sociopole_id": 1, "name": "Les Bancs publics", "college": "association",
         "name_key": "les bancs publics"},
        {"id": 2, "sociopole_id": 1, "name": "Laboratoire Mobilités", "college": "academic",
         "name_key": "laboratoire mobilites"},
    ],
    "contact": [
        {"id": 1, "organisation_id": 1, "name": "Accueil", "email": "accueil@exemple.fr"}
    ],
    "known_relation": [{"left_id": 1, "right_id": 2, "since": "2024", "note": "un colloque"}],
    "statement": [statement(1, "problem", 1, NEED), statement(2, "interest", 2, INTEREST)],
    "vector": [
        {"fingerprint": "words-1", "text_hash": fingerprint_of(text), "row": vector_of(text)}
        for text in (NEED, INTEREST)
    ],
    "import": [
        {"id": 1, "sociopole_id": 1, "at": AT, "file_name": "recueil.csv", "file_hash": "0" * 64,
         "kind": "problem", "columns": {"text": "Texte"}, "report": {"rows": 2, "created": 2}}
    ],
    "lexicon": [
        {"sociopole_id": 1, "term_key": "biodéchets", "state": "on", "at": AT,
         "say": "les seaux du kiosque", "terms": "biodéchets"}
    ],
    "run": [
        {"id": 1, "sociopole_id": 1, "at": AT, "revision": 2, "fingerprint": "words-1",
         "settings": {"proposals": 3, "max_load": 5, "kinds": ["problem-interest"]}}
    ],
    "pairing": [
        {"run_id": 1, "rank": 1, "left_id": 1, "right_id": 2, "score": 0.61, "reasons": [],
         "bars": {"meaning": 0.7, "sector_gap": 0.5, "complementarity": 1.0, "novelty": 1.0},
         "alternates": []}
    ],
    "orphan": [{"run_id": 1, "statement_id": 2, "why": "aucun partenaire assez proche"}],
    "grouping": [
        {"id": 1, "sociopole_id": 1, "base_id": None, "at": AT, "by": "Ada", "revision": 2,
         "fingerprint": "words-1", "content": "0" * 64, "last_edit": 1, "settings": {},
         "advice": {}, "lost_titles": [], "merges": [[0, 1, 0.4]]}
    ],
    "grouping_group": [
        {"grouping_id": 1, "name": "G1", "rank": 1, "title": "Sortir le soir", "locked": False,
         "titled_by_person": True, "terms": ["bus"], "central_id": 1, "transversality": 0.0,
         "local": True, "stability": "fragile", "partners": []}
    ],
    "grouping_place": [
        {"grouping_id": 1, "statement_id": 1, "name": "G1", "nearest": "", "strength": 0.9,
         "leaf": 0, "x": 0.1, "y": 0.2}
    ],
    "group_edit": [
        {"id": 1, "sociopole_id": 1, "at": AT, "by": "Ada", "why": "plus clair",
         "action": "rename", "content": {"group": "G1", "title": "Sortir le soir"},
         "undoes_id": None}
    ],
    "decision": [
        {"id": 1, "sociopole_id": 1, "at": AT, "by": "Ada", "action": "accept", "reason": "",
         "words": "ils se voient mardi", "until": None, "undoes_id": None,
         "pairs": [[1, 2, fingerprint_of(NEED), fingerprint_of(INTEREST)]]}
    ],
}  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def old_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place whose database is at the earlier version, filled."""
    folder = tmp_path / "place"
    folder.mkdir()
    url = ""
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.create_database()
    place = Place(folder, url)
    engine = open_engine(Settings(data=folder, database_url=url).url)
    migrate(engine, VERSION)
    tables = reflect(engine)
    with engine.begin() as connection:
        for name, rows in ROWS.items():
            connection.execute(insert(tables[name]), rows)
        connection.execute(tables["revision"].update().values(value=2))
    engine.dispose()
    return place


@pytest.mark.fault("F17")
def test_an_older_database_keeps_every_row_and_serves(old_place: Place, tally: Tally) -> None:
    engine = open_engine(Settings(data=old_place.folder, database_url=old_place.url).url)
    before = read_all(engine)
    assert not is_current(engine)
    # A table of that version without a row would not be tried.
    assert {name for name, rows in before.items() if not rows} == set()

    encoder = WordEncoder()
    with opened(old_place, encoder) as resources:
        assert is_current(resources.engine)
        assert read_all(engine, like=before) == before
        catch_up(resources)
        assert encoder.embedded == []
        assert check(resources).findings == []
        [first, *_] = answer(resources, Query("bus du soir", SLUG))
        assert first.view.statement.text == NEED
        [decision] = show_decisions(resources, SLUG)["decisions"]
        assert decision["words"] == "ils se voient mardi"
    engine.dispose()
    tally(sum(len(rows) for rows in before.values()), f"rows of {len(before)} tables upgraded")


def reflect(engine: Engine) -> dict[str, Any]:
    """The tables that are there, as the database describes them."""
    metadata = MetaData()
    metadata.reflect(engine)
    return {name: table for name, table in metadata.tables.items() if name != "alembic_version"}


def read_all(engine: Engine, like: Rows | None = None) -> Rows:
    """Every row of every table; or only the tables and columns of an earlier reading."""
    tables = reflect(engine)
    found: Rows = {}
    with engine.connect() as connection:
        for name in like or tables:
            columns = list(like[name][0]) if like else tables[name].columns.keys()
            chosen = [tables[name].columns[column] for column in columns]
            rows = connection.execute(select(*chosen).order_by(*tables[name].primary_key))
            found[name] = [dict(row) for row in rows.mappings()]
    return found
