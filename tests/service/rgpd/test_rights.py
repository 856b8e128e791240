"""Rectify, object, withdraw: answered once, and held against later imports and restores."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select

from matcher.assignment import Limits
from matcher.bars import Weights
from matcher.statements import Kind
from service.database import now, read, write
from service.errors import NotFound, Refused
from service.resources import Resources
from service.rgpd.identity import Person, Sought
from service.store.accounts import NewAccount
from service.store.contacts import list_contacts
from service.store.sociopoles import get_sociopole
from service.store.weights import Put, WeightsView, add_weights
from service.tables import StatementRow
from service.workflows.accounts import create_account
from service.workflows.background import Asked, submit_suggestions
from service.workflows.contribute import add_statement, change_statement
from service.workflows.decide import show_decisions
from service.workflows.erase import erase
from service.workflows.guard import is_barred
from service.workflows.held_on import held_on, zip_held
from service.workflows.identify import Asking
from service.workflows.ledger import open_ledger
from service.workflows.rights import Which, allow, object_to, rectify, set_publication
from service.workflows.show_jobs import show_job
from service.workflows.suggest import Plan
from tests.builders import SLUG, import_rows
from tests.service.rgpd.canaries import EMAIL, NAME, use_everything

HEADER = ("id", "organisation", "text", "consent", "contact_name", "contact_email")
AWA = Asking(email="awa@exemple.example")
ROWS = [
    ("1", "Labo", "des vélos pour tous", "oui", "Awa Diallo", "awa@exemple.example"),
    ("2", "Labo", "des repas bio", "oui", "Luc Sow", "luc@exemple.example"),
    ("3", "Asso", "un garage", "oui", "", ""),
]


@pytest.fixture
def filled(resources: Resources) -> Resources:
    import_rows(resources, HEADER, ROWS)
    return resources


def contacts(resources: Resources) -> list[tuple[str, str]]:
    with read(resources.engine) as session:
        return sorted((contact.name, contact.email) for contact in list_contacts(session))


def published(resources: Resources) -> set[str]:
    with read(resources.engine) as session:
        found = select(StatementRow.public_id).where(StatementRow.consent.is_(True))
        return set(session.execute(found).scalars())


def test_what_is_held_is_handed_over_whole(resources: Resources) -> None:
    use_everything(resources)

    held = held_on(resources, email=EMAIL)

    tables = {part["table"]: part["rows"] for part in held["held"]}
    assert {row["public_id"] for row in tables["statement"]} == {"K1", "J1", EMAIL}
    assert {row["email"] for row in tables["contact"]} == {EMAIL, ""}
    assert {"decision", "group_edit", "grouping", "import", "lexicon", "known_relation"} < set(
        tables
    )
    assert {p["name"] for p in held["register"]["processings"]} >= {"Contacts des structures"}


def test_it_is_a_zip_of_json_and_sheets_that_a_spreadsheet_opens(filled: Resources) -> None:
    content = zip_held(held_on(filled, name="diallo awa"))

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
    sheets = {"contact.csv", "statement.csv"}
    assert set(files) == {"LISEZ-MOI.txt", "donnees.json", *sheets}
    (row,) = csv.DictReader(io.StringIO(files["contact.csv"]), delimiter=";")
    assert (row["name"], row["organisation"]) == ("Awa Diallo", "Labo")
    (statement,) = csv.DictReader(io.StringIO(files["statement.csv"]), delimiter=";")
    assert statement["came_with_the_person"] == "true"
    assert json.loads(files["donnees.json"])["searched"]["emails"] == ["awa@exemple.example"]
    assert "CNIL" in files["LISEZ-MOI.txt"]


def test_nothing_held_is_said(resources: Resources) -> None:
    held = held_on(resources, email="personne@exemple.example")

    assert held["held"] == []
    assert b"LISEZ-MOI" in zip_held(held)


def test_a_name_is_rectified_also_where_it_signed(resources: Resources) -> None:
    use_everything(resources)

    rectify(resources, Asking(email=EMAIL), name="Zoé Canari", email="zc@exemple.example")

    assert ("Zoé Canari", "zc@exemple.example") in contacts(resources)
    assert all(name != NAME for name, _ in contacts(resources))
    signed = {decision["by"] for decision in show_decisions(resources, SLUG)["decisions"]}
    assert signed == {"Zoé Canari", "Ada"}


def test_the_bytes_of_the_old_name_are_nowhere_in_the_database(
    resources: Resources, tmp_path: Path
) -> None:
    """Nor in what was deleted: not those of who weighed the bars, and asked for a job, either."""
    # Nobody of another test: what these deleted is still in the files.
    name, email = "Ondine Palissandre", "ondine@palissandre.example"
    rows = [("1", "Labo", "des vélos pour tous", "oui", name, email)]
    import_rows(resources, HEADER, rows)
    (tmp_path / "rows.csv").unlink()
    with write(resources.engine) as session:
        put = WeightsView(0, now(), name, Put.APPLY, Weights())
        add_weights(session, get_sociopole(session, SLUG).id, put)
    number = submit_suggestions(resources, SLUG, Plan(Limits()), Asked(name))
    new = NewAccount(email, name)
    create_account(resources, new, by=None)
    before = database_bytes(resources)
    assert before.count(b"Palissandre") > 3

    rectify(resources, Asking(email=email, name=name), name="Zoé Dupont", email="zd@exemple.fr")

    assert show_job(resources, number)["by"] == "Zoé Dupont"
    after = database_bytes(resources)
    assert "Zoé Dupont".encode() in after
    assert b"palissandre" not in after.lower()


def database_bytes(resources: Resources) -> bytes:
    """Everything that the database's files hold of our tables, deleted rows too."""
    if resources.engine.dialect.name == "sqlite":
        files = resources.settings.data.glob("sociopoles.sqlite3*")
        return b"".join(path.read_bytes() for path in sorted(files))
    with resources.engine.connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
        found = connection.exec_driver_sql(
            "SELECT pg_read_binary_file(pg_relation_filepath(c.oid)) FROM pg_class c "
            "WHERE c.relkind IN ('r', 'i') AND c.relnamespace = 'public'::regnamespace"
        )
        return b"".join(row[0] for row in found)


def test_two_contacts_made_the_same_become_one_with_all_that_came(filled: Resources) -> None:
    rectify(filled, AWA, name="Luc Sow", email="luc@exemple.example")

    assert contacts(filled) == [("Luc Sow", "luc@exemple.example")]
    assert set_publication(filled, SLUG, Which(contact="luc@exemple.example"), consent=False) == 2


@pytest.mark.parametrize(
    ("asking", "new", "message"),
    [
        (AWA, {}, "Dites ce qui change"),
        (AWA, {"email": "awa"}, "n'est pas une adresse"),
        (AWA, {"name": "a" * 201}, "200 caractères"),
        (AWA, {"email": "\ufdfa" * 100 + "@exemple.example"}, "320 d'adresse"),
        (Asking(email="x@exemple.example"), {"name": "X"}, "Personne n'est connu"),
    ],
)
def test_a_rectification_of_nothing_is_refused(
    filled: Resources, asking: Asking, new: dict[str, str], message: str
) -> None:
    before = contacts(filled)

    with pytest.raises(Refused, match=message):
        rectify(filled, asking, **new)

    assert contacts(filled) == before


def test_who_objects_is_gone_and_no_import_brings_them_back(filled: Resources) -> None:
    assert object_to(filled, AWA) == {"contacts": 1, "unpublished": 1}

    report = import_rows(filled, HEADER, ROWS)

    assert contacts(filled) == [("Luc Sow", "luc@exemple.example")]
    assert published(filled) == {"2", "3"}
    assert [left["row"] for left in report.persons["left_out"]] == [2]
    assert report.persons["consents_kept"] == 1


def test_they_are_known_by_name_and_structure_too(filled: Resources) -> None:
    object_to(filled, AWA)
    moved = [("9", "Labo", "autre", "", "DIALLO Awa", "nouvelle@exemple.example")]
    elsewhere = [("10", "Asso", "autre", "", "Awa Diallo", "")]

    report = import_rows(filled, HEADER, moved + elsewhere)

    assert [left["row"] for left in report.persons["left_out"]] == [2]
    assert ("Awa Diallo", "") in contacts(filled)


def test_somebody_never_seen_can_object_beforehand(resources: Resources) -> None:
    object_to(resources, Asking(name="Luc Sow", organisation="Labo"))
    object_to(resources, Asking(orcid="https://orcid.org/0000-0002-1825-0097"))

    report = import_rows(resources, HEADER, ROWS)

    assert [left["row"] for left in report.persons["left_out"]] == [3]
    salt = open_ledger(resources).salt
    keys = salt.keys(Person(orcids=("0000-0002-1825-0097",)))
    assert is_barred(Sought(salt, keys), orcid="0000000218250097")
    assert not is_barred(Sought(salt, keys), orcid="0000-0002-1825-0098", idref="0000000218250097")


def test_who_changes_their_mind_may_come_back(filled: Resources) -> None:
    object_to(filled, AWA)
    allow(filled, Asking("awa@exemple.example", "Awa Diallo", (), "Labo"))

    report = import_rows(filled, HEADER, ROWS)

    assert report.persons["left_out"] == []
    assert ("Awa Diallo", "awa@exemple.example") in contacts(filled)


@pytest.mark.parametrize(
    ("which", "left"),
    [
        (Which(("3",)), {"1", "2"}),
        (Which(organisation="labo"), {"3"}),
        (Which(contact="Luc@exemple.example"), {"1", "3"}),
    ],
)
def test_a_consent_withdrawn_stays_so_through_imports(
    filled: Resources, which: Which, left: set[str]
) -> None:
    set_publication(filled, SLUG, which, consent=False)
    assert published(filled) == left

    report = import_rows(filled, HEADER, ROWS)

    assert published(filled) == left
    assert report.persons["consents_kept"] == 3 - len(left)


def test_a_consent_given_again_holds(filled: Resources) -> None:
    set_publication(filled, SLUG, Which(("3",)), consent=False)
    set_publication(filled, SLUG, Which(("3",)), consent=True)

    import_rows(filled, HEADER, ROWS)

    assert published(filled) == {"1", "2", "3"}


def test_what_an_author_says_themself_holds_against_imports_both_ways(filled: Resources) -> None:
    change_statement(filled, SLUG, "3", {"consent": "non"}, of=None)
    assert import_rows(filled, HEADER, ROWS).persons["consents_kept"] == 1
    assert published(filled) == {"1", "2"}

    change_statement(filled, SLUG, "3", {"consent": "oui"}, of=None)
    assert published(filled) == {"1", "2", "3"}

    assert import_rows(filled, HEADER, ROWS).persons["consents_kept"] == 0
    assert published(filled) == {"1", "2", "3"}


def test_a_statement_written_again_names_the_erased_no_more(filled: Resources) -> None:
    erase(filled, AWA, mask_texts=True)

    written = {"organisation": "Asso", "text": "Awa Diallo a une idée", "consent": "oui"}
    shown = add_statement(filled, SLUG, Kind.PROBLEM, written, of=None)

    assert (shown["text"], shown["consent"]) == ("▒▒▒▒ a une idée", True)


def test_a_withdrawal_of_nothing_is_refused(filled: Resources) -> None:
    with pytest.raises(NotFound, match="Aucune contribution"):
        set_publication(filled, SLUG, Which(("99",)), consent=False)
    with pytest.raises(NotFound, match="n'existe pas"):
        set_publication(filled, "nulle-part", Which(("1",)), consent=False)
