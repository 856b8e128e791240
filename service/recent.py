"""What was worked out a moment ago and is soon asked for again, in the memory of one process.

Texts themselves are not kept: a question is known by its hash, a statement by its number.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple, TypeVar

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from indexes.contract import Ids
from matcher.encoder import Vectors
from matcher.lexicon.lexicon import Lexicon
from service.store.revisions import Mark

QUESTIONS, LEXICONS, SENTENCES, SEARCHABLE = 2_000, 20, 50_000, 4_000_000
"""The most that is kept: questions, lexicons, sentences (40 MB), numbers in filters (32 MB)."""
Value = TypeVar("Value")


class Cut(NamedTuple):
    """The vectors of a text's sentences `(n, dim)`, and the hash of that text."""

    text_hash: str
    rows: NDArray[np.float16]


class Filter(NamedTuple):
    """The numbers a search may answer with, in their order, as they were at a mark."""

    mark: Mark
    ids: Ids


class Found(NamedTuple):
    """An answer: a statement's number, its score, and the number of the sentence that answers."""

    id: int
    score: float
    sentence: int


@dataclass(frozen=True, slots=True)
class Recent:
    """What was used least recently goes first."""

    questions: "LRUCache[str, Vectors]" = field(default_factory=lambda: LRUCache(QUESTIONS))
    answers: "LRUCache[Hashable, list[Found]]" = field(default_factory=lambda: LRUCache(QUESTIONS))
    lexicons: "LRUCache[Hashable, Lexicon]" = field(default_factory=lambda: LRUCache(LEXICONS))
    sentences: "LRUCache[int, Cut]" = field(
        default_factory=lambda: LRUCache(SENTENCES, getsizeof=lambda cut: len(cut.rows))
    )
    searchable: "LRUCache[Hashable, Filter]" = field(
        default_factory=lambda: LRUCache(SEARCHABLE, getsizeof=lambda kept: len(kept.ids) + 1)
    )
    _lock: Lock = field(default_factory=Lock, repr=False)

    def get(self, kept: "LRUCache[Any, Value]", key: Hashable) -> Value | None:
        """What is kept under this key."""
        with self._lock:
            return kept.get(key)

    def put(self, kept: "LRUCache[Any, Value]", key: Hashable, value: Value) -> Value:
        """Keep it, if it is not larger than all that is kept."""
        with self._lock:
            if kept.getsizeof(value) <= kept.maxsize:
                kept[key] = value
        return value

    def find(self, kept: "LRUCache[Any, Value]", key: Hashable, make: Callable[[], Value]) -> Value:
        """What is kept under this key, made if it is not there."""
        found = self.get(kept, key)
        return self.put(kept, key, make()) if found is None else found

    def forget(self, statements: list[int]) -> None:
        """Forget the sentences of statements that changed or are gone."""
        with self._lock:
            for statement in statements:
                self.sentences.pop(statement, None)
