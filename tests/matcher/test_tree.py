"""The tree of groups: cuts only divide, what must stay apart stays apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from matcher import tree as tree_module
from matcher.likeness import Rows, compare_all
from matcher.tree import Tree, count_groups, find_leaves, grow_tree


def rows_of(n: int, *, seed: int = 0, dim: int = 8) -> Rows:
    dense = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    dense /= np.linalg.norm(dense, axis=1, keepdims=True)
    return Rows(dense, sparse.csr_matrix((n, 1), dtype=np.float32))


def grown(n: int, seed: int = 0) -> Tree:
    return grow_tree(rows_of(n, seed=seed), np.arange(n))


@given(n=st.integers(2, 30), seed=st.integers(0, 5))
def test_a_finer_cut_only_divides(n: int, seed: int) -> None:
    tree = grown(n, seed)

    for n_parts in range(1, n):
        wide, fine = tree.cut(n_parts), tree.cut(n_parts + 1)
        assert len(set(wide.tolist())) == n_parts
        assert len({(int(f), int(w)) for f, w in zip(fine, wide, strict=True)}) == n_parts + 1


@given(n=st.integers(3, 20), pairs=st.sets(st.tuples(st.integers(0, 19), st.integers(0, 19))))
def test_leaves_that_must_stay_apart_never_meet(n: int, pairs: set[tuple[int, int]]) -> None:
    apart = [(a, b) for a, b in pairs if a < n and b < n and a != b]

    parts = grow_tree(rows_of(n), np.arange(n), apart).cut(1)

    assert all(parts[a] != parts[b] for a, b in apart)


def test_the_halves_are_what_the_texts_came_together_from() -> None:
    tree = grown(9)
    two, one = tree.cut(2), tree.cut(1)

    halves = tree.halves(np.flatnonzero(one == 0))

    assert halves is not None
    assert [two[half].tolist() for half in halves] == [
        [0] * len(halves[0]),
        [1] * len(halves[1]),
    ]


def test_one_leaf_has_no_halves() -> None:
    tree = grow_tree(rows_of(3), np.array([0, 0, 1]))

    assert tree.halves(np.array([0, 1])) is None


def test_the_groups_of_each_cut_are_counted() -> None:
    tree = grown(8)
    counts = count_groups(tree)

    for n_parts in range(1, 9):
        assert counts[n_parts - 1] == (np.bincount(tree.cut(n_parts)) > 1).sum()


def test_texts_left_out_are_in_no_part() -> None:
    tree = grow_tree(rows_of(4), np.array([0, -1, 1, 2]))

    assert tree.cut(1).tolist() == [0, -1, 0, 0]


def test_leaves_of_many_texts_are_the_same_each_time() -> None:
    near = compare_all(rows_of(300).dense, 10)

    first, again = find_leaves(near), find_leaves(near)

    assert first.tolist() == again.tolist()
    assert 1 < first.max() + 1 < 300


def test_there_are_no_more_leaves_than_a_tree_can_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_module, "MOST_LEAVES", 6)
    near = compare_all(rows_of(300).dense, 10)

    assert find_leaves(near).max() < 6
