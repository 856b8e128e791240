"""Exact nearest neighbours by inner product, on FAISS."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from indexes.checks import check_count, check_ids, check_vectors
from indexes.coarse_rows import CoarseRows
from indexes.contract import Hit, Ids, Vectors
from indexes.read_write_lock import ReadWriteLock

Positions = NDArray[np.int64]
"""Row numbers inside the matrix, -1 where there is none."""
Scores = NDArray[np.float32]

BATCH = 4
"""From so many queries on, one matrix product beats a scan per query (break-even measured at 3)."""
GATHERED_SHARE = 0.04
"""A lone query copies the allowed rows up to this share and scans in place above (measured)."""
GATHERED_ROWS = 32_768
"""Allowed rows copied at once: 50 MB at 384 dimensions, whatever the size of the filter."""
COARSE_FROM = 5_000
"""From so many rows on, a lone query is first compared with rounded ones: four times as quick."""
RESCORED_ROWS = 32_768
DENSE = 32
"""Up to so many numbers for each id in use, a filter is a table of marks: 3 MB at 100k."""
SPARE = 8
"""Neighbours fetched beyond k, so that most ties at the edge are settled without a second look."""
NOISE = 1e-5
"""Above twice what two float32 inner products of the same unit rows may differ by."""

# The setting is one per process: batches take turns, and each puts it back.
_batch_turn = Lock()


@contextmanager
def _products_for(queries: Vectors) -> Iterator[None]:
    # FAISS 1.15 scans row by row below queries * dim = 128,000, four times slower for a batch of
    # 64; but a product is twice as slow for a lone query, hence not for all.
    if len(queries) < BATCH:
        # A lone query is over before a second thread has woken: on two shared cores, two threads
        # took 16 ms at 10,000 rows where one takes 1.7. The setting is the calling thread's own.
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            yield
        finally:
            faiss.omp_set_num_threads(threads)
        return
    with _batch_turn:
        before = faiss.cvar.distance_compute_blas_threshold
        faiss.cvar.distance_compute_blas_threshold = 1
        try:
            yield
        finally:
            faiss.cvar.distance_compute_blas_threshold = before


class FaissIndex:
    """Every row is compared, filter or not, so nothing near is ever missed.

    A pair's score is computed by one formula after the scan: alone, in a batch or under any
    filter it is the same to the last bit, and equal scores (twin texts) rank by ascending id.
    Safe to share between threads.
    """

    def __init__(self, dim: int) -> None:
        if dim < 1:
            raise ValueError(f"a row has at least 1 dimension, got {dim}")
        self.dim = dim
        self._flat = faiss.IndexFlatIP(dim)
        self._coarse: CoarseRows | None = None
        self._ids: Ids = np.empty(0, np.int64)
        self._by_id: Positions = np.empty(0, np.int64)
        self._ordered_ids: Ids = np.empty(0, np.int64)
        self._lock = ReadWriteLock()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what `to_bytes` wrote; FAISS has no checksum, so check one before (`snapshot`)."""
        try:
            # Any: the stubs promise no more than an Index.
            stored: Any = faiss.deserialize_index(np.frombuffer(content, np.uint8))
        except RuntimeError as error:
            raise ValueError(f"{len(content)} bytes are not a FAISS index") from error
        rows = faiss.downcast_index(stored.index) if isinstance(stored, faiss.IndexIDMap) else None
        if not isinstance(rows, faiss.IndexFlatIP):
            kind = type(stored).__name__
            raise ValueError(f"expected an IndexIDMap of IndexFlatIP, got {kind}")  # noqa: TRY004 - content, not a caller's type
        index = cls(rows.d)
        ids = faiss.vector_to_array(stored.id_map)
        if len(ids) != rows.ntotal:
            raise ValueError(f"{len(ids)} ids for {rows.ntotal} rows")
        index.put(ids, _rows_of(rows))
        return index

    def to_bytes(self) -> bytes:
        """A FAISS `IndexIDMap` of `IndexFlatIP`; never `write_index`, silent on a full disk."""
        with self._lock.reading():
            # The wrapper insists on being given an empty index; it gets the real one afterwards.
            stored = faiss.IndexIDMap(faiss.IndexFlatIP(self.dim))
            stored.index = self._flat
            stored.own_fields = False
            stored.ntotal = len(self._ids)
            faiss.copy_array_to_vector(self._ids, stored.id_map)
            return faiss.serialize_index(stored).tobytes()

    def __len__(self) -> int:
        return len(self._ids)

    def ids(self) -> Ids:
        """The ids that are indexed, in no order."""
        return self._ids.copy()

    def vectors_of(self, ids: Ids) -> Vectors:
        """The rows of these ids `(len(ids), dim)`. Raises KeyError for one that is not there."""
        with self._lock.reading():
            at = self._positions_of(np.asarray(ids, np.int64))
            if (at < 0).any():
                raise KeyError(int(ids[at < 0][0]))
            return np.array(_rows_of(self._flat)[at])

    def put(self, ids: Ids, vectors: Vectors) -> None:
        """Add rows, replacing those whose id is already there."""
        check_ids(ids)
        check_vectors(vectors, self.dim)
        if len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids for {len(vectors)} rows")
        with self._lock.writing():
            at = self._positions_of(ids)
            is_known = at >= 0
            _rows_of(self._flat)[at[is_known]] = vectors[is_known]
            self._flat.add(np.ascontiguousarray(vectors[~is_known]))
            if self._coarse:
                self._coarse.replace(at[is_known], vectors[is_known])
                self._coarse.add(vectors[~is_known])
            elif self._flat.ntotal >= COARSE_FROM:
                self._coarse = CoarseRows(self.dim)
                self._coarse.add(_rows_of(self._flat))
            self._set_ids(np.concatenate([self._ids, ids[~is_known]]))

    def remove(self, ids: Iterable[int]) -> None:
        """Forget these ids; unknown ones are ignored."""
        with self._lock.writing():
            at = self._positions_of(np.fromiter(ids, np.int64))
            is_kept = np.ones(len(self._ids), np.bool_)
            is_kept[at[at >= 0]] = False
            count = int(is_kept.sum())
            # Rows from the end fill the holes: FAISS would shift all that follows.
            holes = np.flatnonzero(~is_kept[:count])
            fillers = count + np.flatnonzero(is_kept[count:])
            rows = _rows_of(self._flat)
            rows[holes] = rows[fillers]
            remaining = self._ids.copy()
            remaining[holes] = remaining[fillers]
            self._flat.remove_ids(faiss.IDSelectorRange(count, len(self._ids)))
            if self._coarse:
                self._coarse.keep(count, holes, fillers)
            self._set_ids(remaining[:count])

    def search(self, queries: Vectors, k: int, *, allowed: Ids | None = None) -> list[list[Hit]]:
        """The at most `k` nearest per query, best first, ties by id; only ids in `allowed`."""
        check_count(k)
        ids, scores = self.search_arrays(queries, min(k, max(len(self), 1)), allowed=allowed)
        return [
            [Hit(key, score) for key, score in zip(*row, strict=True) if key >= 0]
            for row in zip(ids.tolist(), scores.tolist(), strict=True)
        ]

    def search_arrays(
        self, queries: Vectors, k: int, *, allowed: Ids | None = None
    ) -> tuple[Ids, Scores]:
        """`search` without objects: `(n, k)` ids padded with -1, scores padded with -inf."""
        check_count(k)
        check_vectors(queries, self.dim)
        queries = np.ascontiguousarray(queries)
        with self._lock.reading():
            among = None if allowed is None else self._known_positions(allowed)
            if among is not None and len(among) == len(self._ids):
                among = None
            count = len(self._ids) if among is None else len(among)
            ids, scores = _padding(len(queries), k)
            if count and len(queries):
                width = min(k, count)
                at = self._nearest(queries, width, among)
                ids[:, :width] = self._ids[at]
                scores[:, :width] = self._score(queries, at)
        return ids, scores

    def _nearest(self, queries: Vectors, width: int, among: Positions | None) -> Positions:
        """The `width` best positions per query, ordered; `among` holds at least as many."""
        count = len(self._ids) if among is None else len(among)
        at = self._scan(queries, min(width + SPARE, count), among)
        scores = self._score(queries, at)
        order = np.lexsort((self._ids[at], -scores), axis=-1)
        at = np.take_along_axis(at, order, axis=1)
        scores = np.take_along_axis(scores, order, axis=1)
        if at.shape[1] < count:
            # The scan kept any of the rows that tie at its edge: look at all of them.
            for row in np.flatnonzero(scores[:, width - 1] - scores[:, -1] <= NOISE):
                floor = scores[row, width - 1] - NOISE
                at[row, :width] = self._best_above(queries[row], floor, width, among)
        return at[:, :width]

    def _best_above(
        self, query: Vectors, floor: float, width: int, among: Positions | None
    ) -> Positions:
        is_near = _rows_of(self._flat) @ query >= floor
        at = np.flatnonzero(is_near) if among is None else among[is_near[among]]
        scores = self._score(query[np.newaxis], at[np.newaxis])[0]
        return at[np.lexsort((self._ids[at], -scores))[:width]]

    def _scan(self, queries: Vectors, width: int, among: Positions | None) -> Positions:
        with _products_for(queries):
            if (
                len(queries) == 1
                and (found := self._scan_coarse(queries[0], width, among)) is not None
            ):
                return found[np.newaxis]
            if among is None:
                return self._flat.search(queries, width)[1]
            if len(queries) < BATCH and len(among) > GATHERED_SHARE * len(self._ids):
                return self._scan_in_place(queries, width, among)
            return self._scan_gathered(queries, width, among)

    def _scan_coarse(self, query: Vectors, width: int, among: Positions | None) -> Positions | None:
        few = among is not None and len(among) <= GATHERED_SHARE * len(self._ids)
        if self._coarse is None or few:
            return None

        def exact(at: Positions) -> Scores:
            scores: Scores = self._score(query[np.newaxis], at[np.newaxis])[0]
            return scores

        if among is None:
            return self._coarse.nearest(query, width, exact, None)
        with self._selecting(among) as selector:
            return self._coarse.nearest(query, width, exact, selector)

    def _scan_in_place(self, queries: Vectors, width: int, among: Positions) -> Positions:
        with self._selecting(among) as selector:
            # The stub leaves out the keyword that the documentation gives.
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
            return self._flat.search(queries, width, params=parameters)[1]

    @contextmanager
    def _selecting(self, among: Positions) -> Iterator[faiss.IDSelector]:
        """What FAISS is told to look at; the bits must live as long as it does."""
        is_allowed = np.zeros(len(self._ids), np.bool_)
        is_allowed[among] = True
        bits = np.packbits(is_allowed, bitorder="little")
        yield faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))

    def _scan_gathered(self, queries: Vectors, width: int, among: Positions) -> Positions:
        rows = _rows_of(self._flat)
        best = np.empty((len(queries), 0), np.int64)
        scores = np.empty((len(queries), 0), np.float32)
        for start in range(0, len(among), GATHERED_ROWS):
            block = among[start : start + GATHERED_ROWS]
            found, at = faiss.knn(
                queries, rows[block], min(width, len(block)), metric=faiss.METRIC_INNER_PRODUCT
            )
            best = np.concatenate([best, block[at]], axis=1)
            scores = np.concatenate([scores, found], axis=1)
            kept = np.argsort(-scores, axis=1)[:, :width]
            best = np.take_along_axis(best, kept, axis=1)
            scores = np.take_along_axis(scores, kept, axis=1)
        return best

    def _score(self, queries: Vectors, at: Positions) -> Scores:
        """The one formula of a score: a row at a time, so its neighbours cannot change it."""
        rows = _rows_of(self._flat)
        scores = np.empty(at.shape, np.float32)
        step = max(1, RESCORED_ROWS // at.shape[1])
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            scores[part] = np.vecdot(rows[at[part]], queries[part, np.newaxis])
        return scores

    def _set_ids(self, ids: Ids) -> None:
        self._ids = ids
        # Stable is also the quick way where ids mostly grow, as database keys do.
        self._by_id = np.argsort(ids, kind="stable")
        self._ordered_ids = ids[self._by_id]

    def _positions_of(self, ids: Ids) -> Positions:
        if not len(self._ids):
            return np.full(len(ids), -1)
        place = np.searchsorted(self._ordered_ids, ids)
        place = np.minimum(place, len(self._ids) - 1)
        return np.where(self._ordered_ids[place] == ids, self._by_id[place], -1)

    def _known_positions(self, ids: Ids) -> Positions:
        ids = np.asarray(ids, np.int64)
        if not len(self._ids) or not len(ids):
            return np.empty(0, np.int64)
        highest = int(self._ordered_ids[-1])
        if self._ordered_ids[0] >= 0 and highest < DENSE * len(self._ids):
            # The keys of a database: one mark a number is ten times as quick as looking them up.
            is_wanted = np.zeros(highest + 1, np.bool_)
            is_wanted[ids[(ids >= 0) & (ids <= highest)]] = True
            return np.flatnonzero(is_wanted[self._ids])
        is_known = np.zeros(len(self._ids), np.bool_)
        at = self._positions_of(ids)
        is_known[at[at >= 0]] = True
        return np.flatnonzero(is_known)


def _rows_of(flat: faiss.IndexFlatIP) -> Vectors:
    """The rows themselves, not a copy: valid until the next change of `flat`."""
    if not flat.ntotal:
        return np.empty((0, flat.d), np.float32)
    return faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d).reshape(flat.ntotal, flat.d)


def _padding(queries: int, k: int) -> tuple[Ids, Scores]:
    return np.full((queries, k), -1), np.full((queries, k), -np.inf, np.float32)
