"""Groups of texts: each placed once, whatever their order, what people decided kept."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher import grouping as grouping_module
from matcher import likeness, tree
from matcher.group_size import Size, Why
from matcher.grouping import ISOLATED, Grouping, find_groups, measure_members
from matcher.stability import Stability, measure_stability
from matcher.wishes import Decided
from tests.fakes import WordEncoder

TOPICS = (
    "vélo piste cyclable garage",
    "moisissure logement humidité mur",
    "repas cantine légumes bio",
    "compost jardin déchets quartier",
    "entraîneur football club licence",
)
DETAILS = "matin soir hiver été école mairie voisin prix".split()


def texts_on(n_topics: int, each: int) -> list[str]:
    return [
        f"{topic} {DETAILS[i % 8]} {DETAILS[(i * 3 + 1) % 8]}"
        for topic in TOPICS[:n_topics]
        for i in range(each)
    ]


def grouped(texts: Sequence[str], **options: object) -> Grouping:
    return find_groups(texts, WordEncoder().encode_passages(texts), **options)  # type: ignore[arg-type]


def sets_of(found: Grouping, texts: Sequence[str]) -> set[frozenset[str]]:
    return {
        frozenset(texts[i] for i in np.flatnonzero(found.group == g)) for g in range(found.n_groups)
    }


def test_texts_on_one_topic_make_a_group() -> None:
    texts = texts_on(5, 4)

    found = grouped(texts)

    assert found.group.tolist() == [topic for topic in range(5) for _ in range(4)]
    assert found.advice == (5, Why.SILHOUETTE)


@given(order=st.permutations(range(20)))
def test_the_order_of_the_texts_changes_no_group(order: list[int]) -> None:
    texts = texts_on(5, 4)
    moved = [texts[i] for i in order]

    assert sets_of(grouped(moved), moved) == sets_of(grouped(texts), texts)


@given(
    texts=st.lists(st.sampled_from(texts_on(5, 8)), max_size=30),
    size=st.sampled_from([None, *Size, 1, 3, 50]),
)
def test_each_text_is_in_one_group_or_isolated(texts: list[str], size: Size | int | None) -> None:
    found = grouped(texts, size=size)

    assert len(found.group) == len(texts)
    assert (found.group >= ISOLATED).all()
    assert all((found.group == g).sum() > 1 for g in range(found.n_groups))


def test_the_same_list_gives_the_same_groups_to_the_bit() -> None:
    texts = texts_on(5, 6)

    first, again = grouped(texts), grouped(texts)

    assert first.group.tolist() == again.group.tolist()
    assert first.tree.heights.tobytes() == again.tree.heights.tobytes()


@pytest.mark.parametrize(
    ("texts", "group", "why"),
    [
        ([], [], Why.NONE),
        (["vélo"], [-1], Why.ONE),
        (["vélo piste cyclable", "compost jardin"], [-1, -1], Why.FEW),
        (["vélo piste cyclable", "piste cyclable vélo"], [0, 0], Why.FEW),
        (["la même demande"] * 7, [0] * 7, Why.SAME),
        (["vélo piste", "vélo piste ville", "loyer trop cher"], [0, 0, -1], Why.FEW),
    ],
)
def test_a_handful_of_texts_is_answered_too(texts: list[str], group: list[int], why: Why) -> None:
    found = grouped(texts)

    assert found.group.tolist() == group
    assert found.advice.why == why


def test_a_number_of_groups_is_kept_to() -> None:
    texts = texts_on(5, 4)

    found = grouped(texts, size=3)

    assert (found.n_groups, found.asked) == (3, (3, Why.ASKED))
    assert found.advice.groups == 5


def test_more_groups_than_there_can_be_is_said() -> None:
    found = grouped(texts_on(5, 4), size=50)

    assert found.asked.why == Why.ASKED_TOO_MANY
    assert found.n_groups == found.asked.groups < 50


@pytest.mark.parametrize("size", list(Size))
def test_larger_groups_are_fewer(size: Size) -> None:
    found = grouped(texts_on(5, 8), size=size)

    assert found.n_groups == {Size.SMALL: 10, Size.MEDIUM: 5, Size.LARGE: 2}[size]


def test_another_size_only_divides_or_unites_groups() -> None:
    texts = texts_on(5, 6)
    wide = grouped(texts, size=3)

    fine = grouped(texts, size=6, tree=wide.tree)

    for g in range(fine.n_groups):
        assert len(set(wide.group[fine.group == g].tolist())) == 1


def test_what_was_put_together_stays_together() -> None:
    texts = texts_on(5, 4)

    found = grouped(texts, decided=Decided(together=(frozenset({0, 4, 19}),)))

    assert len({int(found.group[i]) for i in (0, 4, 19)}) == 1


def test_what_was_separated_stays_apart() -> None:
    texts = texts_on(5, 4)

    found = grouped(texts, decided=Decided(apart=((frozenset({0}), frozenset({1, 2, 3})),)), size=1)

    assert all(found.group[0] != found.group[i] for i in (1, 2, 3))


def test_a_locked_group_is_kept_as_it_is() -> None:
    texts = texts_on(5, 4)

    found = grouped(texts, decided=Decided(locked=(frozenset({0, 5, 10}),)))

    assert np.flatnonzero(found.group == found.group[0]).tolist() == [0, 5, 10]


def test_a_text_taken_out_is_isolated() -> None:
    found = grouped(texts_on(5, 4), decided=Decided(alone=frozenset({2})))

    assert found.group[2] == ISOLATED
    assert len(set(found.group[[0, 1, 3]].tolist())) == 1


SETS = st.frozensets(st.integers(0, 19), min_size=1, max_size=4)


@given(together=SETS, left=SETS, right=SETS, alone=SETS, many=st.booleans())
def test_no_wish_is_ever_broken(
    together: frozenset[int],
    left: frozenset[int],
    right: frozenset[int],
    alone: frozenset[int],
    many: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    texts = texts_on(5, 4)
    alone = alone - together
    right = right - left
    if together & left:
        right = right - together
    wishes = Decided(
        (together,) if len(together) > 1 else (), ((left, right),) if right else (), (), alone
    )

    with pytest.MonkeyPatch.context() as patch:
        if many:
            patch.setattr(likeness, "ALL_COMPARED", 5)
            patch.setattr(grouping_module, "ALL_COMPARED", 5)
        found = grouped(texts, decided=wishes, size=1)

    assert len({int(found.group[i]) for i in together if len(together) > 1}) <= 1
    met = [(a, b) for a in left for b in right if found.group[a] == found.group[b] >= 0]
    assert met == []
    assert (found.group[list(alone)] == ISOLATED).all()


def test_many_texts_are_grouped_over_small_communities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "ALL_COMPARED", 20)
    monkeypatch.setattr(grouping_module, "ALL_COMPARED", 20)
    # Small communities for a small list.
    monkeypatch.setattr(tree, "FIRST_RESOLUTION", 0.3)
    texts = texts_on(5, 8)
    shuffled = [texts[i] for i in np.random.default_rng(0).permutation(len(texts))]

    found, again = grouped(texts, size=5), grouped(shuffled, size=5)

    assert found.tree.n_leaves < len(texts)
    assert sets_of(found, texts) == sets_of(again, shuffled)
    assert found.n_groups == 5


def test_copies_of_a_few_texts_are_as_many_groups_at_most() -> None:
    texts = [*texts_on(4, 3)] * 30

    found = grouped(texts)

    assert found.n_groups == found.advice.groups <= 6


def test_one_text_apart_leaves_communities_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "ALL_COMPARED", 20)
    monkeypatch.setattr(grouping_module, "ALL_COMPARED", 20)
    texts = texts_on(5, 8)
    apart = Decided(apart=((frozenset({0}), frozenset(range(1, 40))),))

    free, parted = grouped(texts, size=1), grouped(texts, size=1, decided=apart)

    assert parted.tree.n_leaves == free.tree.n_leaves + 1
    assert parted.group[0] == ISOLATED


def test_members_have_a_strength_and_their_group_a_centre() -> None:
    texts = [*texts_on(3, 4), "orage"]
    found = grouped(texts)

    members = measure_members(found.rows, found.group)

    assert found.group[-1] == ISOLATED
    assert ((members.strength >= 0) & (members.strength <= 1)).all()
    assert found.group[members.central].tolist() == list(range(found.n_groups))
    assert 0 <= members.nearest[-1] < found.n_groups
    assert (members.nearest != found.group).all()


def stability(texts: Sequence[str], found: Grouping, group: np.ndarray) -> list[Stability]:
    vectors = WordEncoder().encode_passages(texts)
    return measure_stability(texts, vectors, found.tree, group, rng=np.random.default_rng(0))


def test_clear_groups_are_firm_and_what_is_torn_is_not() -> None:
    texts = texts_on(4, 8)
    found = grouped(texts)
    torn = found.group.copy()
    torn[::2] = (torn[::2] + 1) % 4

    assert stability(texts, found, found.group) == [Stability.FIRM] * 4
    assert Stability.FIRM not in stability(texts, found, torn)


def test_what_people_put_together_is_firm() -> None:
    texts = texts_on(4, 4)
    found = grouped(texts, decided=Decided(together=(frozenset({0, 5, 10}),)), size=4)

    firm = stability(texts, found, np.where(np.isin(np.arange(16), [0, 5, 10]), 0, -1))

    assert firm == [Stability.FIRM]


def test_without_texts_nothing_is_measured() -> None:
    found = grouped([])

    assert stability([], found, found.group) == []
    assert len(measure_members(found.rows, found.group).strength) == 0
