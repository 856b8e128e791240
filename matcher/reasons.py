"""Why two texts meet, in their own words: the sentences that meet, shared terms, bridged terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matcher.encoder import Encoder, Vectors
from matcher.lexicon.lexicon import Bridge, Lexicon
from matcher.words import sentences, shared_terms

LONGEST_SENTENCE = 400
"""Characters: a sentence without an end is cut there when it is shown."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One piece of evidence that a person can check in both texts."""

    left_sentence: str
    right_sentence: str
    shared_terms: tuple[str, ...]
    bridges: tuple[Bridge, ...] = ()
    """What one says in everyday words and the other by the field's term (the lexicon's)."""


def find_reasons(
    pairs: Sequence[tuple[str, str]],
    encoder: Encoder,
    lexicon: Lexicon | None = None,
    *,
    known: Mapping[str, Vectors] | None = None,
) -> list[Reason]:
    """For each pair of texts, the sentences nearest in meaning, and the terms both use or bridge.

    The two whole texts are compared for terms; the sentences are copied, never written. `known` are
    vectors by text: a text of one sentence need not be embedded again.
    """
    lexicon, known = lexicon or Lexicon(()), known or {}
    texts = sorted({text for pair in pairs for text in pair})
    cut = {text: sentences(text) for text in texts}
    every = sorted({sentence for pieces in cut.values() for sentence in pieces})
    new = [sentence for sentence in every if sentence not in known]
    vectors = {**known, **dict(zip(new, encoder.encode_passages(new), strict=True))}
    rows = {text: np.stack([vectors[sentence] for sentence in cut[text]]) for text in texts}
    return [_reason((left, right), cut, rows, lexicon) for left, right in pairs]


def answering_sentences(question: str, texts: Sequence[str], encoder: Encoder) -> list[str]:
    """For each text, its sentence nearest in meaning to the question."""
    asked = encoder.encode_queries([question])[0]
    cut = [sentences(text) for text in texts]
    vectors = encoder.encode_passages([sentence for pieces in cut for sentence in pieces])
    answers, start = [], 0
    for pieces in cut:
        near = vectors[start : start + len(pieces)] @ asked
        answers.append(_shorten(pieces[int(near.argmax())]))
        start += len(pieces)
    return answers


def _reason(
    pair: tuple[str, str],
    cut: dict[str, list[str]],
    rows: dict[str, np.ndarray],
    lexicon: Lexicon,
) -> Reason:
    left, right = pair
    near = rows[left] @ rows[right].T
    i, j = np.unravel_index(int(near.argmax()), near.shape)
    return Reason(
        left_sentence=_shorten(cut[left][int(i)]),
        right_sentence=_shorten(cut[right][int(j)]),
        shared_terms=tuple(shared_terms(left, right)),
        bridges=tuple(lexicon.bridges(left, right)),
    )


def _shorten(sentence: str) -> str:
    if len(sentence) <= LONGEST_SENTENCE:
        return sentence
    return sentence[:LONGEST_SENTENCE].rsplit(" ", 1)[0] + " …"
