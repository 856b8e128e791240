"""One question against the two indexes: meaning, words and lexicon, fused."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from indexes.contract import Hit, Ids
from indexes.faiss_index import FaissIndex
from indexes.word_index import TantivyIndex
from matcher.encoder import Encoder, Vectors
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


class Question(NamedTuple):
    """What a question says: its vector, then those of its sentences if it has several; its words.

    `rows` `(1 + n, dim)`; `also` are the words that the lexicon adds.
    """

    rows: Vectors
    terms: str
    also: str


def embed_question(text: str, encoder: Encoder) -> Vectors:
    """The vector of a question, then those of its sentences if it has several. `(1 + n, dim)`."""
    parts = sentences(text)[:MOST_PARTS]
    return encode_long(encoder.encode_queries, [text, *parts] if len(parts) > 1 else [text])


def read_question(text: str, rows: Vectors, lexicon: Lexicon) -> Question:
    """A question whose vectors are `rows`, ready to be asked."""
    also = " ".join(stem for form in lexicon.expansions(text) for stem in stems(form))
    return Question(rows, " ".join(stems(text)), also)


class Ranker(NamedTuple):
    """What a question is asked of: `hubs` by id, and the spread of the encoder's cosines."""

    vectors: FaissIndex
    words: TantivyIndex
    hubs: Mapping[int, float]
    deviation: float

    def rank(
        self, question: Question, allowed: Ids | None, *, visible: Ids | None = None
    ) -> Rankings:
        """Rank the `allowed` ids (all when None) for a question.

        `visible` are those the question may be completed by, allowed as answers or not: a
        researcher's question by the interests nearest to it, before problems are looked for.
        """
        asked, sought = question.rows[0], question.rows[1:]
        terms, also = question.terms, question.also
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
