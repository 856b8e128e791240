"""Edits of groups: shown at once, kept for ever, replayed on each new run."""

import pytest

from matcher.wishes import Action
from service.database import read
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.groupings import latest_grouping
from service.store.sociopoles import get_sociopole
from service.workflows import edit_group as edit_module
from service.workflows.edit_group import Who, edit_group, show_history, undo_edit
from service.workflows.group import GroupPlan, group
from service.workflows.show_groups import show_groups
from service.workflows.understand_edit import Wanted
from tests.builders import SLUG, import_rows
from tests.conftest import OpenResources
from tests.fakes import WordEncoder
from tests.service.groups import (
    HEADER,
    ME,
    TOPICS,
    edit,
    fill,
    group_of,
    make,
    members,
)


@pytest.fixture
def filled(resources: Resources) -> Resources:
    fill(resources)
    make(resources)
    return resources


def named(resources: Resources, *statements: str) -> tuple[str, ...]:
    shown = show_groups(resources, SLUG)
    return tuple(group_of(shown, statement) for statement in statements)


def rename(resources: Resources, statement: str, title: str) -> dict[str, object]:
    return edit(resources, Wanted(Action.RENAME, named(resources, statement), title=title))


def more_texts(resources: Resources) -> None:
    """So that the next run is a new one."""
    rows = [(f"PN{t}", f"Asso N{t}", f"{topic} nuit", "") for t, topic in enumerate(TOPICS)]
    import_rows(resources, HEADER, rows)


def test_a_title_given_by_a_person_is_kept(filled: Resources) -> None:
    shown = rename(filled, "P00", "  À vélo,   ou pas ")
    more_texts(filled)

    for grouping in (shown, make(filled)):
        groups = {g["id"]: g for g in grouping["groups"]}  # type: ignore[attr-defined]
        found = groups[group_of(grouping, "P00")]
        assert (found["title"], found["titled_by_person"]) == ("À vélo, ou pas", True)


def test_an_edit_leaves_other_groups_as_they_are(filled: Resources) -> None:
    before = show_groups(filled, SLUG)

    after = edit(filled, Wanted(Action.MERGE, named(filled, "P00", "P10")))

    old = {g["id"]: g for g in before["groups"]}
    untouched = [g for g in after["groups"] if "P00" not in {m["id"] for m in g["members"]}]
    assert len(untouched) == 2
    for g in untouched:
        assert [g[k] for k in ("title", "terms", "stability", "members")] == [
            old[g["id"]][k] for k in ("title", "terms", "stability", "members")
        ]


def test_merged_groups_stay_together_in_a_new_run(filled: Resources) -> None:
    shown = edit(filled, Wanted(Action.MERGE, named(filled, "P00", "P10")))
    more_texts(filled)
    again = make(filled)

    for grouping in (shown, again):
        together = {group_of(grouping, f"P{t}{i}") for t in (0, 1) for i in range(4)}
        assert len(together) == 1


def test_a_split_by_hand_stays_split(filled: Resources) -> None:
    wanted = Wanted(Action.SPLIT, named(filled, "P00"), ("P00", "P01"))
    shown = edit(filled, wanted)
    more_texts(filled)
    again = make(filled, size=1)

    for grouping in (shown, again):
        one, other = group_of(grouping, "P00"), group_of(grouping, "P02")
        assert one != other
        assert (group_of(grouping, "P01"), group_of(grouping, "P03")) == (one, other)


def test_a_group_is_split_as_the_tree_says(filled: Resources) -> None:
    before = members(show_groups(filled, SLUG))
    name = named(filled, "P00")[0]

    shown = edit(filled, Wanted(Action.SPLIT, (name,)))

    parts = [ids for ids in members(shown).values() if ids < before[name]]
    assert set().union(*parts) == before[name]
    assert len(shown["groups"]) == 5


def test_a_moved_statement_stays_where_it_was_put(filled: Resources) -> None:
    shown = edit(filled, Wanted(Action.MOVE, named(filled, "P10"), ("P00",)))
    more_texts(filled)

    for grouping in (shown, make(filled)):
        assert group_of(grouping, "P00") == group_of(grouping, "P10")
        assert group_of(grouping, "P00") != group_of(grouping, "P01")


def test_a_statement_taken_out_stays_isolated(filled: Resources) -> None:
    shown = edit(filled, Wanted(Action.TAKE_OUT, statements=("P00",)))
    more_texts(filled)

    for grouping in (shown, make(filled)):
        assert [alone["id"] for alone in grouping["isolated"]] == ["P00"]


def test_a_locked_group_stays_as_it_is(filled: Resources) -> None:
    before = members(show_groups(filled, SLUG))
    name = named(filled, "P00")[0]
    edit(filled, Wanted(Action.LOCK, (name,)))
    more_texts(filled)

    again = make(filled)

    assert members(again)[name] == before[name]
    assert next(g for g in again["groups"] if g["id"] == name)["locked"]
    assert group_of(again, "PN0") != name


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(Action.MERGE, ("here", "there")),
        Wanted(Action.SPLIT, ("here",)),
        Wanted(Action.MOVE, ("here",), ("P10",)),
        Wanted(Action.MOVE, ("there",), ("P00",)),
        Wanted(Action.TAKE_OUT, statements=("P00",)),
        Wanted(Action.LOCK, ("here",)),
    ],
)
def test_a_locked_group_is_changed_only_once_open(filled: Resources, wanted: Wanted) -> None:
    here, there = named(filled, "P00", "P10")
    edit(filled, Wanted(Action.LOCK, (here,)))
    names = tuple({"here": here, "there": there}[name] for name in wanted.groups)
    asked = Wanted(wanted.action, names, wanted.statements)

    with pytest.raises(Refused, match="verrouillé"):
        edit(filled, asked)

    edit(filled, Wanted(Action.UNLOCK, (here,)))
    edit(filled, asked)


def test_edits_are_replayed_after_another_model_embedded_all(
    filled: Resources, open_more: OpenResources
) -> None:
    rename(filled, "P20", "Bien manger")
    edit(filled, Wanted(Action.MERGE, named(filled, "P00", "P10")))
    edit(filled, Wanted(Action.TAKE_OUT, statements=("P30",)))

    again = make(open_more(WordEncoder("words-2")))

    assert group_of(again, "P00") == group_of(again, "P13") != ""
    assert [alone["id"] for alone in again["isolated"]] == ["P30"]
    titles = {g["id"]: g["title"] for g in again["groups"]}
    assert titles[group_of(again, "P20")] == "Bien manger"


def test_an_undone_edit_is_as_if_it_had_not_been(filled: Resources) -> None:
    before = show_groups(filled, SLUG)
    edit(filled, Wanted(Action.MERGE, named(filled, "P00", "P10")))

    undone = show_groups(filled, SLUG, undo_edit(filled, SLUG, ME))

    assert members(undone) == members(before)
    assert {g["id"]: g["title"] for g in undone["groups"]} == {
        g["id"]: g["title"] for g in before["groups"]
    }


def test_an_earlier_edit_is_undone_and_later_ones_stand(filled: Resources) -> None:
    edit(filled, Wanted(Action.TAKE_OUT, statements=("P00",)))
    edit(filled, Wanted(Action.TAKE_OUT, statements=("P10",)))

    first = show_history(filled, SLUG)["edits"][0]["id"]
    undone = show_groups(filled, SLUG, undo_edit(filled, SLUG, ME, number=first))

    assert [alone["id"] for alone in undone["isolated"]] == ["P10"]


def test_an_edit_that_a_run_was_made_with_is_undone_by_a_new_run(filled: Resources) -> None:
    edit(filled, Wanted(Action.TAKE_OUT, statements=("P00",)))
    more_texts(filled)
    make(filled)

    undone = show_groups(filled, SLUG, undo_edit(filled, SLUG, ME))

    assert undone["isolated"] == []
    assert group_of(undone, "P00") == group_of(undone, "P01")


def test_nothing_to_undo_is_said(filled: Resources) -> None:
    with pytest.raises(Refused, match="Rien à annuler"):
        undo_edit(filled, SLUG, ME)
    edit(filled, Wanted(Action.TAKE_OUT, statements=("P00",)))
    with pytest.raises(Refused, match=r"en vigueur : [0-9]"):
        undo_edit(filled, SLUG, ME, number=10_000)


def test_history_says_who_when_and_why(filled: Resources) -> None:
    rename(filled, "P00", "À vélo")
    undo_edit(filled, SLUG, Who("Léa", "finalement non"))

    first, undo = show_history(filled, SLUG)["edits"]

    assert (first["by"], first["why"], first["action"]) == ("Ada", "vu ensemble", "rename")
    assert (first["title"], first["undone"]) == ("À vélo", True)
    assert (undo["by"], undo["action"], undo["undoes"]) == ("Léa", "undo", first["id"])


def test_a_title_whose_group_is_gone_is_said_to_be_lost(filled: Resources) -> None:
    rename(filled, "P00", "À vélo")
    name = named(filled, "P00")[0]
    edit(filled, Wanted(Action.SPLIT, (name,), ("P00", "P01")))

    shown = show_groups(filled, SLUG)

    assert shown["lost_titles"] == ["À vélo"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(Action.RENAME, ("G99",), title="x"), "n'existe pas"),
        (Wanted(Action.RENAME, ("G1",), title=" "), "titre de 1"),
        (Wanted(Action.MERGE, ("G1", "G1")), "au moins deux"),
        (Wanted(Action.SPLIT, ("G1",), ("P00", "P10")), "une partie"),
        (Wanted(Action.MOVE, ("G1",), ("P99",)), "n'est pas dans ce regroupement"),
        (Wanted(Action.MOVE, ("G1",), ("P00", "P01")), "une contribution, et une seule"),
        (Wanted(Action.LOCK, ("G1", "G2")), "un groupe, et un seul"),
        (Wanted(Action.UNLOCK, ("G1",)), "n'est pas verrouillé"),
    ],
)
def test_an_edit_that_makes_no_sense_changes_nothing(
    filled: Resources, wanted: Wanted, message: str
) -> None:
    before = show_groups(filled, SLUG)

    with pytest.raises(Refused, match=message):
        edit(filled, wanted)

    assert show_groups(filled, SLUG) == before
    assert show_history(filled, SLUG)["edits"] == []


def test_two_groups_do_not_bear_one_title(filled: Resources) -> None:
    rename(filled, "P00", "À vélo")

    with pytest.raises(Refused, match="déjà ce titre"):
        rename(filled, "P10", "à VÉLO")


def test_where_another_person_was_quicker_nothing_is_overwritten(
    filled: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Wanted(Action.MERGE, named(filled, "P00", "P10"))
    other = Wanted(Action.TAKE_OUT, statements=("P20",))
    describe = edit_module.describe_groups

    def meanwhile(*arguments: object, **options: object) -> object:
        monkeypatch.setattr(edit_module, "describe_groups", describe)
        edit(filled, other)
        return describe(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(edit_module, "describe_groups", meanwhile)
    with pytest.raises(Refused, match="vient de modifier"):
        edit_group(filled, SLUG, wanted, ME)

    assert [e["action"] for e in show_history(filled, SLUG)["edits"]] == ["take-out"]


def test_a_grouping_without_change_is_the_edited_one(filled: Resources) -> None:
    edit(filled, Wanted(Action.TAKE_OUT, statements=("P00",)))
    with read(filled.engine) as session:
        latest = latest_grouping(session, get_sociopole(session, SLUG).id)

    assert latest is not None
    assert group(filled, GroupPlan(SLUG), by="Ada") == latest.id


def test_an_edit_before_any_grouping_is_refused(resources: Resources) -> None:
    with pytest.raises(NotFound, match="Aucun regroupement"):
        edit_group(resources, SLUG, Wanted(Action.LOCK, ("G1",)), ME)


def test_an_undoing_is_undone_too(filled: Resources) -> None:
    edit(filled, Wanted(Action.TAKE_OUT, statements=("P00",)))
    undo_edit(filled, SLUG, ME)
    undoing = show_history(filled, SLUG)["edits"][-1]["id"]

    again = show_groups(filled, SLUG, undo_edit(filled, SLUG, ME, number=undoing))

    assert [alone["id"] for alone in again["isolated"]] == ["P00"]


def test_what_would_change_a_locked_group_is_not_undone(filled: Resources) -> None:
    merged = edit(filled, Wanted(Action.MERGE, named(filled, "P00", "P10")))
    edit(filled, Wanted(Action.LOCK, (group_of(merged, "P00"),)))
    first = show_history(filled, SLUG)["edits"][0]["id"]

    with pytest.raises(Refused, match="verrouillé depuis"):
        undo_edit(filled, SLUG, ME, number=first)


def test_an_undone_move_takes_no_group_along(filled: Resources) -> None:
    edit(filled, Wanted(Action.MOVE, named(filled, "P10"), ("P00",)))
    edit(filled, Wanted(Action.MERGE, named(filled, "P10", "P20")))
    first = show_history(filled, SLUG)["edits"][0]["id"]

    undone = show_groups(filled, SLUG, undo_edit(filled, SLUG, ME, number=first))

    assert group_of(undone, "P01") != group_of(undone, "P10")
    assert group_of(undone, "P10") == group_of(undone, "P20")


def test_a_locked_group_counts_among_those_asked_for(filled: Resources) -> None:
    edit(filled, Wanted(Action.LOCK, named(filled, "P00")))

    shown = make(filled, size=4)

    assert len(shown["groups"]) == shown["asked"]["groups"] == 4


def test_a_title_that_comes_back_by_an_undo_is_not_borne_twice(filled: Resources) -> None:
    rename(filled, "P00", "X")
    edit(filled, Wanted(Action.SPLIT, named(filled, "P00"), ("P00", "P01")))
    rename(filled, "P10", "X")
    second = show_history(filled, SLUG)["edits"][1]["id"]

    shown = show_groups(filled, SLUG, undo_edit(filled, SLUG, ME, number=second))

    assert [g["title"] for g in shown["groups"]].count("X") == 1


def test_a_name_no_column_holds_is_refused(filled: Resources) -> None:
    wanted = Wanted(Action.TAKE_OUT, statements=("P00",))
    with pytest.raises(Refused, match="au plus 200"):
        edit_group(filled, SLUG, wanted, Who("a" * 201))
    with pytest.raises(Refused, match="au plus 2000"):
        edit_group(filled, SLUG, wanted, Who("a", "b" * 2001))
