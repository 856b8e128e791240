"""Each sociopôle adds to the lexicon, switches entries off, and keeps what a pairing suggests."""

import pytest

from matcher.assignment import Limits
from service.database import read, write
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.sociopoles import add_sociopole, get_sociopole
from service.workflows.answer import Query, answer
from service.workflows.lexicon import (
    add_entry,
    find_entries,
    lexicon_of,
    propose_from_pairing,
    show_lexicon,
    switch_entry,
)
from service.workflows.show import show_suggestions
from service.workflows.suggest import Plan, parse_kinds, suggest
from tests.builders import SLUG, import_texts

OTHER = "lyon"
TERM = "non-recours aux droits"
SAID = "les gens ne demandent pas leurs aides"


@pytest.fixture
def two(resources: Resources) -> Resources:
    """A second sociopôle beside the first."""
    with write(resources.engine) as session:
        add_sociopole(session, slug=OTHER, name="Lyon", territory_id="metropole:200046977")
    return resources


def used(resources: Resources, slug: str, text: str) -> list[str]:
    """What a question is completed by in a sociopôle."""
    with read(resources.engine) as session:
        return lexicon_of(resources, session, get_sociopole(session, slug).id).expansions(text)


def test_the_bundled_entries_are_used_everywhere(two: Resources) -> None:
    assert TERM in used(two, SLUG, SAID)
    assert TERM in used(two, OTHER, SAID)


def test_an_entry_switched_off_is_off_in_that_sociopole_alone_until_switched_on(
    two: Resources,
) -> None:
    switch_entry(two, SLUG, TERM.upper(), on=False)

    assert TERM not in used(two, SLUG, SAID)
    assert TERM in used(two, OTHER, SAID)

    switch_entry(two, SLUG, TERM, on=True)

    assert TERM in used(two, SLUG, SAID)


def test_an_own_entry_is_used_in_its_sociopole_alone(two: Resources) -> None:
    add_entry(two, SLUG, terms=["biodéchets"], say=["les seaux du kiosque"])

    assert used(two, SLUG, "On vide les seaux du kiosque") == ["biodéchets"]
    assert used(two, OTHER, "On vide les seaux du kiosque") == []
    assert show_lexicon(two, SLUG)["own"] == [
        {"terms": ["biodéchets"], "say": ["les seaux du kiosque"], "state": "on"}
    ]


def test_own_phrases_join_those_of_a_bundled_entry(two: Resources) -> None:
    add_entry(two, SLUG, terms=[TERM], say=["ils laissent tomber la paperasse verte"])

    assert TERM in used(two, SLUG, "ils laissent tomber la paperasse verte")
    assert TERM in used(two, SLUG, SAID)


def test_adding_again_keeps_what_was_there(resources: Resources) -> None:
    add_entry(resources, SLUG, terms=["biodéchets"], say=["les seaux"])
    add_entry(resources, SLUG, terms=["Biodéchets"], say=["les seaux", "le compost du coin"])

    [entry] = show_lexicon(resources, SLUG)["own"]

    assert entry["say"] == ["les seaux", "le compost du coin"]


@pytest.mark.parametrize(
    ("terms", "say"),
    [([" "], ["dire"]), (["terme"], []), (["mot " * 60], ["dire"]), (["ΐ" * 119], ["dire"])],
)
def test_an_entry_that_says_nothing_or_everything_is_refused(
    resources: Resources, terms: list[str], say: list[str]
) -> None:
    with pytest.raises(Refused):
        add_entry(resources, SLUG, terms=terms, say=say)

    assert show_lexicon(resources, SLUG)["own"] == []


def test_switching_what_does_not_exist_says_where_to_look(resources: Resources) -> None:
    with pytest.raises(NotFound, match="lexicon list"):
        switch_entry(resources, SLUG, "rien de tel", on=False)


def test_a_sociopole_that_is_not_there_is_not_found(resources: Resources) -> None:
    with pytest.raises(NotFound):
        show_lexicon(resources, "nulle-part")


def test_a_search_uses_the_words_of_its_sociopole(resources: Resources) -> None:
    import_texts(resources, "collecte des biodéchets", "murs humides de la salle")
    scores = []
    for add in (False, True):
        if add:
            add_entry(resources, SLUG, terms=["biodéchets"], say=["seaux du kiosque"])
        found = answer(resources, Query("les seaux du kiosque", sociopole=SLUG))
        scores.append({each.view.statement.text: each.score for each in found})

    assert scores[1]["collecte des biodéchets"] > scores[0]["collecte des biodéchets"]
    assert scores[1]["murs humides de la salle"] == scores[0]["murs humides de la salle"]


def test_bundled_entries_are_found_by_a_part_of_a_term_or_by_a_sentence(
    resources: Resources,
) -> None:
    by_part, by_sentence = (find_entries(resources, text) for text in ("non-recours", SAID))

    for found in (by_part, by_sentence):
        assert TERM in [entry["terms"][0] for entry in found["entries"]]


def test_an_accepted_pairing_proposes_entries_that_wait_for_a_person(
    resources: Resources,
) -> None:
    import_texts(resources, "nos vélos grincent, école loin du village")
    import_texts(resources, "mobilités actives, vélos et école", kind="interest")
    suggest(resources, SLUG, Plan(Limits(), parse_kinds("problem-interest")))

    proposed = propose_from_pairing(resources, SLUG, 1)["proposed"]

    states = {entry["state"] for entry in show_lexicon(resources, SLUG)["own"]}
    assert len(show_lexicon(resources, SLUG)["own"]) == len(proposed)
    assert states <= {"proposed"}
    for entry in proposed:
        assert entry["term"] not in used(resources, SLUG, entry["said"])


def test_a_pairing_that_is_not_there_proposes_nothing(resources: Resources) -> None:
    with pytest.raises(NotFound, match="rapprochement 7"):
        propose_from_pairing(resources, SLUG, 7)


def test_two_problems_propose_nothing(resources: Resources) -> None:
    import_texts(resources, "murs humides salle", "murs humides salle fêtes")
    suggest(resources, SLUG, Plan(Limits(), parse_kinds("problem-problem")))

    with pytest.raises(Refused, match="intérêt de recherche"):
        propose_from_pairing(resources, SLUG, 1)


def test_reasons_say_otherwise_what_the_lexicon_bridges(resources: Resources) -> None:
    import_texts(resources, f"Dans ce village {SAID}, vélo école jardin commune")
    import_texts(resources, f"{TERM}, vélo école jardin commune village", kind="interest")

    suggest(resources, SLUG, Plan(Limits(), parse_kinds("problem-interest")))

    [pairing] = show_suggestions(resources, SLUG)["pairings"]
    assert pairing["reasons"][0]["said_otherwise"] == [
        {"said": "gens ne demandent pas leurs aides", "term": TERM}
    ]
