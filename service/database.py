"""Opening the database: SQLite in WAL mode by default, PostgreSQL by URL."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

BUSY_TIMEOUT_MS = 10_000
MIGRATIONS = Path(__file__).parent / "migrations"
SCOPE, FIRST = "sociopoles_scope", "sociopoles_first"
"""Execution options of an engine: what its sessions may read, and what each write begins with."""


def open_engine(url: str) -> Engine:
    """An engine whose SQLite connections lose nothing that was committed."""
    if not url.startswith("sqlite"):
        return create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    engine = create_engine(url)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def read(engine: Engine) -> Iterator[Session]:
    """A session that sees one state of the database and changes nothing."""
    # SQLite reads a snapshot anyway; PostgreSQL must be asked.
    level = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    reader = engine.execution_options(**level)
    with Session(reader, info=_info(engine)) as session:
        yield session
        session.rollback()


@contextmanager
def write(engine: Engine) -> Iterator[Session]:
    """One transaction: committed when the block ends, undone if it raises or calls rollback.

    SQLite takes its write lock at the start, so that two writers wait for each other instead of
    one failing at its first write.
    """
    writer = engine.execution_options(sociopoles_write=True)
    with Session(writer, info=_info(engine)) as session:
        if first := engine.get_execution_options().get(FIRST):
            first(session)
        yield session
        session.commit()


def _info(engine: Engine) -> dict[Any, Any]:
    return {SCOPE: engine.get_execution_options().get(SCOPE)}


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest version; an empty database gets them all."""
    with engine.begin() as connection:
        command.upgrade(_alembic(connection), "head")


def is_current(engine: Engine) -> bool:
    """Whether the tables are at the newest version."""
    with engine.connect() as connection:
        return table_version(connection) == known_versions()[0]


def table_version(connection: Connection) -> str | None:
    """The version of the tables of this database; None where it has none."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def known_versions() -> tuple[str, ...]:
    """The versions of the tables that this program knows, newest first."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    return tuple(script.revision for script in scripts.walk_revisions())


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _configure_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - DBAPI has no type
    # The driver's own BEGIN comes too late for a consistent read: ours is emitted by _begin.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        # FULL: a commit that was acknowledged survives a power cut.
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    is_write = connection.get_execution_options().get("sociopoles_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


def now() -> dt.datetime:
    """The time a row is stamped with: UTC, without its zone."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)
