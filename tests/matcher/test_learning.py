"""Weights of the bars learnt from decisions: what holds whatever was decided."""

import random
from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from matcher.bars import Weights
from matcher.learning import LEAST_DECISIONS, LEAST_OF_EACH, Decided, is_enough, learn_weights

DEFAULT = Weights()
UNIT = st.floats(0, 1, width=32)
VERDICTS = st.lists(
    st.builds(Decided, st.tuples(UNIT, UNIT, UNIT, UNIT), st.booleans(), st.integers(1, 40)),
    min_size=LEAST_DECISIONS,
    max_size=45,
).filter(is_enough)
BY_SECTOR = Weights(meaning=0.25, sector_gap=0.55, complementarity=0.1, novelty=0.1)


def people(n: int, *, weights: Weights, steepness: float, seed: int = 0) -> list[Decided]:
    """Verdicts of people for whom the bars count so; each statement had three proposals."""
    rng = np.random.default_rng(seed)
    bars = np.column_stack(
        [
            rng.uniform(0.5, 1, n),
            rng.choice([0, 0.4, 0.5, 1], n, p=[0.2, 0.15, 0.15, 0.5]),
            rng.choice([0.7, 1], n),
            rng.choice([0, 0.6, 1], n, p=[0.2, 0.2, 0.6]),
        ]
    )
    scores = bars @ np.array(astuple(weights))
    accepted = rng.random(n) < expit(steepness * (scores - np.median(scores)))
    return [
        Decided((row[0], row[1], row[2], row[3]), bool(verdict), i // 3)
        for i, (row, verdict) in enumerate(zip(bars.tolist(), accepted, strict=True))
    ]


def distance(one: Weights, other: Weights) -> float:
    """From 0, the same, to 1: how much of the weight lies elsewhere."""
    return float(np.abs(np.subtract(astuple(one), astuple(other))).sum() / 2)


@settings(max_examples=10, deadline=None)
@given(VERDICTS, st.randoms(use_true_random=False))
def test_the_order_of_decisions_changes_nothing(
    decided: list[Decided], shuffler: random.Random
) -> None:
    shuffled = decided.copy()
    shuffler.shuffle(shuffled)

    assert learn_weights(shuffled) == learn_weights(decided)


@settings(max_examples=10, deadline=None)
@given(VERDICTS)
def test_weights_are_positive_and_sum_to_one_as_the_default_ones_do(
    decided: list[Decided],
) -> None:
    learnt = learn_weights(decided)

    shares = astuple(learnt.weights)
    assert min(shares) > 0
    assert sum(shares) == pytest.approx(sum(astuple(DEFAULT)))
    assert 0 <= learnt.agreement <= 1
    assert learnt.gain_low <= learnt.gain_high


@settings(max_examples=10, deadline=None)
@given(st.lists(UNIT, min_size=4, max_size=4).map(tuple), st.integers(10, 25))
def test_decisions_on_bars_that_are_all_the_same_leave_the_default(
    bars: tuple[float, float, float, float], n_accepted: int
) -> None:
    decided = [Decided(bars, i < n_accepted, i) for i in range(n_accepted + 20)]

    learnt = learn_weights(decided)

    assert distance(learnt.weights, DEFAULT) < 0.001
    assert set(learnt.silent) == {"meaning", "sector_gap", "complementarity", "novelty"}
    assert not learnt.better


@pytest.mark.parametrize(
    "planted",
    [BY_SECTOR, Weights(0.2, 0.1, 0.1, 0.6), Weights(0.4, 0.1, 0.4, 0.1), Weights()],
    ids=["sector", "novelty", "complementarity", "default"],
)
def test_with_enough_decisions_planted_weights_are_found(planted: Weights) -> None:
    learnt = learn_weights(people(3000, weights=planted, steepness=20))

    assert distance(learnt.weights, planted) < 0.06


def test_more_decisions_bring_the_weights_nearer_to_those_planted() -> None:
    distances = [
        distance(learn_weights(people(n, weights=BY_SECTOR, steepness=20)).weights, BY_SECTOR)
        for n in (40, 200, 1500)
    ]

    assert distances[0] > distances[1] > distances[2]
    assert distances[0] < distance(DEFAULT, BY_SECTOR)


def test_a_clear_preference_is_proposed_with_its_gain() -> None:
    learnt = learn_weights(people(120, weights=BY_SECTOR, steepness=20))

    assert learnt.better
    assert learnt.agreement > learnt.default_agreement
    assert learnt.gain_low < learnt.gain < learnt.gain_high
    assert learnt.weights.sector_gap > DEFAULT.sector_gap


@pytest.mark.parametrize("n", [40, 150, 600])
def test_chance_stays_near_the_default_and_is_hardly_ever_proposed(n: int) -> None:
    lessons = [learn_weights(people(n, weights=DEFAULT, steepness=0, seed=i)) for i in range(5)]

    assert max(distance(learnt.weights, DEFAULT) for learnt in lessons) < 0.15
    assert sum(learnt.better for learnt in lessons) <= 1


def test_people_who_judge_as_the_default_weights_do_are_proposed_nothing() -> None:
    lessons = [learn_weights(people(90, weights=DEFAULT, steepness=15, seed=i)) for i in range(8)]

    assert not any(learnt.better for learnt in lessons)


def test_a_bar_that_never_varies_keeps_its_share_beside_the_others() -> None:
    decided = [
        one._replace(bars=(*one.bars[:3], 1.0))
        for one in people(400, weights=BY_SECTOR, steepness=20)
    ]

    learnt = learn_weights(decided)

    assert learnt.silent == ("novelty",)
    assert learnt.weights.novelty == pytest.approx(DEFAULT.novelty, abs=0.02)


def test_verdicts_that_one_bar_explains_wholly_are_learnt_from_all_the_same() -> None:
    near_but_alike, far_but_apart = (1.0, 0.0, 1.0, 1.0), (0.6, 0.5, 1.0, 1.0)
    decided = [Decided((near_but_alike, far_but_apart)[i % 2], bool(i % 2), i) for i in range(60)]

    learnt = learn_weights(decided)

    assert learnt.weights.sector_gap > 2 * DEFAULT.sector_gap
    assert (learnt.default_agreement, learnt.agreement) == (0, 1)


def test_what_the_default_weights_hold_for_equal_is_half_in_order() -> None:
    strangers_alike, known_apart = (1.0, 0.0, 0.7, 1.0), (1.0, 1.0, 0.7, 0.0)
    decided = [Decided((strangers_alike, known_apart)[i % 2], bool(i % 2), i) for i in range(40)]

    learnt = learn_weights(decided)

    assert (learnt.default_agreement, learnt.agreement) == (0.5, 1)
    assert learnt.better


def test_one_verdict_on_nearly_all_of_one_statement_is_learnt_from() -> None:
    accepted = [Decided((0.9, 1.0, 1.0, 1.0), True, 0) for _ in range(30)]
    set_aside = [Decided((0.6, 0.0, 1.0, 1.0), False, i) for i in range(1, 12)]

    assert astuple(learn_weights([*accepted, *set_aside]).weights) > (0, 0, 0, 0)


def some(n_accepted: int, n_set_aside: int, seekers: Sequence[int]) -> list[Decided]:
    return [
        Decided((0.7, 0.5, 1.0, 1.0), i < n_accepted, seekers[i % len(seekers)])
        for i in range(n_accepted + n_set_aside)
    ]


@pytest.mark.parametrize(
    ("n_accepted", "n_set_aside", "seekers"),
    [
        (LEAST_DECISIONS - LEAST_OF_EACH - 1, LEAST_OF_EACH, range(40)),
        (LEAST_OF_EACH - 1, 40, range(40)),
        (40, LEAST_OF_EACH - 1, range(40)),
        (40, 40, range(9)),
        (0, 0, range(1)),
    ],
)
def test_too_few_decisions_teach_nothing(
    n_accepted: int, n_set_aside: int, seekers: Sequence[int]
) -> None:
    decided = some(n_accepted, n_set_aside, seekers)

    assert not is_enough(decided)
    with pytest.raises(ValueError, match="too few"):
        learn_weights(decided)


def test_thirty_decisions_of_both_verdicts_are_enough() -> None:
    assert is_enough(some(LEAST_DECISIONS - LEAST_OF_EACH, LEAST_OF_EACH, range(40)))
