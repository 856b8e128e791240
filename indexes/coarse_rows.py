"""Rows in one byte a number, scanned before the exact ones: a quarter of the memory to read."""

from collections.abc import Callable

import faiss
import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
Rows = NDArray[np.float32]
Exact = Callable[[Positions], NDArray[np.float32]]
"""The exact scores of the rows at these positions, against the query that is asked."""

STEPS = 254.0
"""Steps for a number of 1: a byte holds up to half of that, and few numbers of a unit row do."""
LARGEST = 127
CANDIDATES = 4
"""So many times more rows than wanted are compared exactly, and again so many if need be."""
MARGIN = 3.0
"""How much larger than the largest error seen, of hundreds, an unseen one might be."""
MOST_SHARE = 0.05
"""Beyond this share of all rows, to scan the exact ones is as quick."""


class CoarseRows:
    """Finds the nearest rows to one query among rounded ones, then compares these exactly.

    What rounding does to a score is measured on each query's own candidates: where a row that was
    left out might still belong to the best, more are compared, and then all by whoever asks.
    """

    def __init__(self, dim: int) -> None:
        self._codes = faiss.IndexScalarQuantizer(
            dim, faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
        )
        self._outside = 0

    def add(self, rows: Rows) -> None:
        """Append rows."""
        self._codes.add(self._round(rows))

    def replace(self, at: Positions, rows: Rows) -> None:
        """Write rows over those at these positions."""
        self._bytes()[at] = self._round(rows) + (LARGEST + 1)

    def keep(self, count: int, holes: Positions, fillers: Positions) -> None:
        """Move the rows of `fillers` into `holes`, then forget all after the first `count`."""
        codes = self._bytes()
        codes[holes] = codes[fillers]
        self._codes.remove_ids(faiss.IDSelectorRange(count, self._codes.ntotal))

    def nearest(
        self, query: Rows, width: int, exact: Exact, selector: faiss.IDSelector | None
    ) -> Positions | None:
        """The `width` best positions for `query` `(dim,)`, in no order; None where unsure."""
        total = self._codes.ntotal
        if self._outside or np.abs(query).max() * STEPS > LARGEST:
            return None
        parameters = faiss.SearchParameters(sel=selector) if selector else None  # type: ignore[call-arg]  # the stub leaves it out
        rounded = np.rint(query * STEPS)[np.newaxis].astype(np.float32)
        fetched = CANDIDATES * width
        while fetched <= MOST_SHARE * total:
            scores, found = self._codes.search(rounded, fetched, params=parameters)
            at = found[0][found[0] >= 0]
            near = exact(at)
            if len(at) < fetched:
                # All there are.
                return _best(at, near, width)
            coarse = scores[0] / STEPS**2
            error = MARGIN * float(np.abs(near - coarse).max())
            if float(coarse.min()) + error < float(np.partition(near, -width)[-width]):
                return _best(at, near, width)
            fetched *= CANDIDATES
        return None

    def _round(self, rows: Rows) -> Rows:
        whole = np.rint(rows * STEPS)
        # Such a row would be rounded by more than the others: rather none than a wrong one.
        self._outside += int((np.abs(whole) > LARGEST).any(axis=1).sum())
        return np.asarray(np.clip(whole, -LARGEST, LARGEST), dtype=np.float32)

    def _bytes(self) -> NDArray[np.uint8]:
        """The bytes themselves, not a copy: valid until the next change."""
        codes = self._codes.codes
        flat: NDArray[np.uint8] = faiss.rev_swig_ptr(codes.data(), codes.size())
        return flat.reshape(self._codes.ntotal, self._codes.d)


def _best(at: Positions, near: NDArray[np.float32], width: int) -> Positions:
    return np.asarray(at[np.argpartition(-near, width - 1)[:width]], dtype=np.int64)
