"""Groupings: every problem placed or listed, the same each time, stored whole or not at all."""

import json

import pytest
from sqlalchemy import func, select

from matcher.group_size import Size
from matcher.statements import Kind
from matcher.wishes import Action
from service.database import read, write
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.sociopoles import add_sociopole
from service.tables import Grouping, GroupPlace, GroupRow
from service.workflows import group as group_module
from service.workflows.group import GroupPlan, group
from service.workflows.group_material import parse_kinds
from service.workflows.show_groups import show_changes, show_groups
from service.workflows.understand_edit import Wanted
from tests.builders import SLUG, import_rows
from tests.conftest import OpenResources
from tests.fakes import WordEncoder
from tests.service.groups import HEADER, TOPICS, edit, fill, group_of, make, members


@pytest.fixture
def filled(resources: Resources) -> Resources:
    fill(resources)
    return resources


def test_problems_on_one_topic_make_a_group(filled: Resources) -> None:
    shown = make(filled)

    found = {frozenset(ids) for ids in members(shown).values()}
    assert found == {frozenset(f"P{t}{i}" for i in range(4)) for t in range(4)}
    assert shown["recommended"]["groups"] == 4
    assert "silhouette" in shown["recommended"]["why"]


def test_every_problem_is_in_one_group_or_isolated(filled: Resources) -> None:
    import_rows(filled, HEADER, [("PX", "Harmonie", "cuivres cabossés cherchent luthier", "")])

    shown = make(filled)

    placed = [m["id"] for g in shown["groups"] for m in g["members"]]
    listed = [alone["id"] for alone in shown["isolated"]]
    assert sorted(placed + listed) == sorted(
        [f"P{t}{i}" for t in range(4) for i in range(4)] + ["PX"]
    )
    assert listed == ["PX"]
    assert shown["isolated"][0]["nearest_group"] in members(shown)


def test_a_group_says_what_it_crosses_and_who_may_answer(filled: Resources) -> None:
    group = next(g for g in make(filled)["groups"] if group_has(g, "P00"))

    assert group["transversality"] > 0.5
    assert (group["local"], group["stability"]) == (False, "firm")
    assert sum(group["sectors"].values()) == 4
    assert group["colleges"] == {"association": 4}
    assert group["sociopoles"] == {SLUG: 4}
    assert group["nearest"][0]["id"] == "I0"
    assert len({near["discipline"] for near in group["nearest"]}) > 1
    assert group["central"]["id"] in {m["id"] for m in group["members"]}
    assert group["central"]["sentence"].startswith(TOPICS[0])
    assert group["terms"]
    assert all(0 <= m["strength"] <= 1 for m in group["members"])


def group_has(group: dict[str, list[dict[str, str]]], statement: str) -> bool:
    return any(member["id"] == statement for member in group["members"])


def test_no_two_groups_have_the_same_title(filled: Resources) -> None:
    titles = [g["title"].casefold() for g in make(filled, size=6)["groups"]]

    assert len(set(titles)) == len(titles)


def test_the_most_transversal_come_first(filled: Resources) -> None:
    reach = [g["transversality"] for g in make(filled)["groups"]]

    assert reach == sorted(reach, reverse=True)


def test_the_same_input_is_the_same_grouping_to_the_byte(filled: Resources) -> None:
    first, again = make(filled), make(filled)

    assert json.dumps(first) == json.dumps(again)


def test_two_processes_find_the_same_groups(filled: Resources, open_more: OpenResources) -> None:
    first = make(filled, size=6)
    with write(filled.engine) as session:
        for table in (GroupPlace, GroupRow, Grouping):
            session.query(table).delete()

    again = make(open_more(), size=6)

    for shown in (first, again):
        del shown["grouping"], shown["at"]
    assert json.dumps(first) == json.dumps(again)


def test_another_size_only_divides_groups(filled: Resources) -> None:
    wide, fine = make(filled), make(filled, size=7)

    assert len(fine["groups"]) == 7
    for ids in members(fine).values():
        assert any(ids <= wider for wider in members(wide).values())


@pytest.mark.parametrize(("size", "groups"), [(Size.SMALL, 4), (Size.MEDIUM, 2), (Size.LARGE, 1)])
def test_a_size_in_words_is_kept_to(filled: Resources, size: Size, groups: int) -> None:
    shown = make(filled, size=size)

    assert len(shown["groups"]) == groups
    assert str({"small": 4, "medium": 8, "large": 16}[size]) in shown["asked"]["why"]


@pytest.mark.parametrize("size", [0, -1, 100_000])
def test_a_number_nobody_could_read_is_refused(size: int) -> None:
    with pytest.raises(Refused, match="Demandez de 1"):
        GroupPlan(SLUG, size=size)


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ([], "aucune contribution"),
        (["vélo"], "qu'une contribution"),
        (["vélo piste", "compost jardin"], "Trop peu"),
        (["la même demande"] * 3, "la même chose"),
    ],
)
def test_a_handful_is_answered_in_words(resources: Resources, texts: list[str], why: str) -> None:
    if texts:
        rows = [(f"P{i}", f"Asso {i}", text, "") for i, text in enumerate(texts)]
        import_rows(resources, HEADER, rows)

    shown = make(resources)

    assert why in shown["recommended"]["why"]
    placed = [m for g in shown["groups"] for m in g["members"]]
    assert len(placed) + len(shown["isolated"]) == len(texts)


def test_several_sociopoles_together_say_what_they_share(filled: Resources) -> None:
    with write(filled.engine) as session:
        add_sociopole(session, slug="nancy", name="Nancy", territory_id="departement:54")
    rows = [(f"N{i}", f"Nord {i}", f"{TOPICS[0]} {word}", "") for i, word in enumerate("abc")]
    rows += [(f"M{i}", f"Est {i}", f"harmonie cuivre luthier {w}", "") for i, w in enumerate("abc")]
    import_rows(filled, HEADER, rows, sociopole="nancy")

    shown = make(filled, also=("nancy",))

    assert shown["convergences"] == [group_of(shown, "N0")] == [group_of(shown, "P00")]
    assert shown["specificities"]["nancy"] == [group_of(shown, "M0")]
    assert len(shown["specificities"][SLUG]) == 3


def test_other_kinds_are_grouped_too(filled: Resources) -> None:
    shown = make(filled, kinds=parse_kinds("problem,interest"))

    assert group_of(shown, "I0") == group_of(shown, "P00") != ""


def test_kinds_are_read_from_a_list() -> None:
    assert parse_kinds("") == (Kind.PROBLEM,)
    assert parse_kinds(" offer, problem ") == (Kind.OFFER, Kind.PROBLEM)
    with pytest.raises(Refused, match="besoin"):
        parse_kinds("besoin")


def test_a_run_that_is_interrupted_leaves_nothing(
    filled: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(group_module, "describe_groups", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make(filled)

    with read(filled.engine) as session:
        for table in (Grouping, GroupRow, GroupPlace):
            assert session.execute(select(func.count()).select_from(table)).scalar_one() == 0


def test_progress_is_told(filled: Resources) -> None:
    told: list[str] = []

    group(filled, GroupPlan(SLUG), by="Ada", progress=lambda what, *_: told.append(what))

    assert "Solidité des groupes" in told
    assert "Titres des groupes" in told


def test_another_model_makes_a_new_grouping(filled: Resources, open_more: OpenResources) -> None:
    before = make(filled)

    again = make(open_more(WordEncoder("words-2")))

    assert again["grouping"] > before["grouping"]
    assert {frozenset(ids) for ids in members(again).values()} == {
        frozenset(f"P{t}{i}" for i in range(4)) for t in range(4)
    }


def test_without_a_grouping_there_is_nothing_to_show(filled: Resources) -> None:
    with pytest.raises(NotFound, match="sociopoles group"):
        show_groups(filled, SLUG)


def test_a_grouping_of_another_sociopole_is_not_shown(filled: Resources) -> None:
    number = make(filled)["grouping"]
    with write(filled.engine) as session:
        add_sociopole(session, slug="nancy", name="Nancy", territory_id="departement:54")

    with pytest.raises(NotFound, match="n'est pas de ce sociopôle"):
        show_groups(filled, "nancy", number)
    with pytest.raises(NotFound, match="n'existe pas"):
        show_groups(filled, SLUG, 10_000_000)


def test_groups_keep_their_names_as_texts_come(filled: Resources) -> None:
    before = make(filled)
    rows = [("PN", "Asso N", f"{TOPICS[0]} soir", ""), ("PM", "Asso M", f"{TOPICS[0]} hiver", "")]
    import_rows(filled, HEADER, rows)

    after = make(filled)

    assert group_of(after, "P00") == group_of(before, "P00")
    changes = show_changes(filled, before["grouping"], after["grouping"])
    assert changes["grown"][0]["before"]["id"] == group_of(before, "P00")
    assert changes["grown"][0]["came"] == 2
    assert len(changes["unchanged"]) == 3


def test_groupings_of_two_sociopoles_are_not_compared(filled: Resources) -> None:
    with write(filled.engine) as session:
        add_sociopole(session, slug="nancy", name="Nancy", territory_id="departement:54")
    first = make(filled)["grouping"]
    other = group(filled, GroupPlan("nancy"), by="Ada")

    with pytest.raises(Refused, match="deux sociopôles"):
        show_changes(filled, first, other)


def test_a_lock_made_together_holds_where_only_some_are_there(filled: Resources) -> None:
    with write(filled.engine) as session:
        add_sociopole(session, slug="nancy", name="Nancy", territory_id="departement:54")
    rows = [(f"N{i}", f"Nord {i}", f"{TOPICS[0]} {word}", "") for i, word in enumerate("abc")]
    import_rows(filled, HEADER, rows, sociopole="nancy")
    both = make(filled, also=("nancy",))
    edit(filled, Wanted(Action.LOCK, (group_of(both, "P00"),)))
    edit(filled, Wanted(Action.RENAME, (group_of(both, "P00"),), title="À vélo"))

    alone = make(filled)

    found = next(g for g in alone["groups"] if g["id"] == group_of(alone, "P00"))
    assert (found["locked"], found["title"]) == (True, "À vélo")
