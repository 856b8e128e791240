"""Key terms and titles, in the words of the texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.encoder import Vectors
from matcher.titles import find_terms, name_groups
from tests.fakes import WordEncoder

ENCODER = WordEncoder()


def terms_of(*groups: list[str]) -> list[list[str]]:
    return find_terms(groups, centres(*groups), ENCODER)


def centres(*groups: list[str]) -> Vectors:
    return ENCODER.encode_passages([" ".join(texts) for texts in groups])


def test_terms_tell_a_group_from_the_others() -> None:
    found = terms_of(
        ["Le garage à vélos du quartier", "Un garage à vélos, dans le quartier"],
        ["La moisissure du quartier", "De la moisissure aux murs"],
    )

    assert found[0][0] == "garage à vélos"
    assert found[1][0] == "moisissure"


def test_terms_are_shown_as_they_are_written() -> None:
    found = terms_of(
        ["Les aînés isolés", "des aînés isolés", "Aînés isolés"], ["la piscine", "ma piscine"]
    )

    assert found[0][0] == "aînés isolés"


def test_a_word_tied_by_a_hyphen_is_whole() -> None:
    found = terms_of(["Un rendez-vous manqué", "mon rendez-vous"], ["la piscine", "ma piscine"])

    assert found[0][0].startswith("rendez-vous")
    assert not any(term.startswith("vous") for term in found[0])


@pytest.mark.parametrize(
    ("texts", "term"),
    [
        (["Pas de CAF ici", "La CAF ne répond pas"], "CAF"),
        (["MOISISSURE PARTOUT", "moisissure au mur"], "moisissure"),
    ],
)
def test_acronyms_keep_their_capitals_and_shouting_does_not(texts: list[str], term: str) -> None:
    assert term in terms_of(texts, ["la piscine", "ma piscine"])[0]


def test_a_group_of_one_text_has_terms() -> None:
    assert terms_of(["Moisissure au mur"])[0]


def test_no_group_no_terms() -> None:
    assert find_terms([], centres(), ENCODER) == []


@given(
    terms=st.lists(st.lists(st.sampled_from(["eau", "Eau", "bus", "mur"]), max_size=4), max_size=8)
)
def test_no_two_groups_have_the_same_title(terms: list[list[str]]) -> None:
    titles = name_groups(terms, ["Le car ne passe plus"] * len(terms))

    assert len({title.casefold() for title in titles}) == len(terms)
    assert all(titles)
