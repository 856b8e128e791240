"""Rounded rows find what exact ones find, or say that they are not sure."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexes import coarse_rows, faiss_index
from indexes.coarse_rows import CoarseRows
from indexes.faiss_index import FaissIndex

DIM = 64


def unit(count: int, seed: int, *, spread: float = 1.0) -> NDArray[np.float32]:
    """Unit rows, the nearer to one another the smaller the spread."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal(DIM) + spread * rng.standard_normal((count, DIM))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture
def always_coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_index, "COARSE_FROM", 1)
    monkeypatch.setattr(coarse_rows, "MOST_SHARE", 1.0)


@pytest.mark.usefixtures("always_coarse")
@pytest.mark.parametrize("spread", [0.05, 1.0, 100.0])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.06])
def test_the_best_are_those_of_comparing_every_row(
    spread: float, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = unit(4_000, 1, spread=spread)
    index = FaissIndex(DIM)
    index.put(np.arange(4_000), rows)
    allowed = np.flatnonzero(np.random.default_rng(2).random(4_000) < share)
    queries = unit(20, 3, spread=spread)
    found = [index.search(q[np.newaxis], 10, allowed=allowed)[0] for q in queries]

    monkeypatch.setattr(index, "_coarse", None)

    assert found == [index.search(q[np.newaxis], 10, allowed=allowed)[0] for q in queries]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.lists(st.integers(0, 30), min_size=1, unique=True)),
        min_size=1,
        max_size=8,
    )
)
def test_rows_that_come_change_and_go_are_followed(
    changes: list[tuple[bool, list[int]]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faiss_index, "COARSE_FROM", 1)
        index = FaissIndex(DIM)
        for number, (is_put, ids) in enumerate(changes):
            if is_put:
                index.put(np.array(ids), unit(len(ids), number))
            else:
                index.remove(ids)
        if index._coarse is None:
            assert len(index) == 0 or all(not is_put for is_put, _ in changes)
            return
        anew = CoarseRows(DIM)
        if len(index):
            anew.add(faiss_index._rows_of(index._flat))
        assert index._coarse._bytes().tolist() == anew._bytes().tolist()


def test_what_rounding_may_hide_is_left_to_the_exact_rows() -> None:
    rows = unit(2_000, 1)
    twins = np.repeat(rows[:1], 2_000, axis=0)
    spiked = np.eye(DIM, dtype=np.float32)
    for content, query in ((twins, rows[0]), (spiked, rows[0]), (rows, spiked[0])):
        coarse = CoarseRows(DIM)
        coarse.add(content)

        found = coarse.nearest(query, 2, lambda at, c=content, q=query: c[at] @ q, None)  # type: ignore[misc]

        assert found is None
