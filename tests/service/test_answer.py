"""A question in words is answered by statements, each with its sentence."""

from typing import Any

import pytest

from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.scope import PUBLISHED, WHOLE, Scope
from service.workflows.answer import LONGEST_QUERY, MOST_ANSWERS, Query, answer
from service.workflows.set_up import create_sociopole
from service.workflows.show import show_answers
from tests.builders import SLUG, import_rows, import_texts

HEADER = ("id", "text", "sector")


@pytest.fixture
def filled(resources: Resources) -> Resources:
    """Vélos of several sectors here, and one elsewhere."""
    create_sociopole(resources, slug="lyon", name="Lyon", territory="69123")
    import_rows(
        resources,
        HEADER,
        [("p1", "vélos au club", "011075"), ("p2", "vélos du sport", "011000")],
    )
    import_rows(resources, HEADER, [("i1", "recherche vélos", "030012")], kind="interest")
    import_rows(resources, HEADER, [("l1", "vélos lyonnais", "011075")], sociopole="lyon")
    return resources


def ids(resources: Resources, text: str = "vélos", **options: Any) -> set[str]:
    return {found.view.public_id for found in answer(resources, Query(text, **options))}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"p1", "p2", "i1", "l1"}),
        ({"sociopole": SLUG}, {"p1", "p2", "i1"}),
        ({"sociopole": "lyon"}, {"l1"}),
        ({"kinds": ["interest"]}, {"i1"}),
        ({"kinds": ["interest", "problem"], "sociopole": SLUG}, {"p1", "p2", "i1"}),
        ({"kinds": ["course"]}, set()),
        ({"sector": "011075"}, {"p1", "l1"}),
        ({"sector": "011000"}, {"p1", "p2", "l1"}),
        ({"sector": "football (foot, soccer)"}, {"p1", "l1"}),
        ({"sector": "030012", "sociopole": "lyon"}, set()),
    ],
)
def test_a_filter_holds_on_every_answer(
    filled: Resources, options: dict[str, Any], expected: set[str]
) -> None:
    if "football" in str(options.get("sector", "")):
        options = options | {"sector": filled.sectors.label("011075")}

    assert ids(filled, **options) == expected


@pytest.mark.parametrize(("scope", "decimals"), [(WHOLE, 5), (Scope(full=None), 5), (PUBLISHED, 1)])
def test_who_does_not_read_every_text_is_told_a_rounded_score(
    resources: Resources, scope: Scope, decimals: int
) -> None:
    words = "vélos au club du quartier, le soir".split()
    rows = [(str(n), " ".join(words[: n + 1]), "oui") for n in range(len(words))]
    import_rows(resources, ("id", "text", "consent"), rows)

    found = answer(resources.seen_by(scope), Query("vélos club quartier"))

    shown = [one["score"] for one in show_answers(found)["answers"]]
    assert shown == [round(one.score, decimals) for one in found]
    assert max(one.score for one in found) != round(max(one.score for one in found), 1)


def test_the_best_answer_comes_first_with_its_sentence(resources: Resources) -> None:
    long = "Nous sommes bénévoles. Les murs des chambres moisissent. Merci."
    import_texts(resources, "pas de vélos", long, "jardin partagé")

    first = answer(resources, Query("murs qui moisissent"))[0]

    assert first.view.public_id == "2"
    assert first.sentence == "Les murs des chambres moisissent."
    assert first.sentence in long


def test_scores_fall_and_the_same_question_has_the_same_answers(filled: Resources) -> None:
    once, again = answer(filled, Query("vélos club")), answer(filled, Query("vélos club"))

    scores = [found.score for found in once]
    assert scores == sorted(scores, reverse=True)
    assert once == again


def test_at_most_k_answers(filled: Resources) -> None:
    assert len(answer(filled, Query("vélos", k=2))) == 2


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_an_empty_question_is_refused(resources: Resources, text: str) -> None:
    with pytest.raises(Refused, match="vide"):
        answer(resources, Query(text))


def test_a_question_too_long_is_refused_and_a_whole_abstract_is_not(filled: Resources) -> None:
    with pytest.raises(Refused, match=str(LONGEST_QUERY)):
        answer(filled, Query("v" * (LONGEST_QUERY + 1)))

    assert answer(filled, Query("vélos " * (LONGEST_QUERY // 6)))


@pytest.mark.parametrize("k", [0, -1, MOST_ANSWERS + 1])
def test_a_number_of_answers_that_makes_no_sense_is_refused(resources: Resources, k: int) -> None:
    with pytest.raises(Refused, match=str(MOST_ANSWERS)):
        answer(resources, Query("vélos", k=k))


def test_a_sector_that_is_none_is_refused(resources: Resources) -> None:
    with pytest.raises(Refused, match="xylophage"):
        answer(resources, Query("vélos", sector="xylophage abscons"))


def test_an_unknown_sociopole_is_not_found(resources: Resources) -> None:
    with pytest.raises(NotFound, match="atlantide"):
        answer(resources, Query("vélos", sociopole="atlantide"))


@pytest.mark.parametrize("text", ["de la", "?!", "* AND (", '"', "a:b", "é" * 500])
def test_a_question_of_no_words_or_of_signs_is_answered_without_a_fault(
    filled: Resources, text: str
) -> None:
    assert len(answer(filled, Query(text))) <= 10


def test_an_empty_database_has_no_answers(resources: Resources) -> None:
    assert answer(resources, Query("vélos")) == []
    assert answer(resources, Query("vélos", sociopole=SLUG, kinds=["offer"])) == []
