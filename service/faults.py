"""What the database or the disk cannot do just now, told from faults of ours, in words."""

import errno
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

SOON, LATER = 5, 60
"""Seconds after which trying again makes sense: what passes by itself, what a person mends."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What the service says of it: an HTTP status, a message that says what to do, when again."""

    status: int
    message: str
    retry_after: int


FULL = Fault(
    507,
    "Le disque du serveur est plein, ou refuse l'écriture : cette demande n'a rien changé, et ce "
    "qui était enregistré l'est toujours. Libérez de l'espace, puis recommencez.",
    LATER,
)
CLOSED = Fault(
    503,
    "La base de données ne se laisse pas écrire : cette demande n'a rien changé. Vérifiez les "
    "droits du dossier des données, puis recommencez.",
    LATER,
)
BUSY = Fault(
    503,
    "La base de données est occupée par une autre opération : cette demande n'a rien changé. "
    "Recommencez dans quelques secondes.",
    SOON,
)
AWAY = Fault(
    503,
    "La base de données ne répond pas : elle redémarre, ou elle est injoignable. Réessayez dans "
    "quelques secondes ; après un envoi, regardez d'abord s'il a été pris en compte.",
    SOON,
)

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
SQLITE = {
    "SQLITE_FULL": FULL,
    # What a refused write looks like from inside: the file, its log, or the memory they share.
    "SQLITE_IOERR_WRITE": FULL,
    "SQLITE_IOERR_FSYNC": FULL,
    "SQLITE_IOERR_TRUNCATE": FULL,
    "SQLITE_IOERR_SHMSIZE": FULL,
    "SQLITE_IOERR_SHMOPEN": FULL,
    "SQLITE_READONLY": CLOSED,
    "SQLITE_CANTOPEN": CLOSED,
    "SQLITE_BUSY": BUSY,
    "SQLITE_LOCKED": BUSY,
}
# PostgreSQL, appendix A "Error codes": whole classes by their first two signs.
POSTGRESQL = {
    "53100": FULL,
    "25006": CLOSED,
    "53300": BUSY,
    "55P03": BUSY,
    "40001": BUSY,
    "40P01": BUSY,
    "57014": BUSY,
    "08": AWAY,
    "57P": AWAY,
}


def explain_fault(error: BaseException) -> Fault | None:
    """What to say of an error that is the machine's and not ours; None for all others."""
    if isinstance(error, PoolTimeoutError):
        return BUSY
    if isinstance(error, DBAPIError):
        return _explain_database(error)
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return FULL
    return None


def _explain_database(error: DBAPIError) -> Fault | None:
    # The drivers give their codes as attributes that their common base does not declare.
    name = str(getattr(error.orig, "sqlite_errorname", ""))
    for known, fault in SQLITE.items():
        # An extended code begins with its own kind: SQLITE_BUSY_SNAPSHOT.
        if name.startswith(known):
            return fault
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return next((fault for code, fault in POSTGRESQL.items() if state.startswith(code)), None)
    # Without a state there was no server to give one: refused, cut, or closed under our hands.
    away = error.connection_invalidated or type(error.orig).__module__.startswith("psycopg")
    return AWAY if away and not name else None
