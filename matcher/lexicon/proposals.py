"""Entries that an accepted pairing suggests: a phrase of one text, a term of the other."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from matcher.encoder import Encoder
from matcher.words import plain, sentences, tokens

LONGEST_PHRASE, LONGEST_TERM = 4, 3
"""Content words."""
LONGEST_FORM = 60
"""Characters: between two content words there may be many others."""
PROPOSED = 3


class Proposal(NamedTuple):
    """A phrase as one text has it and a term as the other has it, and how near they are."""

    said: str
    term: str
    cosine: float


def propose_entries(
    everyday: str,
    scholarly: str,
    encoder: Encoder,
    *,
    known: Collection[str] = (),
    limit: int = PROPOSED,
) -> list[Proposal]:
    """The phrases of one text and the terms of the other that mean nearly the same, best first.

    Forms are cut out of the texts, never written; a phrase shares no stem with its term, no term
    is of `known` (in lower case), and no two proposals overlap.
    """
    phrases = _forms(everyday, longest=LONGEST_PHRASE)
    terms = [
        form for form in _forms(scholarly, longest=LONGEST_TERM) if form[0].lower() not in known
    ]
    if not phrases or not terms:
        return []
    near = encoder.encode_passages([form for form, _ in phrases]) @ (
        encoder.encode_passages([form for form, _ in terms]).T
    )
    for i, (_, stems) in enumerate(phrases):
        near[i, [j for j, (_, others) in enumerate(terms) if stems & others]] = -1
    found: list[Proposal] = []
    used: set[str] = set()
    for at in np.argsort(-near, axis=None, kind="stable").tolist():
        i, j = divmod(at, len(terms))
        here = phrases[i][1] | terms[j][1]
        if near[i, j] <= 0 or len(found) == limit:
            break
        if not used & here:
            used |= here
            found.append(Proposal(phrases[i][0], terms[j][0], round(float(near[i, j]), 4)))
    return found


def _forms(text: str, *, longest: int) -> Sequence[tuple[str, frozenset[str]]]:
    """Runs of two to `longest` content words within a sentence, as written, with their stems."""
    forms: dict[str, frozenset[str]] = {}
    for sentence in sentences(plain(text)):
        for clause in sentence.replace(";", ",").replace(":", ",").replace("(", ",").split(","):
            words = tokens(clause)
            for first in range(len(words)):
                for last in range(first + 1, min(first + longest, len(words))):
                    written = clause[words[first].start : words[last].end]
                    if len(written) <= LONGEST_FORM:
                        stems = frozenset(word.stem for word in words[first : last + 1])
                        forms.setdefault(written, stems)
    return list(forms.items())
