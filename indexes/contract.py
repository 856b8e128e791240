"""What every index back end promises: five methods each, ids and arrays only."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]
"""float32 `(n, dim)`, rows of length 1."""


class Hit(NamedTuple):
    """One id that was found, with its score (higher is nearer)."""

    id: int
    score: float


class VectorIndex(Protocol):
    """Nearest by inner product of unit rows."""

    dim: int

    def __len__(self) -> int: ...

    def put(self, ids: Ids, vectors: Vectors) -> None:
        """Add rows, replacing those whose id is already there."""

    def remove(self, ids: Iterable[int]) -> None:
        """Forget these ids; unknown ones are ignored."""

    def search(self, queries: Vectors, k: int, *, allowed: Ids | None = None) -> list[list[Hit]]:
        """The at most `k` nearest per query, best first, ties by id; only ids in `allowed`."""

    def to_bytes(self) -> bytes:
        """The whole index, to be published as a sealed file."""


class WordIndex(Protocol):
    """Nearest by BM25 over analysed words."""

    def __len__(self) -> int: ...

    def put(self, ids: Ids, terms: Sequence[str]) -> None:
        """Add texts (analysed words joined by spaces), replacing ids already there."""

    def remove(self, ids: Iterable[int]) -> None:
        """Forget these ids; unknown ones are ignored."""

    def search(
        self, terms: str, k: int, *, allowed: Ids | None = None, also: str = ""
    ) -> list[Hit]:
        """The at most `k` best texts for any of these words, best first, ties by id.

        The words of `also`, an expansion of the question, count for less. A word that no text has,
        among those that may be found, stands for those a letter or two away that some text has.
        """
