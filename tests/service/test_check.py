"""A check says whether the database is whole and whether what is derived agrees with it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, text, update

from service.database import write
from service.resources import Resources
from service.tables import StatementRow, Vector
from service.workflows.answer import Query, answer
from service.workflows.check import Severity, check
from tests.builders import import_texts
from tests.conftest import OpenResources
from tests.fakes import DIM

TEXTS = ("pas de vélos", "murs humides", "jardin partagé")


@pytest.fixture
def filled(resources: Resources) -> Resources:
    import_texts(resources, *TEXTS)
    return resources


def spoil(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def test_what_was_just_imported_is_clean(filled: Resources) -> None:
    health = check(filled)

    assert (health.exit_code, health.findings) == (0, [])
    assert (health.statements, health.indexed, health.pending) == (3, 3, 0)
    assert health.as_json()["status"] == "clean"


def test_a_database_without_statements_is_clean(resources: Resources) -> None:
    health = check(resources)

    assert (health.exit_code, health.findings) == (0, [])


def test_an_index_that_was_deleted_is_nothing_lost(filled: Resources) -> None:
    for path in filled.settings.index_folder.rglob("*.*"):
        path.unlink()

    assert check(filled).exit_code <= 1
    assert check(filled, repair=True).exit_code == 0
    assert check(filled).exit_code == 0


@pytest.mark.parametrize("name", ["manifest.json", "vectors.faiss", "words.json"])
def test_a_corrupt_snapshot_is_repairable_and_repaired(filled: Resources, name: str) -> None:
    [path] = filled.settings.index_folder.rglob(name)
    spoil(path)

    found, repaired, after = check(filled), check(filled, repair=True), check(filled)

    assert (found.exit_code, found.findings[0].severity) == (1, Severity.REPAIRABLE)
    assert (repaired.exit_code, repaired.repaired) == (0, True)
    assert (after.exit_code, after.findings) == (0, [])
    assert (after.indexed, after.statements) == (3, 3)


def test_a_text_altered_behind_our_back_is_data_lost(filled: Resources) -> None:
    with write(filled.engine) as session:
        session.execute(text("UPDATE statement SET text = 'autre chose' WHERE public_id = '2'"))

    found, repaired = check(filled), check(filled, repair=True)

    assert (found.exit_code, repaired.exit_code) == (2, 2)
    assert "le texte a été altéré" in found.findings[0].message
    assert found.as_json()["status"] == "lost"


def test_a_repair_never_touches_what_people_wrote(filled: Resources) -> None:
    with write(filled.engine) as session:
        session.execute(text("UPDATE statement SET text = 'autre chose' WHERE public_id = '2'"))

    check(filled, repair=True)

    assert answer(filled, Query("autre chose"))[0].view.statement.text == "autre chose"


def _shorten_a_vector(resources: Resources) -> None:
    with write(resources.engine) as session:
        session.execute(update(Vector).values(row=b"\0" * (4 * DIM - 4)))


def _change_a_vector(resources: Resources) -> None:
    with write(resources.engine) as session:
        session.execute(update(Vector).values(row=b"\0\0\0\x3d" * DIM))


def _forget_vectors(resources: Resources) -> None:
    with write(resources.engine) as session:
        session.execute(delete(Vector))


@pytest.mark.parametrize("break_it", [_shorten_a_vector, _change_a_vector, _forget_vectors])
def test_broken_vectors_are_repairable_and_repaired(
    filled: Resources, break_it: Callable[[Resources], None]
) -> None:
    before = answer(filled, Query("vélos"))
    break_it(filled)

    found, repaired = check(filled), check(filled, repair=True)

    assert (found.exit_code, repaired.exit_code) == (1, 0)
    assert check(filled).exit_code == 0
    assert answer(filled, Query("vélos")) == before


def test_an_index_that_knows_a_statement_the_database_does_not_is_repairable(
    filled: Resources,
) -> None:
    with write(filled.engine) as session:
        session.execute(delete(StatementRow).where(StatementRow.public_id == "2"))

    found, repaired = check(filled), check(filled, repair=True)

    assert (found.exit_code, repaired.exit_code) == (1, 0)
    assert check(filled).indexed == 2


def test_what_changed_since_the_snapshot_is_pending_and_no_fault(
    filled: Resources, open_more: OpenResources
) -> None:
    other = open_more(data=filled.settings.data)
    import_texts(other, *TEXTS, *(f"texte neuf {i}" for i in range(40)))
    import_texts(filled, *TEXTS, *(f"texte neuf {i}" for i in range(40)), "un de plus")

    health = check(filled)

    assert health.exit_code == 0
    assert health.indexed + health.pending == health.statements == 44


def test_a_row_that_points_at_nothing_is_data_lost(filled: Resources) -> None:
    if filled.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL enforces its foreign keys")
    with filled.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.rollback()
        raw.executescript("PRAGMA foreign_keys=OFF; DELETE FROM organisation;")

    health = check(filled)

    assert health.exit_code == 2
    assert "renvoie à une ligne absente de organisation" in health.findings[0].message
