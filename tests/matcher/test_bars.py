"""The four bars of a candidate."""

from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np
import pytest

from matcher.bars import (
    ACQUAINTED,
    CLOSENESS_AT_ADEQUATE,
    COMMON_ACQUAINTANCE,
    STRANGERS,
    Bars,
    Weights,
    complementarities,
    meaning_bar,
    novelties,
    sector_gap,
    sector_gaps,
)
from matcher.statements import College, Kind
from tests.builders import statement

ASSOCIATION: dict[str, Any] = {"college": College.ASSOCIATION}
PUBLIC: dict[str, Any] = {"college": College.PUBLIC}
ACADEMIC: dict[str, Any] = {"college": College.ACADEMIC}
GAPS = [
    (ASSOCIATION | {"sector": "011075"}, ASSOCIATION | {"sector": "011075"}, 0.0),
    (ASSOCIATION | {"sector": "011075"}, ASSOCIATION | {"sector": "011000"}, 0.4),
    (ASSOCIATION | {"sector": "011075"}, ASSOCIATION | {"sector": "030012"}, 1.0),
    (ASSOCIATION | {"sector": "011075"}, ASSOCIATION, 0.5),
    (ASSOCIATION, ASSOCIATION, 0.5),
    (ASSOCIATION | {"sector": "011075"}, PUBLIC | {"sector": "011075"}, 0.5),
    (ASSOCIATION | {"sector": "011075"}, PUBLIC | {"sector": "030012"}, 1.0),
    (ASSOCIATION | {"sector": "011075"}, ACADEMIC | {"sector": "011075"}, 1.0),
    (ACADEMIC | {"discipline": "chim.anal"}, ACADEMIC | {"discipline": "chim.anal"}, 0.0),
    (ACADEMIC | {"discipline": "chim.anal"}, ACADEMIC | {"discipline": "chim"}, 0.4),
    (ACADEMIC | {"discipline": "chim.anal"}, ACADEMIC | {"discipline": "shs.socio"}, 1.0),
    (ACADEMIC, ACADEMIC | {"discipline": "chim"}, 0.5),
]


@pytest.mark.parametrize(("left", "right", "gap"), GAPS)
def test_the_sector_gap_is_how_far_apart_two_worlds_are(
    left: dict[str, Any], right: dict[str, Any], gap: float
) -> None:
    ends = statement(1, **left), statement(2, **right)

    assert sector_gap(*ends) == gap
    assert sector_gap(*reversed(ends)) == gap


def test_many_gaps_at_once_are_each_pair_s_own() -> None:
    profiles = [profile for left, right, _ in GAPS for profile in (left, right)]
    statements = [statement(i, **profile) for i, profile in enumerate(profiles)]
    left, right = np.indices((len(statements), len(statements))).reshape(2, -1)

    gaps = sector_gaps(statements, left, right)

    one_by_one = [
        sector_gap(statements[a], statements[b]) for a, b in zip(left, right, strict=True)
    ]
    assert gaps == pytest.approx(one_by_one)


def test_a_need_and_a_knowledge_complete_each_other_more_than_two_needs() -> None:
    statements = [statement(i, kind=kind) for i, kind in enumerate(Kind)]
    pairs = np.array(list(combinations_with_replacement(range(4), 2)), dtype=np.int64).T

    bars = complementarities(statements, *pairs)

    found = dict(zip(map(tuple, pairs.T.tolist()), bars.tolist(), strict=True))
    problem, offer, interest, course = range(4)
    assert found[problem, interest] == found[problem, offer] == found[problem, course] == 1
    assert 0 < found[problem, problem] < found[offer, interest] < 1
    assert found[offer, interest] == pytest.approx(
        complementarities(statements, np.array([interest]), np.array([offer]))[0]
    )


@pytest.mark.parametrize("turned", [False, True])
def test_strangers_are_new_friends_of_friends_less_and_acquaintances_not(turned: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    statements = [statement(i, organisation=i) for i in range(4)]
    known = [(1, 0), (1, 2)] if turned else [(0, 1), (2, 1)]
    left, right = np.array(list(product(range(4), repeat=2)), dtype=np.int64).T

    table = novelties(statements, left, right, known=known).reshape(4, 4)

    assert table[0, 1] == table[1, 2] == ACQUAINTED
    assert table[0, 2] == pytest.approx(COMMON_ACQUAINTANCE)
    assert table[0, 3] == table[1, 3] == STRANGERS
    assert np.array_equal(table, table.T)


def test_an_acquaintance_who_put_in_nothing_here_is_left_aside() -> None:
    statements = [statement(i, organisation=i) for i in range(2)]

    bars = novelties(statements, np.array([0]), np.array([1]), known=[(0, 77), (88, 99)])

    assert bars.tolist() == [STRANGERS]


def test_the_bar_of_meaning_is_half_where_a_pairing_becomes_adequate() -> None:
    bars = meaning_bar(np.array([-50, CLOSENESS_AT_ADEQUATE, 50], dtype=np.float32))

    assert bars == pytest.approx([0, 0.5, 1])


def test_a_score_stays_between_its_bars_whatever_the_weights() -> None:
    bars = Bars(*(np.array([value], dtype=np.float32) for value in (0.9, 0.2, 1.0, 0.6)))

    assert Weights(meaning=2, sector_gap=0, complementarity=0, novelty=0).score(bars) == (
        pytest.approx(0.9)
    )
    assert 0.2 < Weights().score(bars)[0] < 1
