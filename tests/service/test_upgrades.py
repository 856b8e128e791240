"""Data of earlier versions are opened, searched, backed up and restored by this one."""

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from service.database import is_current, known_versions, read
from service.resources import Resources, open_resources
from service.settings import Settings
from service.tables import StatementRow
from service.workflows.answer import Query, answer
from service.workflows.backup import backup
from service.workflows.check import check
from service.workflows.restore import restore
from service.workflows.show import show_suggestions
from tests.builders import SLUG, import_texts
from tests.fakes import WordEncoder

UPGRADES = Path(__file__).parents[2] / "fixtures" / "upgrades"
VERSIONS = sorted(path.name.removesuffix(".tar.gz") for path in UPGRADES.glob("*.tar.gz"))
KEPT = ("statement", "organisation", "contact", "pairing", "orphan", "run", "import")
SINCE = {
    "grouping": "0003",
    "grouping_group": "0003",
    "group_edit": "0003",
    "decision": "0004",
    "account": "0005",
}
QUESTION = Query("garage à vélos")


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def folder(version: str, tmp_path: Path) -> Path:
    """The data folder of that version."""
    with tarfile.open(UPGRADES / f"{version}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "data"


def rows(folder: Path, version: str) -> dict[str, list[tuple[Any, ...]]]:
    """What people wrote and decided, in the columns that there were."""
    tables = [*KEPT, *(table for table, since in SINCE.items() if version >= since)]
    with closing(sqlite3.connect(folder / "sociopoles.sqlite3")) as connection:
        return {
            table: connection.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2').fetchall()  # noqa: S608
            for table in tables
        }


def test_there_are_data_of_every_version_until_this_one() -> None:
    assert VERSIONS[:5] == ["0001", "0002", "0003", "0004", "0005"]
    assert set(VERSIONS) <= set(known_versions())


def test_nothing_is_lost_and_the_check_is_clean(version: str, folder: Path) -> None:
    before = rows(folder, version)
    assert before["statement"]
    assert before["pairing"]

    resources = open_resources(Settings(data=folder), WordEncoder())
    health = check(resources)
    resources.engine.dispose()

    after = rows(folder, version)
    assert (health.exit_code, health.findings, health.statements) == (0, [], 16)
    assert is_current(resources.engine)
    for table, found in before.items():
        # A later version may add columns, at the end.
        assert [row[: len(found[0])] for row in after[table]] == found, table
    resources.engine.dispose()


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]], indirect=True)
def test_questions_are_answered_as_by_indexes_made_today(folder: Path) -> None:
    resources = open_resources(Settings(data=folder), WordEncoder())
    kept = answered(resources)

    check(resources, repair=True)
    for path in sorted(resources.settings.index_folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    afresh = open_resources(Settings(data=folder), WordEncoder())

    assert kept == answered(afresh)
    assert show_suggestions(afresh, SLUG)["pairings"]
    for opened in (resources, afresh):
        opened.engine.dispose()


def answered(resources: Resources) -> list[tuple[str, float]]:
    return [(a.view.statement.text, round(a.score, 6)) for a in answer(resources, QUESTION)]


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]], indirect=True)
def test_work_goes_on(folder: Path) -> None:
    resources = open_resources(Settings(data=folder), WordEncoder())

    report = import_texts(resources, "un texte d'aujourd'hui")

    with read(resources.engine) as session:
        found = session.execute(select(StatementRow.text)).scalars().all()
    assert report.created == 1
    assert len(found) == 17
    assert check(resources).exit_code == 0
    resources.engine.dispose()


def test_an_old_database_is_backed_up_as_it_is_and_restored_to_this_version(
    version: str, folder: Path, tmp_path: Path
) -> None:
    """The backup that is made before an upgrade, by the program that was just installed."""
    manifest = backup(Settings(data=folder), tmp_path / "avant.tar.gz")
    with closing(sqlite3.connect(folder / "sociopoles.sqlite3")) as connection:
        [[still]] = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    there = Settings(data=tmp_path / "neuf")

    restore(there, tmp_path / "avant.tar.gz", encoder=WordEncoder())

    resources = open_resources(there, WordEncoder())
    assert (manifest.tables, still, manifest.statements) == (version, version, 16)
    assert check(resources).exit_code == 0
    with read(resources.engine) as session:
        assert session.execute(text("SELECT count(*) FROM statement")).scalar_one() == 16
    resources.engine.dispose()
