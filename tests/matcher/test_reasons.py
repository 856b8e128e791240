"""Reasons are copied from the two texts, never written."""

import numpy as np

from matcher.lexicon.lexicon import Bridge, Entry, Lexicon
from matcher.reasons import (
    LONGEST_SENTENCE,
    answering_sentence,
    encode_sentences,
    find_reasons,
    show_sentence,
    still_says,
)
from tests.fakes import WordEncoder

LEFT = (
    "Nous sommes une petite équipe de bénévoles. "
    "Les murs des chambres moisissent depuis les travaux. Merci de votre aide."
)
RIGHT = (
    "Our laboratory was founded in 1998. "
    "Nous étudions pourquoi les murs moisissent après isolation. Contact par courriel."
)


def test_the_two_sentences_that_meet_are_those_of_the_texts() -> None:
    [reason] = find_reasons([(LEFT, RIGHT)], WordEncoder())

    assert reason.left_sentence == "Les murs des chambres moisissent depuis les travaux."
    assert reason.right_sentence == "Nous étudions pourquoi les murs moisissent après isolation."
    assert reason.left_sentence in LEFT
    assert reason.right_sentence in RIGHT


def test_shared_terms_come_from_the_whole_texts() -> None:
    [reason] = find_reasons([("Le vélo à l'école.", "Aller à l'École en VÉLO.")], WordEncoder())

    assert reason.shared_terms == ("vélo", "école")


def test_a_reason_for_each_pair_in_its_order() -> None:
    encoder = WordEncoder()

    reasons = find_reasons([(LEFT, RIGHT), (RIGHT, LEFT)], encoder)

    assert reasons[0].left_sentence == reasons[1].right_sentence
    assert len(encoder.embedded) == len(set(encoder.embedded))
    assert find_reasons([], encoder) == []


def test_a_sentence_without_end_is_cut_where_it_is_shown() -> None:
    endless = "mot " * 300

    [reason] = find_reasons([(endless, "mot")], WordEncoder())

    assert len(reason.left_sentence) <= LONGEST_SENTENCE + 2
    assert reason.left_sentence.endswith("mot …")


def test_the_sentence_that_answers_is_the_nearest_to_the_question() -> None:
    encoder = WordEncoder()
    [asked] = encoder.encode_queries(["murs qui moisissent"])

    rows = encode_sentences([LEFT, RIGHT], encoder)

    numbers = [answering_sentence(asked, of_text) for of_text in rows]
    assert [show_sentence(*of) for of in zip((LEFT, RIGHT), numbers, strict=True)] == [
        "Les murs des chambres moisissent depuis les travaux.",
        "Nous étudions pourquoi les murs moisissent après isolation.",
    ]
    assert encode_sentences([], encoder) == []
    assert show_sentence("Un. Deux mots suffisent.", 9) == "Un. Deux mots suffisent."


def test_an_empty_text_has_a_reason_all_the_same() -> None:
    [reason] = find_reasons([("", "à la")], WordEncoder())

    assert (reason.left_sentence, reason.right_sentence) == ("", "à la")
    assert np.isfinite(WordEncoder().encode_passages([""])).all()


def test_a_term_is_said_otherwise_by_the_words_that_the_other_text_means() -> None:
    lexicon = Lexicon([Entry(("pathologie du bâti",), ("murs humides école", "toit percé ville"))])
    pair = ("Notre école humide inquiète.", "Étude de pathologie du bâti ancien.")

    [onward], [back] = (
        find_reasons([texts], WordEncoder(), lexicon) for texts in (pair, pair[::-1])
    )

    assert onward.bridges == back.bridges == (Bridge("murs humides école", "pathologie du bâti"),)


def test_a_term_that_the_other_text_does_not_mean_is_not_said_otherwise() -> None:
    lexicon = Lexicon([Entry(("pathologie du bâti",), ("murs humides",))])
    pair = ("Nos vélos grincent.", "Étude de pathologie du bâti ancien.")

    [reason] = find_reasons([pair], WordEncoder(), lexicon)

    assert reason.bridges == ()


def test_a_known_sentence_is_not_embedded_again() -> None:
    encoder = WordEncoder()
    texts = ("vélo école", "école jardin")
    known = dict(zip(texts, WordEncoder().encode_passages(texts), strict=True))

    [reason] = find_reasons([texts], encoder, known=known)

    assert encoder.embedded == []
    assert (reason.left_sentence, reason.right_sentence) == texts


def test_a_text_still_says_what_stands_in_it_however_long_or_spaced() -> None:
    endless = "mot " * LONGEST_SENTENCE
    [reason] = find_reasons([(endless, "mot")], WordEncoder())

    assert still_says(endless, reason.left_sentence)
    assert not still_says("mot " * 3, reason.left_sentence)
    assert still_says("Le vélo\nà l'école.", "Le vélo à l'école.")
    assert not still_says("Le vélo à l'école", "Le vélo à l'école.")
