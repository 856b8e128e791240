"""One question against the two indexes: meaning and words, fused."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from indexes.contract import Hit, Ids
from indexes.faiss_index import FaissIndex
from indexes.word_index import TantivyIndex
from matcher.encoder import Encoder
from matcher.fusion import fuse_answers
from matcher.words import stems

DEPTH = 100
"""How many of each ranking are considered."""


class Rankings(NamedTuple):
    """What is near in meaning, in words, and in both; ids with scores, best first."""

    meaning: list[Hit]
    words: list[Hit]
    both: list[tuple[int, float]]


class Ranker(NamedTuple):
    """What a question is asked of: `hubs` by id, and the spread of the encoder's cosines."""

    vectors: FaissIndex
    words: TantivyIndex
    encoder: Encoder
    hubs: Mapping[int, float]
    deviation: float

    def rank(self, text: str, allowed: Ids | None) -> Rankings:
        """Rank the allowed ids (all when None) for a question."""
        asked = self.encoder.encode_queries([text])
        meaning = self.vectors.search(asked, DEPTH, allowed=allowed)[0]
        words = self.words.search(" ".join(stems(text)), DEPTH, allowed=allowed)
        cosines = {hit.id: hit.score for hit in meaning}
        # What only the words found is compared in meaning too: no score is guessed.
        others = np.array([hit.id for hit in words if hit.id not in cosines], dtype=np.int64)
        for identity, row in zip(others.tolist(), self.vectors.vectors_of(others), strict=True):
            cosines[identity] = float(row @ asked[0])
        scores = {hit.id: hit.score for hit in words}
        both = fuse_answers(cosines, scores, hubs=self.hubs, deviation=self.deviation)
        return Rankings(meaning, words, both)
