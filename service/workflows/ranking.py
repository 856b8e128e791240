"""One question against the two indexes: meaning, words and lexicon, fused."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from indexes.contract import Hit, Ids
from indexes.faiss_index import FaissIndex
from indexes.word_index import TantivyIndex
from matcher.encoder import Encoder
from matcher.fusion import FEEDBACK_ANSWERS, complete_question, fuse_answers, near_in_parts
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
        terms = " ".join(stems(text))
        also = " ".join(stem for form in self.lexicon.expansions(text) for stem in stems(form))
        alone = self.vectors.search(asked[None], DEPTH, allowed=allowed)[0]
        words = self.words.search(terms, DEPTH, allowed=allowed, also=also)
        if visible is allowed:
            first = self._best(alone, words)
        else:
            first = self._best(
                self.vectors.search(asked[None], DEPTH, allowed=visible)[0],
                self.words.search(terms, DEPTH, allowed=visible, also=also),
            )
        whole = complete_question(asked, self.vectors.vectors_of(first))
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

    def _best(self, meaning: list[Hit], words: list[Hit]) -> Ids:
        """The ids that answer the bare question best, by which it is completed."""
        cosines = {hit.id: hit.score for hit in meaning}
        scores = {hit.id: hit.score for hit in words if hit.id in cosines}
        best = fuse_answers(cosines, scores, hubs=self.hubs, deviation=self.deviation)
        return np.array([identity for identity, _ in best[:FEEDBACK_ANSWERS]], dtype=np.int64)
