"""Why two texts meet, in their own words: the sentences that meet, shared terms, bridged terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matcher.encoder import Encoder, Vectors
from matcher.lexicon.lexicon import Bridge, Lexicon
from matcher.words import sentences, shared_terms

MOST_BRIDGES = 2
MEANT = 0.5
"""Cosine from which a sentence means a phrase of the lexicon without saying it."""
LONGEST_SENTENCE = 400
"""Characters: a sentence without an end is cut there when it is shown."""
CUT = " …"


@dataclass(frozen=True, slots=True)
class Reason:
    """One piece of evidence that a person can check in both texts."""

    left_sentence: str
    right_sentence: str
    shared_terms: tuple[str, ...]
    bridges: tuple[Bridge, ...] = ()
    """What one says and the other names by the field's term; the lexicon's own words for a term
    where the other text only means them."""


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
    glosses = _glosses(texts, lexicon, encoder)
    return [
        replace(
            _reason(pair, cut, rows),
            bridges=_bridges(pair, lexicon, glosses, rows),
        )
        for pair in pairs
    ]


def encode_sentences(texts: Sequence[str], encoder: Encoder) -> list[Vectors]:
    """For each text, the vectors of its sentences `(n, dim)`."""
    cut = [sentences(text) for text in texts]
    vectors = encoder.encode_passages([sentence for pieces in cut for sentence in pieces])
    return np.split(vectors, np.cumsum([len(pieces) for pieces in cut[:-1]])) if cut else []


def answering_sentence(asked: NDArray[np.float32], rows: Vectors) -> int:
    """Which sentence of a text, of the vectors `rows` `(n, dim)`, is nearest to a question."""
    return int((rows @ asked).argmax())


def show_sentence(text: str, number: int) -> str:
    """A sentence of a text by its number, as it is shown; the last where there are fewer."""
    return _shorten(sentences(text)[: number + 1][-1])


def still_says(text: str, sentence: str) -> bool:
    """Whether a sentence found in a text still stands in it; of a shortened one, its start."""
    return " ".join(sentence.removesuffix(CUT).split()) in " ".join(text.split())


def _reason(
    pair: tuple[str, str], cut: dict[str, list[str]], rows: dict[str, np.ndarray]
) -> Reason:
    left, right = pair
    near = rows[left] @ rows[right].T
    i, j = np.unravel_index(int(near.argmax()), near.shape)
    return Reason(
        left_sentence=_shorten(cut[left][int(i)]),
        right_sentence=_shorten(cut[right][int(j)]),
        shared_terms=tuple(shared_terms(left, right)),
    )


def _glosses(
    texts: Sequence[str], lexicon: Lexicon, encoder: Encoder
) -> dict[str, list[tuple[Bridge, Vectors]]]:
    """For each text, the everyday phrases of the terms it uses, with their vectors."""
    named = {
        text: [lexicon.entries[found.entry] for found in lexicon.find(text) if found.is_term]
        for text in texts
    }
    phrases = sorted({phrase for entries in named.values() for e in entries for phrase in e.say})
    vectors = dict(zip(phrases, encoder.encode_passages(phrases), strict=True))
    return {
        text: [
            (Bridge(phrase, entry.terms[0]), vectors[phrase])
            for entry in entries
            for phrase in entry.say
        ]
        for text, entries in named.items()
    }


def _bridges(
    pair: tuple[str, str],
    lexicon: Lexicon,
    glosses: dict[str, list[tuple[Bridge, Vectors]]],
    rows: dict[str, np.ndarray],
) -> tuple[Bridge, ...]:
    said = lexicon.bridges(*pair, limit=MOST_BRIDGES)
    meant = [
        (float((rows[there] @ vector).max()), bridge)
        for here, there in (pair, pair[::-1])
        for bridge, vector in glosses[here]
    ]
    found = {bridge.term: bridge for bridge in said}
    for cosine, bridge in sorted(meant, key=lambda item: (-item[0], item[1])):
        if cosine >= MEANT:
            found.setdefault(bridge.term, bridge)
    return tuple(found.values())[:MOST_BRIDGES]


def _shorten(sentence: str) -> str:
    if len(sentence) <= LONGEST_SENTENCE:
        return sentence
    return sentence[:LONGEST_SENTENCE].rsplit(" ", 1)[0] + CUT
