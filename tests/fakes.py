"""Stand-ins that tests hand over in place of what is slow."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from matcher.encoder import Progress, Vectors, unit_rows
from matcher.words import stems

DIM = 256


class WordEncoder:
    """An encoder without a model: texts are as near as the stems they share.

    `embedded` holds the passages it was asked for, so that a test can count them.
    """

    dim = DIM

    def __init__(self, fingerprint: str = "words-1") -> None:
        self.fingerprint = fingerprint
        self.embedded: list[str] = []

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Vectors `(len(texts), dim)` of texts that will be searched."""
        self.embedded.extend(texts)
        if progress:
            progress(len(texts), len(texts))
        return _sum_signs(texts)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors `(len(texts), dim)` of questions."""
        return _sum_signs(texts)


def _sum_signs(texts: Sequence[str]) -> Vectors:
    raw = np.zeros((len(texts), DIM), dtype=np.float32)
    for row, text in enumerate(texts):
        for stem in stems(text):
            raw[row] += _signs(stem)
    return unit_rows(raw)


@lru_cache(maxsize=50_000)
def _signs(stem: str) -> Vectors:
    """The 256 bits of a stem's sha256, as +1 and -1: two stems are near to orthogonal."""
    bits = np.unpackbits(np.frombuffer(hashlib.sha256(stem.encode()).digest(), dtype=np.uint8))
    return bits.astype(np.float32) * 2 - 1
