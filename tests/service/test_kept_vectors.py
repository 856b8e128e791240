"""What belongs to nobody is embedded once and read back by every later process."""

import numpy as np

from service.kept_vectors import KeptEncoder
from service.resources import Resources
from tests.conftest import OpenResources
from tests.fakes import WordEncoder

LABELS = ["vélo", "jardin partagé"]


def test_a_label_is_embedded_once(resources: Resources) -> None:
    model = WordEncoder()
    encoder = KeptEncoder(resources.engine, model)

    first, again = (
        encoder.encode_passages(LABELS),
        encoder.encode_passages([*LABELS[::-1], "école"]),
    )

    assert model.embedded == [*LABELS, "école"]
    assert np.array_equal(again[:2], first[::-1])
    assert encoder.encode_passages([]).shape == (0, model.dim)


def test_the_lists_of_a_second_process_cost_no_embedding(open_more: OpenResources) -> None:
    first, second = WordEncoder(), WordEncoder()

    kept = open_more(first).background
    again = open_more(second).background

    assert first.embedded
    assert second.embedded == []
    assert again == kept


def test_another_model_does_not_read_the_vectors_of_the_first(resources: Resources) -> None:
    other = WordEncoder("words-2")
    KeptEncoder(resources.engine, WordEncoder()).encode_passages(LABELS)

    KeptEncoder(resources.engine, other).encode_passages(LABELS)

    assert other.embedded == LABELS
