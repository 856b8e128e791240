"""Decisions on pairings: kept for ever, held in each new run, undone whole."""

import datetime as dt
from typing import Any

import pytest

from matcher.assignment import Limits
from matcher.statements import Kind
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.decisions import Say
from service.store.proposed import Filter
from service.workflows.decide import Choice, Said, decide, show_decisions, undo_decision
from service.workflows.show import show_suggestions
from service.workflows.suggest import Plan, parse_kinds, suggest
from tests.builders import SLUG, import_rows
from tests.conftest import OpenResources
from tests.fakes import WordEncoder

HEADER = ("id", "organisation", "text")
TOPICS = ("vélo piste cyclable école", "moisissure logement humidité mur", "compost jardin déchets")
TODAY = dt.date(2026, 11, 25)


@pytest.fixture
def filled(resources: Resources) -> Resources:
    problems = [(f"P{i}", f"Asso {i}", f"besoin {topic}") for i, topic in enumerate(TOPICS)]
    interests = [(f"I{i}", f"Labo {i}", f"recherche {topic}") for i, topic in enumerate(TOPICS)]
    import_rows(resources, HEADER, problems)
    import_rows(resources, HEADER, interests, kind="interest")
    run(resources)
    return resources


def run(resources: Resources, today: dt.date = TODAY) -> dict[str, Any]:
    suggest(resources, SLUG, Plan(Limits(), parse_kinds("problem-interest")), today=today)
    return show_suggestions(resources, SLUG)


def rank_of(resources: Resources, problem: str) -> int:
    pairings = show_suggestions(resources, SLUG)["pairings"]
    return next(p["rank"] for p in pairings if p["left"]["id"] == problem)


def say(resources: Resources, action: Say, problem: str = "P0", **more: Any) -> int:
    choice = Choice((rank_of(resources, problem),))
    return decide(resources, SLUG, choice, Said(action, "Ada", **more), TODAY)


def proposed(shown: dict[str, Any]) -> set[tuple[str, str]]:
    return {(p["left"]["id"], p["right"]["id"]) for p in shown["pairings"]}


def test_what_is_set_aside_does_not_come_back(filled: Resources) -> None:
    say(filled, Say.SET_ASIDE, reason="too-far", words="à deux heures de route")

    shown = run(filled)

    assert ("P0", "I0") not in proposed(shown)
    assert ("P1", "I1") in proposed(shown)
    assert "P0" in {orphan["id"] for orphan in shown["orphans"]}


def test_what_is_set_aside_comes_back_when_a_text_changed_and_says_so(filled: Resources) -> None:
    say(filled, Say.SET_ASIDE, reason="off-topic")
    import_rows(filled, HEADER, [("P0", "Asso 0", f"besoin {TOPICS[0]} garage")])

    shown = run(filled)

    back = next(p for p in shown["pairings"] if p["left"]["id"] == "P0")
    assert back["state"]["action"] == "set-aside"
    assert back["state"]["text_changed"]


def test_decisions_outlive_another_model(filled: Resources, open_more: OpenResources) -> None:
    say(filled, Say.SET_ASIDE, reason="off-topic")
    say(filled, Say.ACCEPT, "P1")

    shown = run(open_more(WordEncoder("words-2")))

    assert ("P0", "I0") not in proposed(shown)
    assert [(a["left"]["id"], a["right"]["id"]) for a in shown["accepted"]] == [("P1", "I1")]


def test_what_is_accepted_is_shown_with_who_accepted_it(filled: Resources) -> None:
    say(filled, Say.ACCEPT, words="ils se voient mardi")

    shown = run(filled)

    pairing = next(p for p in shown["pairings"] if p["left"]["id"] == "P0")
    assert (pairing["state"]["action"], pairing["state"]["by"]) == ("accept", "Ada")
    assert not pairing["state"]["text_changed"]
    assert shown["accepted"][0]["state"]["words"] == "ils se voient mardi"


def test_what_is_put_off_comes_back_on_its_day(filled: Resources) -> None:
    until = TODAY + dt.timedelta(days=30)
    say(filled, Say.POSTPONE, until=until)

    assert ("P0", "I0") not in proposed(run(filled, until - dt.timedelta(days=1)))
    assert ("P0", "I0") in proposed(run(filled, until))


def test_those_in_contact_are_not_introduced_again(filled: Resources) -> None:
    import_rows(filled, HEADER, [("I9", "Labo 0", f"enquête {TOPICS[0]}")], kind="interest")
    run(filled)
    pairings = show_suggestions(filled, SLUG)["pairings"]
    ranks = [p["rank"] for p in pairings if {p["left"]["id"], p["right"]["id"]} == {"P0", "I0"}]
    decide(filled, SLUG, Choice(tuple(ranks)), Said(Say.IN_CONTACT, "Ada"), TODAY)

    shown = run(filled)

    assert ("P0", "I0") not in proposed(shown)
    other = next(p for p in shown["pairings"] if p["right"]["id"] == "I9")
    assert other["bars"]["novelty"] == 0


def test_one_decision_on_many_is_undone_whole(filled: Resources) -> None:
    choice = Choice(filter=Filter(kinds=(Kind.INTEREST, Kind.PROBLEM), least={"meaning": 0.5}))
    decide(filled, SLUG, choice, Said(Say.SET_ASIDE, "Ada", "not-now"), TODAY)
    assert proposed(run(filled)) == set()

    undo_decision(filled, SLUG, by="Ada")

    assert len(proposed(run(filled))) == 3
    listed = show_decisions(filled, SLUG)["decisions"]
    assert [d["action"] for d in listed] == ["set-aside", "undo"]
    assert len(listed[0]["pairs"]) == 3
    assert listed[0]["filter"] == {"kinds": ["interest", "problem"], "least": {"meaning": 0.5}}
    assert listed[0]["undone"]


def test_an_undoing_is_undone_too(filled: Resources) -> None:
    say(filled, Say.SET_ASIDE, reason="other")
    undoing = undo_decision(filled, SLUG, by="Ada")

    undo_decision(filled, SLUG, by="Ada", number=undoing)

    assert ("P0", "I0") not in proposed(run(filled))


def test_the_last_word_holds_and_a_note_changes_nothing(filled: Resources) -> None:
    say(filled, Say.SET_ASIDE, reason="other")
    say(filled, Say.UNCERTAIN)
    say(filled, Say.NOTE, words="à revoir en janvier")

    shown = run(filled)

    pairing = next(p for p in shown["pairings"] if p["left"]["id"] == "P0")
    assert pairing["state"]["action"] == "uncertain"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (Said(Say.SET_ASIDE, "Ada"), "Dites pourquoi"),
        (Said(Say.SET_ASIDE, "Ada", "parce que"), "Dites pourquoi"),
        (Said(Say.ACCEPT, "Ada", "too-far"), "n'accompagne que ce qui est écarté"),
        (Said(Say.POSTPONE, "Ada"), "jusqu'à quelle date"),
        (Said(Say.POSTPONE, "Ada", until=TODAY), "jusqu'à quelle date"),
        (Said(Say.ACCEPT, "Ada", until=dt.date(2030, 1, 1)), "remis à plus tard"),
        (Said(Say.NOTE, "Ada", words="  "), "ajoutez --why"),
        (Said(Say.NOTE, "Ada", words="a" * 2001), "2000 caractères"),
        (Said(Say.ACCEPT, "a" * 201), "au plus 200"),
    ],
)
def test_what_says_too_little_or_too_much_is_refused(
    filled: Resources, said: Said, message: str
) -> None:
    with pytest.raises(Refused, match=message):
        decide(filled, SLUG, Choice((1,)), said, TODAY)

    assert show_decisions(filled, SLUG)["decisions"] == []


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(), "par leur rang, leur identifiant ou un filtre"),
        (Choice((1,), filter=Filter(state="accept")), "leur identifiant ou un filtre"),
        (Choice((1,), ("1-2",)), "leur identifiant ou un filtre"),
        (Choice(filter=Filter()), "laisse tout passer"),
        (Choice((99,)), "rang 99"),
        (Choice((10**30,)), "rang 10000"),
        (Choice(ids=("1-1",)), "pas de rapprochement 1-1"),
        (Choice(ids=("douze",)), "écrivez par exemple 12-34"),
        (Choice(filter=Filter(kinds=(Kind.OFFER, Kind.OFFER))), "ne répond à ce filtre"),
        (Choice((1,), run=10_000_000), "refaits depuis"),
    ],
)
def test_a_choice_of_nothing_is_refused(filled: Resources, choice: Choice, message: str) -> None:
    with pytest.raises(Refused, match=message):
        decide(filled, SLUG, choice, Said(Say.ACCEPT, "Ada"), TODAY)


def test_nothing_to_undo_is_said(filled: Resources) -> None:
    with pytest.raises(Refused, match="aucune"):
        undo_decision(filled, SLUG, by="Ada")


def test_without_a_run_there_is_nothing_to_decide(resources: Resources) -> None:
    with pytest.raises(NotFound, match="sociopoles suggest"):
        decide(resources, SLUG, Choice((1,)), Said(Say.ACCEPT, "Ada"), TODAY)
