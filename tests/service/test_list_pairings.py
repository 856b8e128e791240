"""Pairings through a filter: to list them a page at a time, or to decide on all of them."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from matcher.assignment import Limits
from matcher.statements import Kind
from service.database import write
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.decisions import Say
from service.store.proposed import Filter
from service.tables import StatementRow
from service.workflows.decide import Choice, Said, decide, show_decisions
from service.workflows.list_pairings import list_pairings
from service.workflows.show import show_suggestions
from service.workflows.suggest import Plan, parse_kinds, suggest
from tests.builders import SLUG, import_rows

HEADER = ("id", "organisation", "text", "sector")
TOPICS = (
    "vélo piste cyclable garage",
    "moisissure logement mur humidité",
    "repas cantine bio légumes",
    "compost jardin déchets quartier",
    "entraîneur football club bénévole",
)
SECTORS = ("011075", "032520", "006030", "024035", "011000")
TODAY = dt.date(2026, 11, 25)


@pytest.fixture
def filled(resources: Resources) -> Resources:
    """On each topic an interest and two problems, one of its sector and one of culture."""
    own = [(f"P{i}", f"Asso {i}", f"besoin {t}", SECTORS[i]) for i, t in enumerate(TOPICS)]
    other = [(f"Q{i}", f"Club {i}", f"souhait {t}", "006000") for i, t in enumerate(TOPICS)]
    interests = [(f"I{i}", f"Labo {i}", f"recherche {t}", "") for i, t in enumerate(TOPICS)]
    import_rows(resources, HEADER, [*own, *other])
    import_rows(resources, HEADER, interests, kind="interest")
    run(resources)
    return resources


def run(resources: Resources) -> dict[str, Any]:
    plan = Plan(Limits(), parse_kinds("problem-interest,problem-problem"))
    suggest(resources, SLUG, plan, today=TODAY)
    return show_suggestions(resources, SLUG)


def listed(resources: Resources, **wanted: Any) -> list[dict[str, Any]]:
    pairings: list[dict[str, Any]] = list_pairings(
        resources, SLUG, Filter(**wanted), limit=200, today=TODAY
    )["pairings"]
    return pairings


def id_of(resources: Resources, left: str, right: str) -> str:
    pairings = show_suggestions(resources, SLUG)["pairings"]
    return next(
        str(p["id"]) for p in pairings if {p["left"]["id"], p["right"]["id"]} == {left, right}
    )


def say(resources: Resources, name: str, action: Say, **more: Any) -> int:
    return decide(resources, SLUG, Choice(ids=(name,)), Said(action, "Ada", **more), TODAY)


def test_without_a_filter_the_last_run_is_listed_as_it_is_shown(filled: Resources) -> None:
    shown = show_suggestions(filled, SLUG)

    page = list_pairings(filled, SLUG, limit=200)

    assert page["pairings"] == shown["pairings"]
    assert (page["run"], page["at"], page["next"]) == (shown["run"], shown["at"], None)


def pages(resources: Resources, limit: int) -> Iterator[list[str]]:
    after = None
    while True:
        page = list_pairings(resources, SLUG, after=after, limit=limit)
        yield [p["id"] for p in page["pairings"]]
        after = page["next"]
        if after is None:
            return


def test_pages_hold_each_pairing_once_in_their_order(filled: Resources) -> None:
    whole = [p["id"] for p in show_suggestions(filled, SLUG)["pairings"]]
    assert len(whole) == 15

    for limit in (1, 4, 15, 16):
        parts = list(pages(filled, limit))
        assert [len(part) for part in parts[:-1]] == [limit] * (len(parts) - 1)
        assert [name for part in parts for name in part] == whole


def test_pages_stay_with_their_run_and_miss_nothing_that_is_decided_meanwhile(
    filled: Resources,
) -> None:
    undecided = Filter(state="undecided")
    whole = [p["id"] for p in listed(filled)]
    first = list_pairings(filled, SLUG, undecided, limit=5, today=TODAY)
    say(filled, whole[0], Say.SET_ASIDE, reason="too-far")
    say(filled, whole[7], Say.ACCEPT)
    run(filled)

    rest = list_pairings(filled, SLUG, undecided, after=first["next"], limit=50, today=TODAY)

    assert rest["run"] == first["run"]
    assert [p["id"] for p in rest["pairings"]] == [*whole[5:7], *whole[8:]]


def test_an_id_holds_from_run_to_run(filled: Resources) -> None:
    before = {(p["left"]["id"], p["right"]["id"]): p["id"] for p in listed(filled)}

    again = {(p["left"]["id"], p["right"]["id"]): p["id"] for p in run(filled)["pairings"]}

    assert again == before
    assert len(set(before.values())) == len(before)


def test_filters_let_through_what_they_say(filled: Resources) -> None:
    everything = listed(filled)

    def kept(condition: Any) -> list[dict[str, Any]]:
        return [pairing for pairing in everything if condition(pairing)]

    meeting = kept(lambda p: p["right"]["kind"] == "interest")
    assert 0 < len(meeting) < len(everything)
    assert listed(filled, kinds=(Kind.INTEREST, Kind.PROBLEM)) == meeting
    assert listed(filled, ranks=(3, 6)) == everything[2:6]
    scores = [p["score"] for p in everything]
    middle = (scores[10], scores[2])
    assert listed(filled, scores=middle) == kept(lambda p: middle[0] <= p["score"] <= middle[1])
    for bar in ("meaning", "sector_gap", "complementarity", "novelty"):
        highest = max(p["bars"][bar] for p in everything)
        found = listed(filled, least={bar: highest})
        assert found == kept(lambda p, bar=bar, top=highest: p["bars"][bar] >= top)
    assert listed(filled, kinds=(Kind.OFFER, Kind.OFFER)) == []


def test_a_sector_is_that_of_either_side(filled: Resources) -> None:
    everything = listed(filled)

    for written, problems in {
        "011075": {"P0"},
        "011000": {"P0", "P4"},
        "006030": {"P2"},
        "006000": {"P2", "Q0", "Q1", "Q2", "Q3", "Q4"},
    }.items():
        of_sector = [p for p in everything if {p["left"]["id"], p["right"]["id"]} & problems]
        assert 0 < len(of_sector) < len(everything)
        assert listed(filled, sector=written) == of_sector


def test_a_state_is_what_holds_of_a_pairing(filled: Resources) -> None:
    whole = [p["id"] for p in listed(filled)]
    say(filled, whole[0], Say.ACCEPT)
    say(filled, whole[1], Say.UNCERTAIN)
    say(filled, whole[2], Say.NOTE, words="à revoir")

    assert [p["id"] for p in listed(filled, state="accept")] == whole[:1]
    assert [p["id"] for p in listed(filled, state="uncertain")] == whole[1:2]
    assert [p["id"] for p in listed(filled, state="undecided")] == whole[2:]


def test_what_came_back_is_to_be_decided_again(filled: Resources) -> None:
    changed, late = id_of(filled, "P0", "I0"), id_of(filled, "P1", "I1")
    say(filled, changed, Say.SET_ASIDE, reason="off-topic")
    say(filled, late, Say.POSTPONE, until=TODAY + dt.timedelta(days=3))
    assert not {changed, late} & {p["id"] for p in listed(filled, state="undecided")}
    import_rows(filled, HEADER, [("P0", "Asso 0", f"besoin {TOPICS[0]} été", SECTORS[0])])

    def undecided(days: int) -> set[str]:
        day = TODAY + dt.timedelta(days=days)
        page = list_pairings(filled, SLUG, Filter(state="undecided"), limit=200, today=day)
        return {p["id"] for p in page["pairings"]}

    assert {changed, late} & undecided(2) == {changed}
    assert {changed, late} <= undecided(3)
    assert listed(filled, state="set-aside") == []


def test_what_was_set_aside_is_still_found_when_runs_no_longer_propose_it(
    filled: Resources,
) -> None:
    names = [p["id"] for p in listed(filled)][:3]
    for name in names:
        say(filled, name, Say.SET_ASIDE, reason="off-topic")
    assert not set(names) & {p["id"] for p in run(filled)["pairings"]}

    found = listed(filled, state="set-aside")

    assert [p["id"] for p in found] == sorted(names, key=lambda n: [int(i) for i in n.split("-")])
    assert {p["rank"] for p in found} == {None}
    assert all(p["state"]["action"] == "set-aside" and p["reasons"] for p in found)
    page = list_pairings(filled, SLUG, Filter(state="set-aside"), limit=2, today=TODAY)
    rest = list_pairings(filled, SLUG, Filter(state="set-aside"), after=page["next"], today=TODAY)
    assert [*page["pairings"], *rest["pairings"]] == found
    assert listed(filled, state="set-aside", ranks=(1, 20)) == []


def test_one_may_decide_again_on_what_is_no_longer_proposed(filled: Resources) -> None:
    name = id_of(filled, "P0", "I0")
    say(filled, name, Say.SET_ASIDE, reason="not-now")
    run(filled)

    number = say(filled, name, Say.ACCEPT)

    assert listed(filled, state="set-aside") == []
    assert [(p["id"], p["version"]) for p in listed(filled, state="accept")] == [(name, number)]
    assert name in {p["id"] for p in run(filled)["pairings"]}


def test_what_a_filter_selects_is_decided_on_at_once(filled: Resources) -> None:
    wanted = Filter(sector="006000", kinds=(Kind.PROBLEM, Kind.INTEREST), least={"meaning": 0.6})
    expected = {p["id"] for p in listed(filled, sector="006000", kinds=wanted.kinds)}

    decide(filled, SLUG, Choice(filter=wanted), Said(Say.UNCERTAIN, "Ada"), TODAY)

    assert {p["id"] for p in listed(filled, state="uncertain")} == expected != set()
    [decision] = show_decisions(filled, SLUG)["decisions"]
    assert {pair["id"] for pair in decision["pairs"]} == expected
    assert decision["filter"]["sector"] == "006000"


def test_what_lost_a_text_is_neither_listed_nor_decided_on(filled: Resources) -> None:
    gone, kept = id_of(filled, "P0", "I0"), id_of(filled, "P1", "I1")
    with write(filled.engine) as session:
        session.execute(
            update(StatementRow).where(StatementRow.public_id == "P0").values(deleted=True)
        )

    names = [p["id"] for p in listed(filled)]
    assert gone not in names
    assert kept in names
    with pytest.raises(NotFound, match=gone):
        say(filled, gone, Say.ACCEPT)


def test_a_filter_that_means_nothing_is_refused(filled: Resources) -> None:
    for message, wanted in (
        ("Choix : undecided, accept", Filter(state="note")),
        ("Choix : meaning, sector_gap", Filter(least={"sens": 0.5})),
        ("de 0 à 1", Filter(least={"meaning": 1.5})),
        ("de 0 à 1", Filter(least={"meaning": float("nan")})),
        ("plus petit d'abord", Filter(scores=(0.8, 0.2))),
        ("plus petit d'abord", Filter(ranks=(5, 1))),
        ("plus petit d'abord", Filter(ranks=(1, 10**12))),
        ("ne correspond à aucun secteur", Filter(sector="zzz qqq")),
    ):
        with pytest.raises(Refused, match=message):
            list_pairings(filled, SLUG, wanted)
        with pytest.raises(Refused, match=message):
            decide(filled, SLUG, Choice(filter=wanted), Said(Say.ACCEPT, "Ada"))

    assert show_decisions(filled, SLUG)["decisions"] == []


def test_what_is_no_page_is_refused(filled: Resources) -> None:
    for after in ("7", "1.2", "x.1-2", "99999999.1-2", "1.1-2.3"):
        with pytest.raises(Refused, match="reprenez au début"):
            list_pairings(filled, SLUG, after=after)
    for limit in (0, -1, 201):
        with pytest.raises(Refused, match="de 1 à 200"):
            list_pairings(filled, SLUG, limit=limit)


def test_without_a_run_there_is_nothing_to_list(resources: Resources) -> None:
    with pytest.raises(NotFound, match="sociopoles suggest"):
        list_pairings(resources, SLUG)
    with pytest.raises(NotFound, match="nulle-part"):
        list_pairings(resources, "nulle-part")
