"""A long text is read to its end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.passages import PASSAGE_WORDS, cut_passages, encode_long
from tests.fakes import WordEncoder

END = "Enfin, il nous faut un luthier."


def long_text(end: str = "") -> str:
    return "Le toit fuit encore cette année. " * 60 + end


def test_a_short_text_is_one_passage() -> None:
    assert cut_passages("Le toit fuit. Que faire ?") == ["Le toit fuit. Que faire ?"]


def test_passages_are_whole_sentences_within_the_limit() -> None:
    passages = cut_passages(long_text(END))

    assert len(passages) == 3
    assert all(len(passage.split()) <= PASSAGE_WORDS for passage in passages)
    assert all(passage.endswith(".") for passage in passages)


@given(st.text(max_size=400))
def test_no_word_is_lost_and_none_is_added(text: str) -> None:
    together = " ".join(cut_passages(text, words=5)).split()

    assert together == text.split()


def test_what_stands_at_the_end_of_a_long_text_counts() -> None:
    encoder = WordEncoder()
    plain, ended = encode_long(encoder.encode_passages, [long_text(), long_text(END)])
    [asked] = encoder.encode_queries(["luthier"])

    assert asked @ ended > asked @ plain
    assert np.linalg.norm([plain, ended], axis=1) == pytest.approx(1)


def test_short_texts_are_embedded_as_they_are() -> None:
    encoder = WordEncoder()
    texts = ["vélo", "", "jardin"]
    heard: list[tuple[int, int]] = []

    rows = encode_long(
        encoder.encode_passages, texts, lambda *counts: heard.append(counts), at_once=2
    )

    assert np.array_equal(rows, encoder.encode_passages(texts))
    assert heard == [(2, 3), (3, 3)]
    assert encode_long(encoder.encode_passages, []).shape == (0, encoder.dim)
