"""Free words tied to the nearest entry of an official list: RNA sectors, HAL domains."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from matcher.encoder import Encoder, Vectors
from matcher.words import stems, weigh_words

CLOSE_ENOUGH = 0.35
"""Meaning and words together, from 0 to about 2: under it, nothing in the list is meant."""


class Tied(StrEnum):
    """How the words were tied to an entry."""

    CODE = "code"
    LABEL = "label"
    NEAREST = "nearest"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an official list; `family` is the code of its topmost parent."""

    code: str
    label: str
    family: str


@dataclass(frozen=True, slots=True)
class Tie:
    """What was written, and the entry it stands for (code and label empty when there is none)."""

    written: str
    code: str
    label: str
    how: Tied


class Nomenclature:
    """An official list that can be asked what some words stand for."""

    def __init__(
        self, entries: Sequence[Entry], encoder: Encoder, *, free_words_to_families: bool
    ) -> None:
        self.entries = tuple(entries)
        self._to_families = free_words_to_families
        self._encoder = encoder
        self._by_code = {entry.code.casefold(): entry for entry in entries}
        # Parents come first in the lists: the widest entry of a label wins.
        self._by_label: dict[str, Entry] = {}
        for entry in entries:
            self._by_label.setdefault(_key(entry.label), entry)
        self._vectors: Vectors | None = None

    @property
    def vectors(self) -> Vectors:
        """The labels' vectors `(len(entries), dim)`, computed when first asked for."""
        if self._vectors is None:
            self._vectors = self._encoder.encode_passages([e.label for e in self.entries])
        return self._vectors

    def label(self, code: str) -> str:
        """The label of a code, empty when the list does not have it."""
        entry = self._by_code.get(code.casefold())
        return entry.label if entry else ""

    def tie(self, written: Sequence[str]) -> list[Tie]:
        """What each text stands for: its code, its label, else the nearest entry or family."""
        ties = [self._exact(text.strip()) for text in written]
        free = [i for i, tie in enumerate(ties) if tie is None and stems(written[i])]
        for i, tie in zip(free, self._nearest([written[i].strip() for i in free]), strict=True):
            ties[i] = tie
        return [
            tie or Tie(text.strip(), "", "", Tied.NOT)
            for text, tie in zip(written, ties, strict=True)
        ]

    def _exact(self, text: str) -> Tie | None:
        if entry := self._by_code.get(text.casefold()):
            return Tie(text, entry.code, entry.label, Tied.CODE)
        if text and (entry := self._by_label.get(_key(text))):
            return Tie(text, entry.code, entry.label, Tied.LABEL)
        return None

    def _nearest(self, texts: Sequence[str]) -> list[Tie]:
        if not texts:
            return []
        meaning = self._encoder.encode_queries(texts) @ self.vectors.T
        asked, labels = weigh_words(texts, [entry.label for entry in self.entries])
        total = meaning + (asked @ labels.T).toarray()
        ties = []
        for text, row in zip(texts, total, strict=True):
            # A family is as near as its nearest entry; ties go to the first of the list.
            entry = self.entries[int(np.argmax(row))]
            if float(row.max()) < CLOSE_ENOUGH:
                ties.append(Tie(text, "", "", Tied.NOT))
                continue
            code = entry.family if self._to_families else entry.code
            ties.append(Tie(text, code, self.label(code), Tied.NEAREST))
        return ties


def _key(label: str) -> str:
    return " ".join(stems(label)) or label.casefold()
