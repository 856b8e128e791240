"""A SQLite database as a file: copied while others write, made one whole file, set aside."""

import errno
import os
import shutil
import sqlite3
import stat
from contextlib import closing, suppress
from pathlib import Path

from service.errors import Damaged, Refused

PATIENCE = 30
"""Seconds to wait for a writer to let go of the file."""
BRIEFLY = 2
"""Seconds to wait for whoever has the file open, who would not close it before long."""
NO_ROOM = frozenset(
    "SQLITE_FULL SQLITE_IOERR_WRITE SQLITE_IOERR_FSYNC SQLITE_IOERR_TRUNCATE SQLITE_IOERR_SHMSIZE "
    "SQLITE_IOERR_SHMOPEN".split()
)
HEADER = b"SQLite format 3\0"
SIDE_FILES = ("-wal", "-shm", "-journal")


def copy_whole(source: Path, target: Path) -> None:
    """Copy a database as it stands at one moment, in the journal mode it has. Raises Damaged."""
    address = f"{source.absolute().as_uri()}?mode=rw"
    try:
        with (
            closing(sqlite3.connect(address, PATIENCE, uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            # In one step: what others commit meanwhile is not in it, and nobody waits.
            old.backup(new)
    except sqlite3.DatabaseError as error:
        raise explain(error) from error


def compact(file: Path) -> None:
    """Leave out what was deleted: it still lies in the free pages. Raises Damaged."""
    try:
        with closing(sqlite3.connect(file)) as connection:
            fault = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("VACUUM")
    except sqlite3.DatabaseError as error:
        raise explain(error) from error
    if fault != "ok":
        raise unreadable(fault)


def seal(file: Path) -> None:
    """Fold the log into the file, and put it on the disk."""
    try:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        raise explain(error) from error
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def set_aside(file: Path, aside: Path) -> bool:
    """Keep a database that nobody uses, and its log, under another name; False: there was none.

    The file itself stays where it was, for `replace`: there is a database at every moment.
    Raises Refused where another program has it open.
    """
    if file.exists() and _begins_well(file):
        _take_alone(file)
    # A log left beside a new database would be applied to it.
    for suffix in SIDE_FILES:
        with suppress(FileNotFoundError):
            Path(f"{file}{suffix}").rename(f"{aside}{suffix}")
    if not file.exists():
        return False
    try:
        aside.hardlink_to(file)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.EMLINK}:
            raise
        # A file system that gives one name a file: a copy, so that there is always a database.
        copy = aside.with_name(f".{aside.name}.tmp")
        shutil.copyfile(file, copy)
        copy.chmod(stat.S_IMODE(file.stat().st_mode))
        with copy.open("rb+") as stream:
            os.fsync(stream.fileno())
        copy.rename(aside)
    return True


def unreadable(detail: str) -> Damaged:
    """Why a database is not copied."""
    return Damaged(
        f"La base ne se lit pas en entier ({detail}). Gardez son dossier tel quel, puis restaurez "
        "la dernière sauvegarde."
    )


def explain(error: BaseException | None) -> Refused:
    """Why a copy failed: what was read is whole as long as it is writing that failed."""
    if getattr(error, "sqlite_errorname", "") in NO_ROOM:
        return Refused("La copie n'a pas pu s'écrire : le disque est plein, ou refuse.")
    return unreadable(str(error))


def _begins_well(file: Path) -> bool:
    """Whether this is a database at all: SQLite would tidy up beside what is none."""
    with file.open("rb") as stream:
        return stream.read(len(HEADER)) == HEADER


def _take_alone(file: Path) -> None:
    """Fold the log into the file, which only succeeds when nobody else has it open."""
    try:
        with closing(sqlite3.connect(file, BRIEFLY)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise in_use() from error
        # Damaged: perhaps why it is being replaced. It is kept aside as it is.


def in_use() -> Refused:
    """Why a database is not replaced."""
    return Refused(
        "Un autre programme se sert de la base : arrêtez le service (et ses processus de travail), "
        "puis recommencez. Rien n'a été changé."
    )
