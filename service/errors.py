"""What the service answers when it will not do what was asked."""

from collections.abc import Mapping, Sequence
from typing import Any


class Refused(Exception):  # noqa: N818 - reads as what happened, not as a fault of ours
    """Bad input: the message, in French, says what is wrong and what to do."""


class Damaged(Refused):
    """The database cannot be read: something of people's own may be gone."""


class NotFound(Refused):
    """What was named does not exist, or is not for this person."""


class NotSignedIn(Refused):
    """Nobody is signed in, or no longer."""


class Forbidden(Refused):
    """What is asked for may be seen by this person, and not done."""


class TooMany(Refused):
    """Asked too often; `retry_after` says in how many seconds again."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Conflict(Refused):
    """Somebody else changed it meanwhile; `changes` say what, as plain values."""

    def __init__(self, message: str, changes: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.changes = list(changes)


class Overtaken(Conflict):
    """A person was erased since this was read: nothing that was made of it may be kept."""
