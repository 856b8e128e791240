"""Decisions on what moved on since it was looked at: told, never written over."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from matcher.assignment import Limits
from service.errors import Conflict, NotFound, Refused
from service.resources import Resources
from service.store.decisions import Say
from service.store.proposed import Filter
from service.workflows.decide import Choice, Said, decide, show_decisions, undo_decision
from service.workflows.list_pairings import list_pairings
from service.workflows.suggest import Plan, parse_kinds, suggest
from tests.builders import SLUG, import_rows

HEADER = ("id", "organisation", "text")
TOPICS = ("vélo piste cyclable école", "moisissure logement humidité mur")
REVIEWERS = 20


@pytest.fixture
def filled(resources: Resources) -> Resources:
    problems = [(f"P{i}", f"Asso {i}", f"besoin {topic}") for i, topic in enumerate(TOPICS)]
    interests = [(f"I{i}", f"Labo {i}", f"recherche {topic}") for i, topic in enumerate(TOPICS)]
    import_rows(resources, HEADER, problems)
    import_rows(resources, HEADER, interests, kind="interest")
    suggest(resources, SLUG, Plan(Limits(), parse_kinds("problem-interest")))
    return resources


def looked_at(resources: Resources) -> dict[str, int]:
    return {p["id"]: p["version"] for p in list_pairings(resources, SLUG)["pairings"]}


def test_the_version_of_a_pairing_is_the_last_decision_about_it(filled: Resources) -> None:
    first, second = looked_at(filled)
    assert looked_at(filled) == {first: 0, second: 0}

    accepting = decide(filled, SLUG, Choice(ids=(first,)), Said(Say.ACCEPT, "Ada"))
    noting = decide(filled, SLUG, Choice(ids=(second,)), Said(Say.NOTE, "Bo", words="à voir"))
    assert looked_at(filled) == {first: accepting, second: noting}

    undoing = undo_decision(filled, SLUG, by="Ada", number=accepting)
    assert looked_at(filled) == {first: undoing, second: noting}


def test_a_decision_on_what_was_looked_at_is_kept(filled: Resources) -> None:
    first, second = versions = looked_at(filled)
    said = Said(Say.ACCEPT, "Ada")
    number = decide(filled, SLUG, Choice(ids=(first,)), said, expected=versions)

    decide(filled, SLUG, Choice(ids=(first,)), said, expected={first: number, second: 0})

    assert len(show_decisions(filled, SLUG)["decisions"]) == 2


def test_a_decision_on_what_moved_on_says_who_did_what_and_changes_nothing(
    filled: Resources,
) -> None:
    first, _ = versions = looked_at(filled)
    far = Said(Say.SET_ASIDE, "Bo", "too-far", "une heure de car")
    decide(filled, SLUG, Choice(ids=(first,)), far)
    before = show_decisions(filled, SLUG)["decisions"]

    with pytest.raises(Conflict) as conflict:
        decide(filled, SLUG, Choice(ids=(first,)), Said(Say.ACCEPT, "Ada"), expected=versions)

    message = str(conflict.value)
    names = {(p["left"]["id"], p["right"]["id"]) for p in list_pairings(filled, SLUG)["pairings"]}
    assert any(f"{left} – {right}, Bo l’a écarté (trop loin)" in message for left, right in names)
    assert "(une heure de car) le " in message
    assert conflict.value.changes == before == show_decisions(filled, SLUG)["decisions"]


def test_all_that_was_decided_since_is_told_and_nothing_from_before(filled: Resources) -> None:
    first, _ = looked_at(filled)
    choice = Choice(ids=(first,))
    decide(filled, SLUG, choice, Said(Say.UNCERTAIN, "Ada"))
    versions = looked_at(filled)
    for action in (Say.ACCEPT, Say.UNCERTAIN, Say.IN_CONTACT):
        decide(filled, SLUG, choice, Said(action, "Bo"))
    undo_decision(filled, SLUG, by="Cy")

    with pytest.raises(Conflict, match="Cy a annulé") as conflict:
        decide(filled, SLUG, choice, Said(Say.ACCEPT, "Ada"), expected=versions)

    since = [(d["by"], d["action"]) for d in conflict.value.changes]
    assert since == [("Bo", "accept"), ("Bo", "uncertain"), ("Bo", "in-contact"), ("Cy", "undo")]
    assert "3 autres décisions avant celle-là" in str(conflict.value)


def test_what_others_decided_of_other_pairings_is_no_conflict(filled: Resources) -> None:
    first, second = looked_at(filled)
    decide(filled, SLUG, Choice(ids=(second,)), Said(Say.ACCEPT, "Bo"))

    decide(filled, SLUG, Choice(ids=(first,)), Said(Say.ACCEPT, "Ada"), expected={first: 0})

    assert len(show_decisions(filled, SLUG)["decisions"]) == 2


def test_a_decision_by_filter_heeds_what_moved_out_of_the_filter(filled: Resources) -> None:
    versions = looked_at(filled)
    decide(filled, SLUG, Choice((1,)), Said(Say.ACCEPT, "Bo"))
    rest = Choice(filter=Filter(state="undecided"))

    with pytest.raises(Conflict, match="Bo l’a accepté"):
        decide(filled, SLUG, rest, Said(Say.UNCERTAIN, "Ada"), expected=versions)
    decide(filled, SLUG, rest, Said(Say.UNCERTAIN, "Ada"))

    assert [len(d["pairs"]) for d in show_decisions(filled, SLUG)["decisions"]] == [1, 1]


def test_a_version_of_what_is_no_pairing_is_refused(filled: Resources) -> None:
    with pytest.raises(NotFound, match="12-34"):
        decide(filled, SLUG, Choice((1,)), Said(Say.ACCEPT, "Ada"), expected={"un": 0})


@pytest.mark.fault("F14")
def test_of_twenty_who_decide_at_once_on_one_version_one_is_kept(filled: Resources) -> None:
    first, _ = versions = looked_at(filled)
    together = Barrier(REVIEWERS)

    def review(number: int) -> str:
        action = Say.ACCEPT if number % 2 else Say.UNCERTAIN
        together.wait(timeout=60)
        try:
            decide(
                filled, SLUG, Choice(ids=(first,)), Said(action, f"n{number}"), expected=versions
            )
        except Conflict as conflict:
            return str(len(conflict.changes))
        return "kept"

    with ThreadPoolExecutor(REVIEWERS) as threads:
        answers = Counter(threads.map(review, range(REVIEWERS)))

    assert answers == {"kept": 1, "1": REVIEWERS - 1}
    assert len(show_decisions(filled, SLUG)["decisions"]) == 1


def test_a_name_that_no_column_holds_undoes_nothing(filled: Resources) -> None:
    decide(filled, SLUG, Choice((1,)), Said(Say.ACCEPT, "Ada"))

    with pytest.raises(Refused, match="au plus 200"):
        undo_decision(filled, SLUG, by="a" * 201)

    assert not show_decisions(filled, SLUG)["decisions"][0]["undone"]
