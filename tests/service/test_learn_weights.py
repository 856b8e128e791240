"""What bars count for, learnt from decisions: shown, put in force by a person, taken back."""

import datetime as dt
from typing import Any

import pytest

from matcher.bars import Weights
from service.errors import Conflict, NotFound, Refused
from service.resources import Resources
from service.store.decisions import Say
from service.store.proposed import Filter
from service.workflows.decide import Choice, Said, decide, undo_decision
from service.workflows.learn_weights import (
    apply_weights,
    reset_weights,
    show_learning,
    undo_weights,
)
from service.workflows.show import show_suggestions
from tests.builders import SLUG, import_rows
from tests.conftest import OpenResources
from tests.fakes import WordEncoder
from tests.service.judged import HEADER, ends, fill, judge, run

DEFAULT = Weights().by_bar()
JUDGED = 30


@pytest.fixture
def filled(resources: Resources) -> Resources:
    fill(resources, JUDGED + 2)
    run(resources)
    return resources


@pytest.fixture
def judged(filled: Resources) -> Resources:
    judge(filled, JUDGED)
    return filled


def weigh(pairing: dict[str, Any], weights: dict[str, float]) -> float:
    total = sum(value * pairing["bars"][bar] for bar, value in weights.items())
    return total / sum(weights.values())


def test_nothing_is_learnt_before_thirty_decisions(filled: Resources) -> None:
    judge(filled, JUDGED - 1)

    shown = show_learning(filled, SLUG)

    assert (shown["learnt"], shown["measure"], shown["changes"]) == (None, None, None)
    assert not shown["proposed"]
    assert "il y en a 29 (14 acceptés, 15 écartés, sur 29)" in shown["why_not"]
    assert shown["decisions"]["usable"] == 29
    with pytest.raises(Refused, match="au moins 30"):
        apply_weights(filled, SLUG, "Ada")


def test_what_was_learnt_is_shown_beside_the_default_with_what_would_change(
    judged: Resources,
) -> None:
    before = show_suggestions(judged, SLUG)

    shown = show_learning(judged, SLUG)

    assert show_suggestions(judged, SLUG) == before
    assert shown["default"] == shown["in_force"] == DEFAULT
    assert shown["learnt"]["sector_gap"] > DEFAULT["sector_gap"]
    assert shown["learnt"]["novelty"] < DEFAULT["novelty"]
    assert sum(shown["learnt"].values()) == pytest.approx(1, abs=0.002)
    measure = shown["measure"]
    assert (measure["accepted"], measure["set_aside"]) == (15, 15)
    assert (measure["default_agreement"], measure["agreement"]) == (0.5, 1)
    assert shown["proposed"]
    assert [ends(change) for change in shown["changes"]["leaving"]] == [("X", "Y")]
    assert [ends(change) for change in shown["changes"]["entering"]] == [("X", "Z")]
    assert shown["changes"]["counts"]["moving"] > 0


def test_what_was_said_to_change_is_what_changes_once_applied(judged: Resources) -> None:
    before = {p["id"]: p["rank"] for p in run(judged)["pairings"]}
    told = show_learning(judged, SLUG)

    apply_weights(judged, SLUG, "Ada", seen=told["last_decision"])
    shown = run(judged)

    after = {p["id"]: p["rank"] for p in shown["pairings"]}
    changes = told["changes"]
    assert {c["id"]: c["after"] for c in changes["entering"]} == {
        name: rank for name, rank in after.items() if name not in before
    }
    assert {c["id"] for c in changes["leaving"]} == before.keys() - after.keys()
    assert {c["id"]: (c["before"], c["after"]) for c in changes["moving"]} == {
        name: (before[name], after[name])
        for name in before.keys() & after.keys()
        if before[name] != after[name]
    }
    assert shown["weights"] == told["learnt"]
    assert all(
        p["score"] == pytest.approx(weigh(p, told["learnt"]), abs=2e-4) for p in shown["pairings"]
    )


def test_where_nothing_was_applied_a_run_weighs_by_the_default(filled: Resources) -> None:
    shown = show_suggestions(filled, SLUG)

    assert shown["weights"] == DEFAULT
    assert shown["limits"].keys() == {"proposals", "max_load", "kinds"}
    assert all(p["score"] == pytest.approx(weigh(p, DEFAULT), abs=2e-4) for p in shown["pairings"])


def test_weights_go_back_to_what_they_were_and_to_the_default(judged: Resources) -> None:
    apply_weights(judged, SLUG, "Ada")
    learnt = show_learning(judged, SLUG)["in_force"]
    with pytest.raises(Refused, match="déjà en vigueur"):
        apply_weights(judged, SLUG, "Ada")
    reset_weights(judged, SLUG, "Bo")
    assert show_learning(judged, SLUG)["in_force"] == DEFAULT

    undo_weights(judged, SLUG, "Bo")
    again = show_learning(judged, SLUG)
    undo_weights(judged, SLUG, "Bo")
    shown = show_learning(judged, SLUG)

    assert again["in_force"] == learnt != DEFAULT
    assert shown["in_force"] == DEFAULT
    history = [(row["action"], row["by"], row["undone"]) for row in shown["history"]]
    assert history == [
        ("apply", "Ada", True),
        ("reset", "Bo", True),
        ("undo", "Bo", False),
        ("undo", "Bo", False),
    ]
    assert shown["history"][0]["weights"] == learnt
    assert shown["history"][0]["decisions"] == JUDGED
    with pytest.raises(Refused, match="Rien à annuler"):
        undo_weights(judged, SLUG, "Bo")
    with pytest.raises(Refused, match="déjà en vigueur"):
        reset_weights(judged, SLUG, "Bo")


def test_weights_that_were_shown_before_others_decided_are_not_applied(judged: Resources) -> None:
    seen = show_learning(judged, SLUG)["last_decision"]
    undo_decision(judged, SLUG, by="Bo")
    judge(judged, JUDGED)

    with pytest.raises(Conflict, match="par Ada : regardez-les de nouveau") as conflict:
        apply_weights(judged, SLUG, "Ada", seen=seen)

    assert [d["action"] for d in conflict.value.changes] == ["undo", "set-aside", "accept"]
    assert show_learning(judged, SLUG)["history"] == []


def test_weights_no_better_than_the_default_are_not_proposed(filled: Resources) -> None:
    shown = show_suggestions(filled, SLUG)["pairings"]
    # Accepted and set aside by turns, whatever the bars say.
    for i, pairing in enumerate(p for p in shown if p["left"]["id"] != "X"):
        said = Said(Say.ACCEPT, "Ada") if i // 2 % 2 else Said(Say.SET_ASIDE, "Ada", "off-topic")
        decide(filled, SLUG, Choice(ids=(pairing["id"],)), said)

    learning = show_learning(filled, SLUG)

    assert learning["learnt"] is not None
    assert not learning["proposed"]
    assert "ne rangent pas mieux" in learning["why_not"]
    assert learning["changes"] is None
    with pytest.raises(Refused, match="ne rangent pas mieux"):
        apply_weights(filled, SLUG, "Ada")


def test_what_says_nothing_of_the_bars_is_left_out(filled: Resources) -> None:
    by_problem = {p["left"]["id"]: p for p in show_suggestions(filled, SLUG)["pairings"]}
    later = dt.date(2999, 1, 1)
    said = [
        Said(Say.ACCEPT, "Ada"),
        Said(Say.SET_ASIDE, "Ada", "off-topic"),
        Said(Say.SET_ASIDE, "Ada", "other"),
        Said(Say.SET_ASIDE, "Ada", "no-capacity"),
        Said(Say.SET_ASIDE, "Ada", "not-now"),
        Said(Say.SET_ASIDE, "Ada", "already-tried"),
        Said(Say.SET_ASIDE, "Ada", "too-far"),
        Said(Say.IN_CONTACT, "Ada"),
        Said(Say.POSTPONE, "Ada", until=later),
        Said(Say.UNCERTAIN, "Ada"),
        Said(Say.NOTE, "Ada", words="à relire"),
    ]
    for i, one in enumerate(said):
        decide(filled, SLUG, Choice(ids=(by_problem[f"A{i}"]["id"],)), one)
    last = by_problem["X"]["rank"]
    by_filter = Choice(filter=Filter(ranks=(last, last)))
    decide(filled, SLUG, by_filter, Said(Say.ACCEPT, "Ada"))

    decisions = show_learning(filled, SLUG)["decisions"]

    assert (decisions["usable"], decisions["accepted"], decisions["set_aside"]) == (3, 1, 2)
    assert decisions["left_out"] == {
        "no_verdict": 3,
        "circumstance": 4,
        "by_filter": 1,
        "other_model": 0,
    }


def test_what_was_undone_or_said_otherwise_since_is_not_learnt_from(filled: Resources) -> None:
    pairing = show_suggestions(filled, SLUG)["pairings"][0]
    choice = Choice(ids=(pairing["id"],))
    decide(filled, SLUG, choice, Said(Say.ACCEPT, "Ada"))
    decide(filled, SLUG, choice, Said(Say.SET_ASIDE, "Bo", "other"))
    assert show_learning(filled, SLUG)["decisions"]["set_aside"] == 1

    undo_decision(filled, SLUG, by="Bo")
    assert show_learning(filled, SLUG)["decisions"]["accepted"] == 1

    decide(filled, SLUG, choice, Said(Say.UNCERTAIN, "Ada"))
    assert show_learning(filled, SLUG)["decisions"]["usable"] == 0


def test_bars_count_as_they_were_read_whatever_the_text_becomes(judged: Resources) -> None:
    before = show_learning(judged, SLUG)["measure"]
    import_rows(judged, HEADER, [("A0", "Asso 0", "tout autre chose", "006000")])

    run(judged)

    assert show_learning(judged, SLUG)["measure"] == before


@pytest.mark.usefixtures("judged")
def test_what_was_read_with_another_model_is_left_out(open_more: OpenResources) -> None:
    shown = show_learning(open_more(WordEncoder("words-2")), SLUG)

    assert shown["decisions"]["usable"] == 0
    assert shown["decisions"]["left_out"]["other_model"] == JUDGED


def test_what_is_unknown_or_too_long_is_refused(resources: Resources) -> None:
    for ask in (
        lambda: show_learning(resources, "nulle-part"),
        lambda: apply_weights(resources, "nulle-part", "Ada"),
        lambda: reset_weights(resources, "nulle-part", "Ada"),
        lambda: undo_weights(resources, "nulle-part", "Ada"),
    ):
        with pytest.raises(NotFound, match="nulle-part"):
            ask()
    with pytest.raises(Refused, match="200 caractères"):
        reset_weights(resources, SLUG, "a" * 201)
