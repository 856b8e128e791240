"""How long something takes beside a fixed piece of work: the same on any machine, busy or not."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
SECOND = 16
"""Units in a second of the processor these limits were set on."""


def pace(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` returns, and its processor time in units of a tenth of a second or so.

    The unit is measured just before and just after: who else is on the machine slows both.
    """
    before = _unit()
    started = time.process_time()
    result = work()
    spent = time.process_time() - started
    return result, spent / max(before, _unit())


def _unit() -> float:
    started = time.process_time()
    total = 0
    for number in range(1_500_000):
        total += number & 7
    assert total
    return time.process_time() - started
