"""What tests share: a database of each kind, ready in milliseconds, and what stands on it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from matcher.encoder import Encoder
from service.database import migrate, open_engine, write
from service.resources import Resources, open_resources
from service.settings import Settings
from service.store.sociopoles import add_sociopole
from service.store.territories import load_territories
from service.tables import Revision, Table
from tests.builders import SLUG, TERRITORIES
from tests.fakes import WordEncoder
from tests.faults.table import pytest_terminal_summary as pytest_terminal_summary

POSTGRESQL = "SOCIOPOLES_TEST_DATABASE_URL"
NIGHTLY = "SOCIOPOLES_NIGHTLY_HOUR"
ROOM_BYTES = 1_000_000_000

MakeDatabase = Callable[[Path], str]
"""Given a test's folder, the URL of its own fresh database, empty for SQLite in that folder."""
OpenResources = Callable[..., Resources]


def pytest_configure() -> None:
    """Put the tests' files in memory, for each commit and snapshot would wait for the disk.

    Nor do workers begin each night's work in the middle of a test.
    """
    os.environ[NIGHTLY] = "24"
    memory = Path("/dev/shm")  # noqa: S108 - pytest makes its own folder in it
    if memory.is_dir() and shutil.disk_usage(memory).free > ROOM_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SOCIOPOLES_")]:
        if name not in {POSTGRESQL, NIGHTLY}:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the tables, a few territories and one sociopôle."""
    folder = tmp_path_factory.mktemp("template")
    fill_database(Settings(data=folder).url)
    return folder / "sociopoles.sqlite3"


@pytest.fixture
def data(sqlite_template: Path, tmp_path: Path) -> Path:
    """A data folder as the command line finds it after `sociopole add`."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder)
    return folder


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def make_database(request: pytest.FixtureRequest, sqlite_template: Path) -> Iterator[MakeDatabase]:
    """Fresh databases of each kind, filled as the template."""
    if request.param == "sqlite":
        yield lambda folder: _copy_sqlite(sqlite_template, folder)
    elif server := os.environ.get(POSTGRESQL):
        with ExitStack() as stack:
            yield _share_postgresql(server, stack)
    else:
        pytest.skip(f"{POSTGRESQL} is not set: nothing was tried on PostgreSQL")


@pytest.fixture
def database_url(make_database: MakeDatabase, tmp_path: Path) -> str:
    """The URL of a fresh database; empty means SQLite in `tmp_path`."""
    return make_database(tmp_path)


@pytest.fixture
def open_more(database_url: str, tmp_path: Path) -> Iterator[OpenResources]:
    """Open Resources on this test's database, each as another process would."""
    with ExitStack() as stack:

        def open_one(encoder: Encoder | None = None, *, data: Path = tmp_path) -> Resources:
            # The same database wherever the indexes are put.
            url = database_url or f"sqlite:///{tmp_path / 'sociopoles.sqlite3'}"
            settings = Settings(data=data, database_url=url)
            resources = open_resources(settings, encoder or WordEncoder())
            stack.callback(resources.engine.dispose)
            return resources

        yield open_one


@pytest.fixture
def resources(open_more: OpenResources) -> Resources:
    """A database with one sociopôle on Plaine Commune, and an encoder that needs no model."""
    return open_more()


def copy_database(template: Path, folder: Path) -> Path:
    """A data folder with a copy of the template's database; returns the folder."""
    shutil.copy(template, folder)
    return folder


def _copy_sqlite(template: Path, folder: Path) -> str:
    shutil.copy(template, folder)
    return ""


def _share_postgresql(server: str, stack: ExitStack) -> MakeDatabase:
    # One database a session, emptied for each test: dropping one waits for a checkpoint.
    name = f"sociopoles_{uuid4().hex[:8]}"
    url = f"{server.rpartition('/')[0]}/{name}"
    connection = stack.enter_context(psycopg.connect(server, autocommit=True))
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    relaxed = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off")
    connection.execute(relaxed.format(sql.Identifier(name)))
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
    stack.callback(connection.execute, drop)
    fill_database(url)
    engine = open_engine(url)
    stack.callback(engine.dispose)

    def empty(_target: Path) -> str:
        with write(engine) as session:
            for table in reversed(Table.metadata.sorted_tables):
                if table.name not in {"territory", "territory_parent", "revision"}:
                    session.execute(delete(table))
            session.execute(update(Revision).values(value=0, epoch=uuid4().hex))
            _add_sociopole(session)
        return url

    return empty


def fill_database(url: str) -> None:
    """Give an empty database its tables, a few territories and one sociopôle."""
    engine = open_engine(url)
    migrate(engine)
    with write(engine) as session:
        load_territories(session, TERRITORIES)
        _add_sociopole(session)
    engine.dispose()


def _add_sociopole(session: Session) -> None:
    add_sociopole(session, slug=SLUG, name="Plaine Commune", territory_id="ept:200057867")
