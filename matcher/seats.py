"""What an assignment is asked: the candidates, the limits, and what limits each statement."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many pairings at most: per statement, and per academic organisation."""

    proposals: int = 3
    max_load: int = 5

    def __post_init__(self) -> None:
        """Refuse limits under 1."""
        if self.proposals < 1 or self.max_load < 1:
            raise ValueError(f"limits under 1: {self}")


class Candidates(NamedTuple):
    """Adequate pairs as positions of statements, with their scores from 0 to 1: each `(n,)`."""

    left: Indices
    right: Indices
    scores: Floats


class Seats(NamedTuple):
    """What limits each statement, one entry a statement.

    `seeking`: it must be covered, and has at most `proposals` pairings. The others are proposed
    more often than that only where someone would be left without an answer. `organisation`: any
    number; `limited`: its organisation has at most `max_load` pairings over all its statements.
    """

    seeking: Flags
    organisation: Indices
    limited: Flags
