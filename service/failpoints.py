"""Named places where a test kills or fails the process, to show that nothing is lost there.

`SOCIOPOLES_FAILPOINT=name:kill|raise[:nth]` strikes at the nth time that place is passed (the
first, if not said), once, and only where SOCIOPOLES_TESTING=1: a service in use has none.
"""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass

ACTIONS = ("kill", "raise")


class FailpointError(Exception):
    """What a failpoint raises: no code may expect it."""


@dataclass(slots=True)
class _Armed:
    name: str
    action: str
    passes_left: int


def failpoint(name: str) -> None:
    """Die or raise here if a test asked for it; else nothing."""
    if _armed is not None and _armed.name == name:
        _pass(_armed)


def arm(environment: Mapping[str, str]) -> None:
    """Read what to strike. Raises ValueError where a test asks for what cannot be done."""
    global _armed
    wanted = environment.get("SOCIOPOLES_FAILPOINT", "")
    testing = environment.get("SOCIOPOLES_TESTING") == "1"
    _armed = _parse(wanted) if wanted and testing else None


def _parse(wanted: str) -> _Armed:
    name, _, rest = wanted.partition(":")
    action, _, nth = rest.partition(":")
    if not name or action not in ACTIONS or not (nth or "1").isdigit() or int(nth or "1") < 1:
        raise ValueError(f"{wanted!r}: write name:kill|raise[:nth]")
    return _Armed(name, action, int(nth or "1"))


def _pass(armed: _Armed) -> None:
    armed.passes_left -= 1
    if armed.passes_left:
        return
    if armed.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise FailpointError(armed.name)


_armed: _Armed | None = None
arm(os.environ)
