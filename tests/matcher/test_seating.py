"""Tables of a workshop: never over their seats, mixed wherever that is possible."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.seating import UNSEATED, Participant, seat_participants


def people(*colleges: str, concerned: bool = True) -> list[Participant]:
    return [Participant(college, f"{college}-{i}", concerned) for i, college in enumerate(colleges)]


@st.composite
def rooms(draw: st.DrawFn) -> tuple[list[Participant], np.ndarray, int, list[tuple[int, int]]]:
    n, tables = draw(st.integers(0, 14)), draw(st.integers(1, 3))
    colleges = draw(st.lists(st.sampled_from(["a", "b", "c"]), min_size=n, max_size=n))
    worlds = draw(st.lists(st.sampled_from("xyz"), min_size=n, max_size=n))
    concerned = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    cells = draw(
        st.lists(
            st.one_of(st.just(float("nan")), st.floats(0, 1)),
            min_size=n * tables,
            max_size=n * tables,
        )
    )
    pair = st.tuples(st.integers(0, max(n - 1, 0)), st.integers(0, max(n - 1, 0)))
    known = [(a, b) for a, b in draw(st.lists(pair, max_size=8)) if a != b] if n else []
    who = [Participant(*three) for three in zip(colleges, worlds, concerned, strict=True)]
    return who, np.array(cells, dtype=float).reshape(n, tables), draw(st.integers(2, 5)), known


@given(room=rooms())
def test_no_table_is_over_its_seats_and_nobody_sits_where_they_have_nothing_to_do(
    room: tuple[list[Participant], np.ndarray, int, list[tuple[int, int]]],
) -> None:
    who, near, seats, known = room

    found = seat_participants(who, near, seats=seats, known=known)

    assert max(Counter(found.table[found.table >= 0].tolist()).values(), default=0) <= seats
    seated = np.flatnonzero(found.table >= 0)
    assert not np.isnan(near[seated, found.table[seated]]).any()


@given(room=rooms())
def test_no_table_is_of_one_college_where_one_more_person_could_mix_it(
    room: tuple[list[Participant], np.ndarray, int, list[tuple[int, int]]],
) -> None:
    who, near, seats, known = room

    table = seat_participants(who, near, seats=seats, known=known).table

    colleges = [
        Counter(who[p].college for p in np.flatnonzero(table == t)) for t in range(near.shape[1])
    ]
    for t, present in enumerate(colleges):
        if len(present) != 1:
            continue
        for p, person in enumerate(who):
            # One of another college who could sit here, and is not missed where they sit.
            could = not np.isnan(near[p, t]) and person.college not in present
            here = table[p]
            missed = here >= 0 and colleges[here][person.college] == 1 and len(colleges[here]) < 3
            assert not could or missed


def test_everybody_concerned_sits_before_those_who_answer() -> None:
    who = people("a", "a", "b") + people("b", "b", concerned=False)
    near = np.array([[0.1], [0.1], [0.1], [0.9], [0.9]])

    table = seat_participants(who, near, seats=3).table

    assert table.tolist() == [0, 0, 0, UNSEATED, UNSEATED]


def test_each_sits_where_they_have_most_to_say() -> None:
    near = np.array([[0.9, 0.1], [0.8, 0.3], [0.2, 0.7], [0.1, 0.9]])

    assert seat_participants(people("a", "b", "a", "b"), near, seats=2).table.tolist() == [
        0, 0, 1, 1,
    ]  # fmt: skip


def test_tables_of_one_college_each_are_joined() -> None:
    near = np.array([[0.76, 0.55], [np.nan, 0.76]])

    assert seat_participants(people("a", "b"), near, seats=2).table.tolist() == [1, 1]


def test_very_many_guests_are_seated() -> None:
    near = np.full((60_000, 2), 0.5)

    table = seat_participants(people(*(["a", "b"] * 30_000)), near, seats=4).table

    assert (table >= 0).sum() == 8


def test_acquaintances_are_parted() -> None:
    near = np.full((4, 2), 0.5)

    found = seat_participants(people("a", "b", "a", "b"), near, seats=2, known=[(0, 1), (2, 3)])

    assert found.acquainted == 0
    assert found.table[0] != found.table[1]


def test_acquaintances_who_cannot_be_parted_are_counted() -> None:
    found = seat_participants(people("a", "b"), np.array([[0.5], [0.5]]), seats=2, known=[(0, 1)])

    assert found.acquainted == 1


def test_a_table_of_one_seat_is_refused() -> None:
    with pytest.raises(ValueError, match="1 seats"):
        seat_participants(people("a"), np.array([[0.5]]), seats=1)


def test_a_row_for_each_participant_is_asked_for() -> None:
    with pytest.raises(ValueError, match="expected 1 rows"):
        seat_participants(people("a"), np.zeros((2, 1)), seats=4)
