"""What people say is tied to what the field calls it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.lexicon.lexicon import Bridge, Entry, Lexicon, read_lexicon
from matcher.lexicon.proposals import propose_entries
from tests.fakes import WordEncoder

TAKE_UP = Entry(
    ("non-recours aux droits",), ("les gens ne demandent pas leurs aides",), "benefit non-take-up"
)
ENERGY = Entry(
    ("précarité énergétique", "vulnérabilité énergétique"),
    ("se chauffer coûte trop cher", "factures de chauffage impayables"),
)
LEXICON = Lexicon([TAKE_UP, ENERGY])


def test_a_phrase_is_found_whatever_its_inflexion_and_the_words_between() -> None:
    [found] = LEXICON.find("Beaucoup de gens qui demandent rarement les aides.")

    assert (found.entry, found.is_term) == (0, False)
    assert found.written == "gens qui demandent rarement les aides"


def test_a_term_wins_over_a_phrase_of_its_entry() -> None:
    text = "Se chauffer coûte trop cher : c'est la précarité énergétique."

    [found] = LEXICON.find(text)

    assert found.is_term
    assert found.written == "précarité énergétique"


def test_words_far_apart_are_not_a_phrase() -> None:
    text = "Les gens viennent au marché. " + "Un mot encore différent passe ici. " * 3

    assert LEXICON.find(text + "Ils demandent des aides.") == []


def test_a_question_is_completed_by_terms_for_phrases_and_phrases_for_terms() -> None:
    said = LEXICON.expansions("chez nous les gens ne demandent pas leurs aides")
    scholarly = LEXICON.expansions("Vulnérabilité énergétique des ménages")

    assert said == ["non-recours aux droits", "benefit non-take-up"]
    assert scholarly == list(ENERGY.say)
    assert LEXICON.expansions("un jardin") == []


@pytest.mark.parametrize("turned", [False, True])
def test_two_texts_are_bridged_where_one_says_and_the_other_names(*, turned: bool) -> None:
    texts = ("Se chauffer nous coûte bien trop cher", "Mesure de la précarité énergétique")

    bridges = LEXICON.bridges(*(reversed(texts) if turned else texts))

    assert bridges == [Bridge("chauffer nous coûte bien trop cher", "précarité énergétique")]


def test_two_texts_that_speak_alike_need_no_bridge() -> None:
    text = "Se chauffer coûte trop cher"

    assert LEXICON.bridges(text, text) == []


@given(st.text(max_size=200))
def test_any_text_may_be_looked_through(text: str) -> None:
    assert all(0 <= found.entry < len(LEXICON) for found in LEXICON.find(text))


def test_a_file_names_the_line_of_an_entry_that_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.csv"
    path.write_text("say;term;english;discipline\nun mot;;;\n", "utf-8")

    with pytest.raises(ValueError, match="line 2"):
        read_lexicon(path)


def test_a_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.csv"
    path.write_text("a;b\n1;2\n", "utf-8")

    with pytest.raises(ValueError, match="columns"):
        read_lexicon(path)


def test_a_pairing_proposes_forms_cut_out_of_its_texts() -> None:
    everyday = "Les murs humides de l'école, et rien ne sèche."
    scholarly = "Transferts hygrothermiques des parois humides."

    proposals = propose_entries(everyday, scholarly, WordEncoder(), limit=2)

    for proposal in proposals:
        assert proposal.said in everyday
        assert proposal.term in scholarly


def test_a_known_term_is_not_proposed_again() -> None:
    proposals = propose_entries(
        "vélo école jardin", "vélo route", WordEncoder(), known={"vélo route"}
    )

    assert proposals == []
