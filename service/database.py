"""Opening the database: SQLite in WAL mode by default, PostgreSQL by URL."""

import datetime as dt
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

LOCK_WAIT, BUSY_TIMEOUT_MS = 10.0, 10_000
MIGRATIONS = Path(__file__).parent / "migrations"
READERS_POLLED_MS = 100
OLD_READERS = """
SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (
  age(backend_xid) >= age(%(mark)s::xid)
  OR datname = current_database() AND age(backend_xmin) >= age(%(mark)s::xid)
)
"""
"""Who began before `mark`: a writer in any database of the server, a reader in this one."""
SCOPE, FIRST = "sociopoles_scope", "sociopoles_first"
"""Execution options of an engine: what its sessions may read, and what each write begins with."""


def open_engine(url: str, lock_wait: float = LOCK_WAIT) -> Engine:
    """An engine that loses nothing that was committed.

    Who waits for another's lock gives up after `lock_wait` seconds (OperationalError).
    """
    # Errors carry the values of a statement into logs: they are what people wrote.
    if not url.startswith("sqlite"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        # A connection from before the server restarted is noticed before it is used.
        engine = create_engine(url, hide_parameters=True, pool_pre_ping=True)
        event.listen(engine, "connect", partial(_configure_postgresql, lock_wait))
        return engine
    engine = create_engine(url, hide_parameters=True)
    event.listen(engine, "connect", partial(_configure_sqlite, lock_wait))
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


def migrate(engine: Engine, version: str = "head") -> None:
    """Bring the tables to this version, the newest if not said; an empty database gets them all."""
    with engine.begin() as connection:
        command.upgrade(_alembic(connection), version)


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


def drop_old_bytes(engine: Engine, tables: Iterable[str]) -> bool:
    """Leave no byte of what was deleted or changed in the database's files.

    SQLite: the file is written anew and its journal emptied. PostgreSQL: the tables are written
    anew; its own journal (WAL) and backups are the server's affair. False where somebody who still
    reads an older state keeps it there.
    """
    if engine.dialect.name != "sqlite":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return _rewrite_tables(connection, tables)
    # Not through a session: neither statement may stand in a transaction.
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy, *_ = cursor.fetchone() or (1,)
        return not busy
    finally:
        raw.close()


def _rewrite_tables(connection: Connection, tables: Iterable[str]) -> bool:
    if not _wait_for_readers(connection):
        return False
    # A table is written anew while nobody reads it: whoever stays in one must not stop the rest.
    connection.exec_driver_sql(f"SET lock_timeout = {BUSY_TIMEOUT_MS}")
    try:
        for table in sorted(tables):
            name = connection.dialect.identifier_preparer.quote(table)
            connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {name}")
        # The planner keeps the most common values of each column.
        connection.exec_driver_sql("VACUUM (FULL) pg_statistic")
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        return False
    finally:
        connection.exec_driver_sql("RESET lock_timeout")
    return True


def _wait_for_readers(connection: Connection) -> bool:
    """Wait until nobody reads this PostgreSQL database as it was; False where somebody stays."""
    mark = connection.exec_driver_sql("SELECT pg_current_xact_id()::xid::text").scalar_one()
    for _ in range(BUSY_TIMEOUT_MS // READERS_POLLED_MS):
        if not connection.exec_driver_sql(OLD_READERS, {"mark": mark}).scalar_one():
            return True
        time.sleep(READERS_POLLED_MS / 1000)
    return False


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


# Any: a DBAPI connection has no type.
def _configure_sqlite(lock_wait: float, connection: Any, _record: object) -> None:  # noqa: ANN401
    # The driver's own BEGIN comes too late for a consistent read: ours is emitted by _begin.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        # FULL: a commit that was acknowledged survives a power cut.
        "synchronous=FULL",
        "foreign_keys=ON",
        # What is deleted is written over, not only unlinked.
        "secure_delete=ON",
        f"busy_timeout={round(lock_wait * 1000)}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _configure_postgresql(lock_wait: float, connection: Any, _record: object) -> None:  # noqa: ANN401
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {round(lock_wait * 1000)}")
    connection.commit()


def _begin(connection: Connection) -> None:
    is_write = connection.get_execution_options().get("sociopoles_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


def now() -> dt.datetime:
    """The time a row is stamped with: UTC, without its zone."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)
