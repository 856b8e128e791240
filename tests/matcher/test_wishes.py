"""Edits of groups, replayed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.wishes import Action, Decided, Edit, apply, as_positions, best_titles, decide


def members(*ids: int) -> frozenset[int]:
    return frozenset(ids)


def edit(action: Action, *groups: frozenset[int], **more: object) -> Edit:
    return Edit(1, action, groups, **more)  # type: ignore[arg-type]


def move(statement: int, left: frozenset[int], entered: frozenset[int], anchor: int) -> Edit:
    return edit(Action.MOVE, left, entered, statement=statement, anchor=anchor)


GROUPS = [members(1, 2, 3), members(4, 5), members(6, 7)]
MERGE = edit(Action.MERGE, members(1, 2, 3), members(4, 5))
SPLIT = edit(Action.SPLIT, members(1), members(2, 3))


def test_merged_groups_are_one_and_stay_so() -> None:
    assert apply(GROUPS, [MERGE]) == [members(6, 7), members(1, 2, 3, 4, 5)]
    assert decide([MERGE]).together == (members(1, 2, 3, 4, 5),)


def test_a_split_parts_and_keeps_each_part() -> None:
    decided = decide([SPLIT])

    assert apply(GROUPS, [SPLIT]) == [members(2, 3), members(4, 5), members(6, 7), members(1)]
    assert decided.apart == ((members(1), members(2, 3)),)
    assert decided.together == (members(2, 3),)


def test_a_moved_statement_follows_the_centre_of_its_new_group() -> None:
    moved = move(1, members(1, 2, 3), members(4, 5), anchor=4)

    assert apply(GROUPS, [moved]) == [members(2, 3), members(1, 4, 5), members(6, 7)]
    assert decide([moved]).together == (members(1, 4),)
    assert decide([moved]).apart == ((members(1), members(2, 3)),)


def test_an_isolated_statement_may_enter_a_group() -> None:
    moved = move(9, members(), members(4, 5), anchor=4)

    assert apply(GROUPS, [moved])[1] == members(4, 5, 9)
    assert decide([moved]).apart == ()


def test_a_statement_taken_out_is_alone_until_moved_again() -> None:
    out = edit(Action.TAKE_OUT, members(1, 2, 3), statement=1)

    assert apply(GROUPS, [out])[0] == members(2, 3)
    assert decide([out]).alone == members(1)
    assert decide([out, move(1, members(), members(4, 5), anchor=4)]).alone == members()


def test_the_last_word_wins() -> None:
    assert decide([SPLIT, MERGE]).apart == ()
    parted = decide([MERGE, SPLIT])
    assert set(parted.together) == {members(1, 4, 5), members(2, 3)}
    assert parted.apart == ((members(1), members(2, 3)),)


STATEMENTS = st.frozensets(st.integers(1, 8), min_size=1, max_size=5)


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    action = draw(st.sampled_from([Action.MERGE, Action.SPLIT, Action.MOVE, Action.TAKE_OUT]))
    left = draw(STATEMENTS)
    right = draw(STATEMENTS) - left
    if action == Action.TAKE_OUT:
        return edit(action, left, statement=min(left))
    if not right:
        return edit(Action.MERGE, left)
    if action == Action.MOVE:
        return move(min(left), left, right, anchor=min(right))
    return edit(action, left, right)


@given(made=st.lists(edits(), max_size=12))
def test_what_holds_never_contradicts_itself(made: list[Edit]) -> None:
    decided = decide(made)

    together = decided.together
    assert sum(len(m) for m in together) == len(frozenset().union(*together))
    assert not any(m & a and m & b for m in together for a, b in decided.apart)
    assert not any(m & decided.alone for m in together)


@given(made=st.lists(edits(), min_size=1, max_size=12))
def test_what_was_said_last_holds(made: list[Edit]) -> None:
    decided, last = decide(made), made[-1]

    if last.action == Action.MERGE and len(frozenset().union(*last.groups)) > 1:
        assert any(frozenset().union(*last.groups) <= m for m in decided.together)
    if last.action == Action.SPLIT:
        assert last.groups in decided.apart
    if last.action == Action.TAKE_OUT:
        assert last.statement in decided.alone


def test_a_lock_holds_until_it_is_opened() -> None:
    lock = edit(Action.LOCK, members(4, 5))

    assert decide([lock]).locked == (members(4, 5),)
    assert decide([lock, edit(Action.UNLOCK, members(4, 5))]).locked == ()
    assert apply(GROUPS, [lock]) == GROUPS


def test_a_new_title_takes_the_place_of_the_old() -> None:
    first = edit(Action.RENAME, members(1, 2, 3), title="Mobilité")
    second = edit(Action.RENAME, members(1, 2, 3), title="Se déplacer")

    assert decide([first, second]).titles == ((members(1, 2, 3), "Se déplacer"),)


def test_a_title_stays_where_most_of_the_group_is() -> None:
    kept, lost = best_titles(
        [members(1, 2, 9), members(3, 4)],
        [(members(1, 2, 3), "Mobilité"), (members(5, 6), "Logement"), (members(3, 9), "Eau")],
    )

    assert kept == {0: "Mobilité"}
    assert lost == ["Logement", "Eau"]


def test_positions_leave_out_what_is_no_longer_there() -> None:
    decided = Decided(
        together=(members(1, 2, 9),),
        apart=((members(1), members(9)), (members(1), members(3))),
        locked=(members(9),),
        alone=members(3, 9),
    )

    placed = as_positions(decided, {1: 0, 2: 1, 3: 2})

    assert placed.together == (members(0, 1),)
    assert placed.apart == ((members(0), members(2)),)
    assert placed.locked == ()
    assert placed.alone == members(2)


def test_a_title_goes_with_those_that_are_there() -> None:
    renamed = edit(Action.RENAME, members(1, 2, 9), title="Mobilité")

    assert decide([renamed], members(1, 2, 3)).titles == ((members(1, 2), "Mobilité"),)
    assert decide([renamed], members(3)).titles == ()


def test_one_title_is_borne_by_one_group() -> None:
    kept, lost = best_titles(
        [members(1, 2), members(3, 4)], [(members(1, 2), "Eau"), (members(3, 4), "eau")]
    )

    assert (kept, lost) == ({1: "eau"}, ["Eau"])


@pytest.mark.parametrize("action", [Action.RENAME, Action.LOCK, Action.UNLOCK])
def test_some_edits_move_nobody(action: Action) -> None:
    assert apply(GROUPS, [edit(action, members(4, 5), title="x")]) == GROUPS
