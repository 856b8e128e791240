"""One question against the two indexes: meaning, words and lexicon, fused."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from indexes.contract import Hit, Ids
from indexes.faiss_index import FaissIndex
from indexes.word_index import TantivyIndex
from matcher.encoder import Encoder, Vectors
from matcher.fusion import complete_question, fuse_answers, near_in_parts
from matcher.lexicon.lexicon import Lexicon
from matcher.passages import encode_long
from matcher.words import sentences, stems

DEPTH = 100
"""How many of each ranking are considered."""
MOST_PARTS = 12
"""Sentences of a question that are looked for one by one: an abstract has fewer."""


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
    lexicon: Lexicon

    def rank(self, text: str, allowed: Ids | None, *, visible: Ids | None = None) -> Rankings:
        """Rank the `allowed` ids (all when None) for a question.

        `visible` are those the question may be completed by, allowed as answers or not: a
        researcher's question by the interests nearest to it, before problems are looked for.
        """
        parts = sentences(text)[:MOST_PARTS]
        questions = [text, *parts] if len(parts) > 1 else [text]
        rows = encode_long(self.encoder.encode_queries, questions)
        asked, sought = rows[0], rows[1:]
        words = self._in_words(text, allowed)
        alone = self.vectors.search(asked[None], DEPTH, allowed=allowed)[0]
        whole = complete_question(asked, self._first_answers(asked, text, visible))
        meaning = self.vectors.search(whole[None], DEPTH, allowed=allowed)[0]
        ids = np.unique([hit.id for hits in (alone, meaning, words) for hit in hits])
        if not ids.size:
            return Rankings(alone, words, [])
        # What only the words found is compared in meaning too: no score is guessed.
        near = near_in_parts(self.vectors.vectors_of(ids), whole, sought)
        both = fuse_answers(
            dict(zip(ids.tolist(), near.tolist(), strict=True)),
            {hit.id: hit.score for hit in words},
            hubs=self.hubs,
            deviation=self.deviation,
        )
        return Rankings(alone, words, both)

    def _first_answers(self, asked: Vectors, text: str, visible: Ids | None) -> Vectors:
        """Vectors of what answers the bare question best, of any kind."""
        meaning = self.vectors.search(asked[None], DEPTH, allowed=visible)[0]
        cosines = {hit.id: hit.score for hit in meaning}
        words = {hit.id: hit.score for hit in self._in_words(text, visible) if hit.id in cosines}
        best = fuse_answers(cosines, words, hubs=self.hubs, deviation=self.deviation)
        return self.vectors.vectors_of(np.array([i for i, _ in best], dtype=np.int64))

    def _in_words(self, text: str, allowed: Ids | None) -> list[Hit]:
        also = " ".join(stem for form in self.lexicon.expansions(text) for stem in stems(form))
        return self.words.search(" ".join(stems(text)), DEPTH, allowed=allowed, also=also)
