"""The chosen pairings keep every limit, cover as many as can be, and are the best there are."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from matcher.assignment import (
    EXACT_CANDIDATES,
    SCORE_UNITS,
    Candidates,
    Limits,
    Seats,
    choose_pairings,
    room_after,
)

MOST_PAIRS = 9


class Demand(NamedTuple):
    """Everything `choose_pairings` is given."""

    candidates: Candidates
    seats: Seats
    limits: Limits


def demand(
    pairs: list[tuple[int, int, float]],
    *,
    seeking: list[int],
    limited: dict[int, int] | None = None,
    proposals: int = 1,
    max_load: int = 1,
) -> Demand:
    """`limited` is statement to organisation; the others have one of their own."""
    of = limited or {}
    count = 1 + max((end for left, right, _ in pairs for end in (left, right)), default=0)
    left, right, scores = (list(part) for part in zip(*pairs, strict=True)) if pairs else ([],) * 3
    return Demand(
        Candidates(
            np.array(left, dtype=np.int64),
            np.array(right, dtype=np.int64),
            np.array(scores, dtype=np.float32),
        ),
        Seats(
            seeking=np.isin(np.arange(count), seeking),
            organisation=np.array([of.get(i, 1000 + i) for i in range(count)], dtype=np.int64),
            limited=np.array([i in of for i in range(count)], dtype=np.bool_),
        ),
        Limits(proposals, max_load),
    )


@st.composite
def demands(draw: st.DrawFn, *, both_ways: bool) -> Demand:
    seekers, others = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    everyone = range(seekers + others)
    possible = [(a, b) for a in range(seekers) for b in everyone if b >= seekers]
    if both_ways:
        possible += [(a, b) for a in range(seekers) for b in range(a + 1, seekers)]
    pairs = draw(st.lists(st.sampled_from(possible), unique=True, min_size=1, max_size=MOST_PAIRS))
    scores = st.integers(0, 100).map(lambda percent: percent / 100)
    return demand(
        [(a, b, draw(scores)) for a, b in pairs],
        seeking=list(range(seekers)),
        limited={
            i: draw(st.integers(0, 1)) for i in everyone if i >= seekers and draw(st.booleans())
        },
        proposals=draw(st.integers(1, 3)),
        max_load=draw(st.integers(1, 4)),
    )


ONE_WAY, BOTH_WAYS = demands(both_ways=False), demands(both_ways=True)


def loads(wanted: Demand, chosen: np.ndarray) -> tuple[Counter[int], Counter[int]]:
    """How many pairings each statement, and each limited organisation, has."""
    ends = np.r_[wanted.candidates.left[chosen], wanted.candidates.right[chosen]]
    limited = ends[wanted.seats.limited[ends]]
    return Counter(ends.tolist()), Counter(wanted.seats.organisation[limited].tolist())


def covered(wanted: Demand, chosen: np.ndarray) -> int:
    return sum(bool(wanted.seats.seeking[end]) for end in loads(wanted, chosen)[0])


def best_possible(wanted: Demand) -> tuple[int, float]:
    """The most seekers covered, then the best total less what was beyond: an integer program."""
    candidates, seats, limits = wanted
    n_pairs, n = len(candidates.left), len(seats.seeking)
    of_pair = np.zeros((n, n_pairs))
    of_pair[candidates.left, np.arange(n_pairs)] = 1
    of_pair[candidates.right, np.arange(n_pairs)] = 1
    extra = np.where(seats.limited & ~seats.seeking, max(limits.max_load - limits.proposals, 0), 0)
    organisations = np.unique(seats.organisation[seats.limited])
    of_organisation = (seats.organisation == organisations[:, None]) & seats.limited
    # Unknowns: each pair chosen, each statement covered, each statement's pairings beyond.
    rows = np.block(
        [
            [of_pair, np.zeros((n, n)), -np.eye(n)],
            [of_organisation @ of_pair, np.zeros((len(organisations), 2 * n))],
            [-of_pair, np.eye(n), np.zeros((n, n))],
        ]
    )
    at_most = np.r_[
        np.full(n, limits.proposals), np.full(len(organisations), limits.max_load), np.zeros(n)
    ]
    gains = np.r_[candidates.scores, MOST_PAIRS * seats.seeking, np.full(n, -1 - 1 / SCORE_UNITS)]
    solved = milp(
        -gains,
        constraints=LinearConstraint(rows, -np.inf, at_most),
        bounds=Bounds(0, np.r_[np.ones(n_pairs), seats.seeking, extra]),
        integrality=np.ones(len(gains), dtype=np.int64),
        options={"mip_rel_gap": 0.0},
    )
    assert solved.x is not None
    count = round(float(solved.x[n_pairs : n_pairs + n].sum()))
    return count, float(gains @ solved.x) - MOST_PAIRS * count


def test_the_best_pair_is_chosen() -> None:
    wanted = demand([(0, 2, 0.6), (0, 3, 0.9), (1, 3, 0.7)], seeking=[0, 1])

    # 0 gives up its best partner, so that 1 has one.
    assert choose_pairings(*wanted).tolist() == [2, 0]


def test_the_best_total_wins_over_the_best_pair() -> None:
    pairs = [(0, 2, 0.9), (0, 3, 0.8), (1, 2, 0.8), (1, 3, 0.1)]

    assert choose_pairings(*demand(pairs, seeking=[0, 1])).tolist() == [1, 2]


def test_without_candidates_nothing_is_chosen() -> None:
    wanted = demand([], seeking=[0])

    assert choose_pairings(*wanted).tolist() == []


@pytest.mark.parametrize(("proposals", "max_load"), [(0, 1), (1, 0), (-1, 5)])
def test_limits_under_one_are_refused(proposals: int, max_load: int) -> None:
    with pytest.raises(ValueError, match="limits under 1"):
        Limits(proposals, max_load)


@given(st.one_of(ONE_WAY, BOTH_WAYS))
@settings(max_examples=150, deadline=None)
def test_no_statement_and_no_academic_organisation_is_over_its_limit(wanted: Demand) -> None:
    _, seats, limits = wanted

    statements, organisations = loads(wanted, choose_pairings(*wanted))

    for end, load in statements.items():
        of_academic = seats.limited[end] and not seats.seeking[end]
        limit = max(limits.proposals, limits.max_load) if of_academic else limits.proposals
        assert load <= limit
    assert all(load <= limits.max_load for load in organisations.values())


@given(st.one_of(ONE_WAY, BOTH_WAYS))
@example(
    demand(
        [(0, 1, 0.9), (0, 3, 0.8), (1, 3, 0.8), (2, 3, 0.8)],
        seeking=[0, 1, 2],
        limited={3: 7},
        proposals=2,
        max_load=4,
    )
)
@settings(max_examples=150, deadline=None)
def test_more_than_the_proposals_only_where_each_would_be_left_without(wanted: Demand) -> None:
    chosen = choose_pairings(*wanted)

    statements, _ = loads(wanted, chosen)
    for end in [end for end, load in statements.items() if load > wanted.limits.proposals]:
        here = [
            (int(wanted.candidates.left[i]), int(wanted.candidates.right[i]))
            for i in chosen
            if end in (wanted.candidates.left[i], wanted.candidates.right[i])
        ]
        assert all(min(statements[a], statements[b]) == 1 for a, b in here)


@given(st.one_of(ONE_WAY, BOTH_WAYS))
@settings(max_examples=250, deadline=None)
def test_as_many_as_can_be_are_covered_and_the_total_is_the_best(wanted: Demand) -> None:
    chosen = choose_pairings(*wanted)

    count, total = best_possible(wanted)
    statements, _ = loads(wanted, chosen)
    beyond = sum(max(load - wanted.limits.proposals, 0) for load in statements.values())
    found = float(wanted.candidates.scores[chosen].sum()) - beyond * (1 + 1 / SCORE_UNITS)
    assert covered(wanted, chosen) == count
    assert found == pytest.approx(total, abs=2e-4)


def test_a_graph_too_large_for_the_exact_way_keeps_the_limits_and_covers_all() -> None:
    rng = np.random.default_rng(0)
    ends = np.unique(np.sort(rng.integers(0, 500, (4 * EXACT_CANDIDATES, 2))), axis=0)
    # From 250 on are researchers of 50 labs, who do not meet among themselves.
    ends = ends[(ends[:, 0] < ends[:, 1]) & (ends[:, 0] < 250)]
    scores = rng.random(len(ends)).round(2).tolist()
    wanted = demand(
        [(a, b, score) for (a, b), score in zip(ends.tolist(), scores, strict=True)],
        seeking=list(range(250)),
        limited={i: i % 50 for i in range(250, 500)},
        proposals=2,
        max_load=4,
    )
    assert len(ends) > EXACT_CANDIDATES

    chosen = choose_pairings(*wanted)

    statements, organisations = loads(wanted, chosen)
    assert covered(wanted, chosen) == 250
    assert max(statements.values()) <= 2
    assert max(organisations.values()) <= 4
    assert chosen.tolist() == choose_pairings(*wanted).tolist()


@given(st.one_of(ONE_WAY, BOTH_WAYS), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_candidates_changes_nothing(wanted: Demand, random: object) -> None:
    order = np.arange(len(wanted.candidates.left))
    random.shuffle(order)  # type: ignore[attr-defined]  # hypothesis' own Random
    left, right, scores = wanted.candidates
    shuffled = wanted._replace(candidates=Candidates(left[order], right[order], scores[order]))

    chosen, again = choose_pairings(*wanted), choose_pairings(*shuffled)

    assert order[again].tolist() == chosen.tolist()


@given(BOTH_WAYS)
@settings(max_examples=40, deadline=None)
def test_the_same_input_gives_the_same_output(wanted: Demand) -> None:
    assert choose_pairings(*wanted).tolist() == choose_pairings(*wanted).tolist()


def test_the_room_left_says_who_is_full() -> None:
    wanted = demand([(0, 2, 0.9), (1, 3, 0.5)], seeking=[0, 1], limited={2: 7, 3: 8}, max_load=1)

    room = room_after(wanted.candidates, np.array([0]), wanted.seats, wanted.limits)

    assert room.full_statement(0)
    assert room.full_organisation(2)
    assert not room.full_organisation(3)
    assert not room.has(0, 3)
    assert room.has(1, 3)
