"""What is FAISS's own: arrays, bytes, threads, and refusals that show the value."""

from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest

from indexes.contract import Ids, Vectors
from indexes.faiss_index import BATCH, FaissIndex

DIM = 8
FAR = 2**40


def as_ids(*ids: int) -> Ids:
    return np.array(ids, np.int64)


def along(*axes: int) -> Vectors:
    return np.eye(DIM, dtype=np.float32)[list(axes)]


def unit_rows(count: int, *, seed: int) -> Vectors:
    rng = np.random.default_rng(seed)
    rows: Vectors = rng.standard_normal((count, DIM)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def test_arrays_are_padded_and_say_the_same_as_hits() -> None:
    index = FaissIndex(DIM)
    index.put(as_ids(4, 2), along(0, 1))

    ids, scores = index.search_arrays(along(1), 4)

    assert ids.tolist() == [[2, 4, -1, -1]]
    assert scores.tolist() == [[1.0, 0.0, -np.inf, -np.inf]]
    assert ids.dtype == np.int64
    assert scores.dtype == np.float32


def test_a_batch_leaves_the_setting_of_faiss_as_it_was() -> None:
    index = FaissIndex(DIM)
    index.put(as_ids(1), along(0))
    before = faiss.cvar.distance_compute_blas_threshold

    index.search(np.repeat(along(0), BATCH, axis=0), 1)

    assert faiss.cvar.distance_compute_blas_threshold == before


def test_searches_and_changes_may_run_at_once() -> None:
    index = FaissIndex(DIM)
    index.put(np.arange(100), unit_rows(100, seed=1))
    queries = unit_rows(BATCH, seed=2)

    def change(step: int) -> None:
        ids = np.arange(100, 600) + step
        index.put(ids, unit_rows(500, seed=step))
        index.remove(ids.tolist())

    def look(_: int) -> list[int]:
        return [len(hits) for hits in index.search(queries, 30)]

    with ThreadPoolExecutor(4) as threads:
        changes = [threads.submit(change, step) for step in range(20)]
        lengths = list(threads.map(look, range(60)))
        for change_made in changes:
            change_made.result()

    assert lengths == [[30] * BATCH] * 60
    assert len(index) == 100


def test_an_index_read_back_answers_the_same() -> None:
    index = FaissIndex(DIM)
    index.put(np.arange(50) * FAR, unit_rows(50, seed=6))
    index.remove([0])

    copy = FaissIndex.from_bytes(index.to_bytes())

    queries = unit_rows(5, seed=7)
    assert copy.search(queries, 7) == index.search(queries, 7)
    copy.put(as_ids(1), along(0))
    assert (len(copy), len(index)) == (50, 49)


def test_an_empty_index_reads_back() -> None:
    assert len(FaissIndex.from_bytes(FaissIndex(DIM).to_bytes())) == 0


@pytest.mark.parametrize("content", [b"", b"not an index", bytes(200)])
def test_other_bytes_are_not_an_index(content: bytes) -> None:
    with pytest.raises(ValueError, match="not a FAISS index"):
        FaissIndex.from_bytes(content)


def test_another_kind_of_faiss_index_is_refused() -> None:
    content = faiss.serialize_index(faiss.IndexFlatL2(DIM)).tobytes()

    with pytest.raises(ValueError, match="IndexFlatL2"):
        FaissIndex.from_bytes(content)


@pytest.mark.parametrize(
    ("ids", "rows", "message"),
    [
        (as_ids(1), along(0).astype(np.float64), "float64"),
        (as_ids(1), np.ones((1, DIM + 1), np.float32), r"\(1, 9\)"),
        (as_ids(1), 2 * along(0), "length 2"),
        (as_ids(1), np.full((1, DIM), np.nan, np.float32), "length nan"),
        (as_ids(1), np.full((1, DIM), np.inf, np.float32), "length inf"),
        (as_ids(1, 2), along(0), "2 ids for 1 rows"),
        (as_ids(3, 3), along(0, 1), "id 3 given twice"),
        (as_ids(-1), along(0), "got -1"),
        (as_ids(1).astype(np.int32), along(0), "int32"),
    ],
)
def test_wrong_rows_are_refused_with_the_value(ids: Ids, rows: Vectors, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FaissIndex(DIM).put(ids, rows)


def test_wrong_questions_are_refused() -> None:
    index = FaissIndex(DIM)

    with pytest.raises(ValueError, match="length 0"):
        index.search(np.zeros((1, DIM), np.float32), 1)
    with pytest.raises(ValueError, match="k is at least 1, got 0"):
        index.search(along(0), 0)
    with pytest.raises(ValueError, match="got 0"):
        FaissIndex(0)
