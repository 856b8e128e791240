"""Rows whose dot product is the likeness of two texts."""

import numpy as np
import pytest

from matcher import likeness
from matcher.likeness import compare_all, liken, without_common_part
from tests.fakes import WordEncoder

TEXTS = [
    "vélo piste cyclable école",
    "vélo antivol piste cyclable",
    "compost jardin déchets quartier",
    "compost légumes jardin partagé",
    "football entraîneur bénévole",
]


def test_texts_that_share_words_are_the_most_alike() -> None:
    rows, _ = liken(TEXTS, WordEncoder().encode_passages(TEXTS))

    near = rows.likeness(rows)
    np.fill_diagonal(near, -1)

    assert near.argmax(axis=1)[:4].tolist() == [1, 0, 3, 2]


def test_a_text_is_wholly_like_itself() -> None:
    rows, _ = liken(TEXTS, WordEncoder().encode_passages(TEXTS))

    assert rows.own() == pytest.approx(np.ones(5), abs=1e-5)
    assert np.diag(rows.likeness(rows)) == pytest.approx(rows.own(), abs=1e-5)


def test_the_likeness_of_two_means_is_the_average_of_their_members() -> None:
    rows, _ = liken(TEXTS, WordEncoder().encode_passages(TEXTS))
    near = rows.likeness(rows)

    means = rows.means(np.array([0, 0, 1, 1, -1]), 2)

    assert means.likeness(means)[0, 1] == pytest.approx(near[:2, 2:4].mean(), abs=1e-5)


def test_what_all_texts_have_in_common_brings_no_two_together() -> None:
    texts = [f"territoire jeunes {word}" for word in ("vélo", "compost", "chorale", "loyer", "eau")]
    vectors = WordEncoder().encode_passages(texts * 4)

    centred = without_common_part(vectors)

    assert (vectors @ vectors.T)[0, 1] > 0.5
    assert (centred @ centred.T)[0, 1] < 0.2


def test_many_texts_are_likened_through_their_nearest_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vectors = WordEncoder().encode_passages(TEXTS)
    all_rows, _ = liken(TEXTS, vectors)

    monkeypatch.setattr(likeness, "ALL_COMPARED", 2)
    some_rows, _ = liken(TEXTS, vectors)

    assert some_rows.likeness(some_rows) == pytest.approx(all_rows.likeness(all_rows), abs=1e-5)


def test_the_nearest_leave_the_text_itself_out() -> None:
    vectors = WordEncoder().encode_passages([TEXTS[0]] * 3)

    near = compare_all(vectors, 5)

    assert near.ids.tolist() == [[1, 2], [0, 2], [0, 1]]
