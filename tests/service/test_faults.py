"""What the machine cannot do is told from faults of ours, and has words for people."""

import errno
import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from service.faults import AWAY, BUSY, CLOSED, FULL, Fault, explain_fault


def of_sqlite(name: str) -> DBAPIError:
    error = sqlite3.OperationalError("as SQLite says it")
    error.sqlite_errorname = name
    return OperationalError("UPDATE …", {}, error)


def of_postgresql(error: psycopg.Error) -> DBAPIError:
    return OperationalError("UPDATE …", {}, error)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (of_sqlite("SQLITE_FULL"), FULL),
        (of_sqlite("SQLITE_IOERR_WRITE"), FULL),
        (of_sqlite("SQLITE_READONLY_DBMOVED"), CLOSED),
        (of_sqlite("SQLITE_CANTOPEN_ISDIR"), CLOSED),
        (of_sqlite("SQLITE_BUSY_SNAPSHOT"), BUSY),
        (of_postgresql(psycopg.errors.DiskFull()), FULL),
        (of_postgresql(psycopg.errors.ReadOnlySqlTransaction()), CLOSED),
        (of_postgresql(psycopg.errors.LockNotAvailable()), BUSY),
        (of_postgresql(psycopg.errors.DeadlockDetected()), BUSY),
        (of_postgresql(psycopg.errors.TooManyConnections()), BUSY),
        (of_postgresql(psycopg.errors.QueryCanceled()), BUSY),
        (of_postgresql(psycopg.errors.AdminShutdown()), AWAY),
        (of_postgresql(psycopg.errors.CannotConnectNow()), AWAY),
        (of_postgresql(psycopg.errors.ConnectionFailure()), AWAY),
        (of_postgresql(psycopg.OperationalError("connection refused")), AWAY),
        (PoolTimeoutError(), BUSY),
        (OSError(errno.ENOSPC, "No space left on device"), FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), FULL),
    ],
)
def test_what_the_machine_cannot_do_has_a_status_words_and_a_time(
    error: Exception, fault: Fault
) -> None:
    assert explain_fault(error) == fault
    assert fault.status in {503, 507}
    assert fault.retry_after > 0


@pytest.mark.parametrize(
    "error",
    [
        of_sqlite("SQLITE_CORRUPT"),
        of_sqlite("SQLITE_NOTADB"),
        of_sqlite("SQLITE_ERROR"),
        of_postgresql(psycopg.errors.UndefinedTable()),
        of_postgresql(psycopg.errors.DataCorrupted()),
        IntegrityError("INSERT …", {}, psycopg.errors.UniqueViolation()),
        FileNotFoundError(errno.ENOENT, "No such file or directory"),
        ValueError("ours"),
    ],
)
def test_a_fault_of_ours_or_a_damaged_database_is_not_explained_away(error: Exception) -> None:
    assert explain_fault(error) is None


def test_only_what_is_known_to_have_changed_nothing_says_so() -> None:
    assert all("n'a rien changé" in fault.message for fault in (FULL, CLOSED, BUSY))
    # A commit whose answer was lost may have been made.
    assert "n'a rien changé" not in AWAY.message
    assert "regardez d'abord" in AWAY.message
