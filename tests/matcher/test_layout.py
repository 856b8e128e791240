"""Two coordinates a text."""

import numpy as np
import pytest

from matcher import layout
from matcher.grouping import find_groups
from matcher.layout import lay_out
from tests.fakes import WordEncoder
from tests.matcher.test_grouping import texts_on


@pytest.mark.parametrize("n_topics", [0, 1, 2, 5])
def test_places_are_within_the_picture_and_the_same_each_time(n_topics: int) -> None:
    texts = texts_on(n_topics, 4)
    found = find_groups(texts, WordEncoder().encode_passages(texts))

    places, again = lay_out(found.rows, found.group), lay_out(found.rows, found.group)

    assert places.shape == (len(texts), 2)
    assert np.abs(places).max(initial=0) <= 1
    assert places.tobytes() == again.tobytes()


def test_members_lie_nearer_to_their_group_than_to_another() -> None:
    texts = texts_on(5, 4)
    found = find_groups(texts, WordEncoder().encode_passages(texts))

    places = lay_out(found.rows, found.group)

    centres = np.array([places[found.group == g].mean(axis=0) for g in range(5)])
    far = np.linalg.norm(places[:, None] - centres[None], axis=2)
    assert far.argmin(axis=1).tolist() == found.group.tolist()


def test_very_many_lone_texts_are_placed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MOST_CENTRES", 3)
    texts = texts_on(5, 1)
    found = find_groups(texts, WordEncoder().encode_passages(texts))

    assert np.abs(lay_out(found.rows, found.group)).max() == pytest.approx(1)
