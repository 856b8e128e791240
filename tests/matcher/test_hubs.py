"""Hubs: what they are measured against, and that following changes gives what is true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from matcher import hubs as module
from matcher.encoder import unit_rows
from matcher.hubs import Hubs

DIM = 8


def rows(count: int, seed: int = 0) -> NDArray[np.float32]:
    raw = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return unit_rows(raw)


def test_hubs_are_measured_against_the_other_side() -> None:
    needs = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    answers = np.array([[0.6, 0.8, 0], [0, 0, 1]], dtype=np.float32)

    hubs = Hubs.of(np.concatenate([needs, answers]), np.array([True, True, False, False]))

    assert hubs[2] > 0 > hubs[3]
    assert hubs[0] + hubs[1] == pytest.approx(0, abs=1e-6)
    with pytest.raises(KeyError):
        hubs[4]


def test_a_lone_side_is_its_own_measure_and_nothing_is_near_itself() -> None:
    hubs = Hubs.of(np.eye(3, dtype=np.float32), np.ones(3, dtype=np.bool_))

    assert [hubs[i] for i in range(3)] == pytest.approx([0, 0, 0])
    assert len(Hubs.of(np.empty((0, 3), np.float32), np.ones(0, dtype=np.bool_))) == 0


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3)), min_size=1, max_size=12),
        min_size=1,
        max_size=6,
    )
)
def test_following_changes_gives_what_measuring_anew_gives(
    changes: list[list[tuple[int, int]]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ASKING", 8)
        vectors: dict[int, NDArray[np.float32]] = {}
        followed = Hubs()
        for number, change in enumerate(changes):
            for identity, version in change:
                # An even id is a problem; version 0 deletes.
                vectors.pop(identity, None)
                if version:
                    vectors[identity] = rows(1, seed=1000 * number + 10 * identity + version)[0]
            follow(followed, vectors, [identity for identity, _ in change])
        anew = Hubs()
        follow(anew, vectors, list(vectors))

    assert set(followed) == set(anew) == set(vectors)
    assert [followed[i] for i in vectors] == pytest.approx([anew[i] for i in vectors], abs=1e-6)


def follow(hubs: Hubs, vectors: dict[int, NDArray[np.float32]], changed: list[int]) -> None:
    ids = np.array(sorted(vectors), dtype=np.int64)
    is_need = ids % 2 == 0
    hubs.follow(
        ids[is_need], ids[~is_need], changed, lambda wanted: np.stack([vectors[i] for i in wanted])
    )


def test_a_change_among_many_looks_at_little_else() -> None:
    count = 5_000
    vectors = rows(count)
    ids = np.arange(count)
    asked: list[int] = []

    def rows_of(wanted: NDArray[np.int64]) -> NDArray[np.float32]:
        asked.append(len(wanted))
        return vectors[wanted]

    hubs = Hubs()
    hubs.follow(ids[: count // 2], ids[count // 2 :], ids.tolist(), rows_of)
    asking = {int(i) for side in (hubs._needs, hubs._others) for i in side.asking}
    quiet = next(i for i in range(count) if i not in asking)
    asked.clear()
    hubs.follow(ids[: count // 2], ids[count // 2 :], [quiet], rows_of)

    assert len(asking) <= 2 * module.ASKING
    assert asked == [1]
