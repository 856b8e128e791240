"""Long texts by passages: an encoder reads so far and no further, a text may go on."""

from collections.abc import Callable, Sequence

import numpy as np

from matcher.encoder import Progress, Vectors, unit_rows
from matcher.words import sentences

PASSAGE_WORDS = 150
"""About 210 tokens: the shipped transformer reads 256."""


def cut_passages(text: str, *, words: int = PASSAGE_WORDS) -> list[str]:
    """A text as runs of whole sentences of at most `words` words each; a longer sentence is cut."""
    pieces: list[list[str]] = [[]]
    for sentence in sentences(text):
        rest = sentence.split()
        while rest:
            room = words - len(pieces[-1])
            if len(rest) > room and (pieces[-1] or room == 0):
                pieces.append([])
                continue
            pieces[-1] += rest[:room]
            rest = rest[room:]
    return [" ".join(piece) for piece in pieces if piece] or [text]


def encode_long(
    encode: Callable[[Sequence[str]], Vectors],
    texts: Sequence[str],
    progress: Progress | None = None,
    *,
    at_once: int = 1024,
) -> Vectors:
    """Unit vectors `(len(texts), dim)`; a long text is the mean of all its passages."""
    passages: list[str] = []
    starts: list[int] = []
    for text in texts:
        starts.append(len(passages))
        # Most texts are short: counted before they are cut.
        is_long = text.count(" ") >= PASSAGE_WORDS
        passages += cut_passages(text) if is_long else [text]
    rows = []
    for start in range(0, len(passages), at_once):
        rows.append(encode(passages[start : start + at_once]))
        if progress:
            progress(min(start + at_once, len(passages)), len(passages))
    if not rows:
        return encode([])
    vectors = np.concatenate(rows)
    if len(passages) == len(texts):
        return vectors
    return unit_rows(np.add.reduceat(vectors, starts, axis=0))
