"""From statements to chosen pairings, without a service: what a notebook does."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from matcher.assignment import Limits
from matcher.bars import ADEQUATE, Weights
from matcher.fusion import Background
from matcher.pairing import Block, Proposals, Side, nearest_in_meaning, suggest_pairings
from matcher.statements import Kind, Statement, passages
from tests.builders import statement
from tests.fakes import DIM, WordEncoder

PROBLEM, INTEREST = Kind.PROBLEM, Kind.INTEREST
BACKGROUND = Background(0, DIM**-0.5)
"""Of the encoder of these tests: texts that share no word are orthogonal but for chance."""
TOPICS = (
    "vélo piste cyclable école",
    "moisissure logement isolation humidité",
    "repas cantine bio légumes",
    "tablette numérique aînés formation",
    "compost jardin déchets quartier",
    "entraîneur football club bénévole",
)


def side(statements: Sequence[Statement], kind: Kind) -> Side:
    positions = np.flatnonzero([s.kind == kind for s in statements]).astype(np.int64)
    texts = passages([statements[p] for p in positions.tolist()])
    return Side(kind, positions, WordEncoder().encode_passages(texts))


def block(statements: Sequence[Statement], left: Kind, right: Kind) -> Block:
    a, b = side(statements, left), side(statements, right)
    return Block(a, b, nearest_in_meaning(a, b), nearest_in_meaning(b, a))


def suggest(statements: Sequence[Statement], *kinds: Kind, **options: Any) -> Proposals:
    blocks = [block(statements, PROBLEM, kind) for kind in kinds or (INTEREST,)]
    return suggest_pairings(statements, blocks, background=BACKGROUND, **options)


def pairs(proposals: Proposals) -> list[tuple[int, int]]:
    chosen = proposals.chosen
    ends = proposals.candidates.left[chosen], proposals.candidates.right[chosen]
    return list(zip(*(end.tolist() for end in ends), strict=True))


@pytest.fixture
def statements() -> list[Statement]:
    """Six problems then six interests, the i-th of each on the same topic."""
    problems = [statement(i, text=f"besoin {topic}") for i, topic in enumerate(TOPICS)]
    interests = [
        statement(i, kind=INTEREST, text=f"recherche {topic}")
        for i, topic in enumerate(TOPICS, start=len(TOPICS))
    ]
    return problems + interests


def test_each_problem_meets_the_research_on_its_topic(statements: list[Statement]) -> None:
    proposals = suggest(statements)

    assert {(i, i + len(TOPICS)) for i in range(len(TOPICS))} <= set(pairs(proposals))
    assert proposals.uncovered() == []


def test_the_best_pairing_comes_first(statements: list[Statement]) -> None:
    proposals = suggest(statements)

    scores = proposals.candidates.scores[proposals.chosen]
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)


def test_the_same_input_gives_the_same_pairings(statements: list[Statement]) -> None:
    assert pairs(suggest(statements)) == pairs(suggest(statements))


def test_an_organisation_never_meets_itself() -> None:
    same = [statement(i, organisation=1, text="vélo piste école") for i in range(2)]
    others = [statement(i, organisation=i, text="vélo piste école") for i in range(2, 8)]
    noise = [statement(i, organisation=i, text=f"sujet{i}") for i in range(8, 30)]
    statements = same + others + noise

    proposals = suggest(statements, PROBLEM, limits=Limits(proposals=50))

    chosen = pairs(proposals)
    assert set(combinations(range(8), 2)) - set(chosen) == {(0, 1)}


def test_a_statement_never_meets_itself_and_a_pair_is_proposed_once() -> None:
    statements = [statement(i, text=f"{TOPICS[i % 3]} mot{i}") for i in range(9)]

    chosen = pairs(suggest(statements, PROBLEM))

    assert chosen
    assert all(left < right for left, right in chosen)
    assert len(set(chosen)) == len(chosen)


@pytest.mark.parametrize("kinds", [(), (PROBLEM,), (INTEREST,), (PROBLEM, INTEREST)])
def test_few_statements_are_no_fault(kinds: tuple[Kind, ...]) -> None:
    statements = [statement(i, kind=kind, text="vélo") for i, kind in enumerate(kinds)]

    proposals = suggest(statements, PROBLEM, INTEREST)

    assert set(pairs(proposals)) <= {(0, 1)}
    assert set(proposals.uncovered()) <= {0}


def test_a_lone_problem_meets_a_lone_interest_in_the_same_words() -> None:
    text = "moisissure dans les logements sociaux après isolation"
    statements = [statement(0, text=text), statement(1, kind=INTEREST, text=text)]

    assert pairs(suggest(statements)) == [(0, 1)]


def test_no_blocks_propose_nothing() -> None:
    proposals = suggest_pairings([statement(1)], [])

    assert pairs(proposals) == []
    assert proposals.uncovered() == []


def test_alternates_are_adequate_partners_that_were_not_chosen(
    statements: list[Statement],
) -> None:
    others = [
        statement(i, kind=INTEREST, text=f"étude {TOPICS[0]} territoire{i}") for i in range(12, 18)
    ]

    proposals = suggest(statements + others, limits=Limits(proposals=1))

    [partner] = [right for left, right in pairs(proposals) if left == 0]
    alternates = proposals.alternates()[0]
    assert len(alternates) == 3
    assert partner not in alternates
    assert set(alternates) <= {6, *range(12, 18)}


def test_what_nobody_answers_is_listed_with_how_near_someone_came(
    statements: list[Statement],
) -> None:
    strangers = [statement(90 + i, text=f"insolite{i} bizarre{i} rare{i}") for i in range(8)]

    proposals = suggest(statements + strangers)

    # By chance some of them come near enough to something.
    uncovered = proposals.uncovered()
    assert len(uncovered) >= 3
    assert min(uncovered) >= len(statements)
    assert all(0 <= proposals.best_meaning[position] < ADEQUATE for position in uncovered)
    assert all(proposals.blocking(position) == (False, False) for position in uncovered)


def test_a_loaded_partner_is_named_as_what_blocks() -> None:
    problems = [statement(i, text=f"besoin {TOPICS[0]}") for i in range(3)]
    noise = [statement(i, text=f"tout autre sujet{i}") for i in range(3, 20)]
    lab = statement(20, kind=INTEREST, text=f"recherche {TOPICS[0]}")
    far = [statement(i, kind=INTEREST, text=f"astre{i}") for i in range(21, 40)]

    proposals = suggest([*problems, *noise, lab, *far], limits=Limits(max_load=2))

    left_out = [position for position in proposals.uncovered() if position < 3]
    assert len(left_out) == 1
    assert proposals.blocking(left_out[0]) == (True, True)


def test_acquaintances_are_proposed_after_strangers() -> None:
    statements = [statement(0, text=TOPICS[0])]
    statements += [statement(i, kind=INTEREST, text=TOPICS[0]) for i in (1, 2)]
    statements += [statement(i, kind=INTEREST, text=f"sujet{i} autre{i}") for i in range(3, 40)]

    [first, *_] = pairs(suggest(statements, known=[(1000, 1001)]))
    [again, *_] = pairs(suggest(statements, known=[(1002, 1000)]))

    assert (first, again) == ((0, 2), (0, 1))


def test_the_nearest_leave_the_asking_statement_out() -> None:
    statements = [statement(i, text=text) for i, text in enumerate(("vélo", "vélo", "pain"))]
    problems = side(statements, PROBLEM)

    found = nearest_in_meaning(problems, problems, 2)

    assert found.ids[0].tolist() == [1, 2]
    assert found.ids[1].tolist() == [0, 2]
    assert found.cosines[0, 0] == pytest.approx(1)


def test_scores_are_the_default_weights_until_others_are_given(statements: list[Statement]) -> None:
    known = [(1000, 1006)]
    usual = suggest(statements, INTEREST, PROBLEM, known=known)

    given = suggest(statements, INTEREST, PROBLEM, known=known, weights=Weights())

    expected = np.array([0.6, 0.15, 0.1, 0.15], dtype=np.float32) @ np.stack(usual.bars)
    assert usual.candidates.scores == pytest.approx(expected, abs=1e-6)
    assert (given.candidates.scores == usual.candidates.scores).all()
    assert pairs(given) == pairs(usual)


def test_weighing_otherwise_is_suggesting_with_those_weights(statements: list[Statement]) -> None:
    known = [(1000, 1006), (1001, 1007)]
    limits = Limits(proposals=1, max_load=1)
    usual = suggest(statements, INTEREST, PROBLEM, known=known, limits=limits)
    weights = Weights(0.2, 0.1, 0.1, 0.6)

    anew = usual.with_weights(weights)

    wanted = suggest(statements, INTEREST, PROBLEM, known=known, limits=limits, weights=weights)
    assert pairs(anew) == pairs(wanted)
    assert (anew.candidates.scores == wanted.candidates.scores).all()
    assert anew.uncovered() == wanted.uncovered()
    assert [anew.blocking(i) for i in range(12)] == [wanted.blocking(i) for i in range(12)]
    assert usual.with_weights(Weights()).chosen.tolist() == usual.chosen.tolist()
