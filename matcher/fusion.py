"""Meaning and words into one closeness; hubs corrected, so that nobody is everyone's answer.

Two cases: a question against many texts (`fuse_answers`), and a set against a set
(`correct_hubs` then `closeness`). docs/decisions/0003 says why these rules, with the measures.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Row = TypeVar("Row", bound=np.generic)

WORD_SHARE = 0.35
"""Weight of words beside meaning, in standard deviations of each, for a set against a set."""
BM25_WEIGHT = 0.1
"""Standard deviations of meaning that a point of BM25 is worth, for a question."""
HUB_SHARE = 0.25
"""How much of a text's nearness to everyone is taken off its nearness to a question."""
FEEDBACK_ANSWERS, FEEDBACK_SHARE = 3, 0.5
"""By how many first answers a question is completed, and what they count for beside it."""
PART_SHARE = 0.2
"""What the nearest sentence of a long question counts for beside the whole of it."""
PRIOR_PAIRS = 100
NEIGHBOURS = 10
"""How many nearest texts say whether one is a hub (CSLS: Conneau et al., ICLR 2018)."""


class Background(NamedTuple):
    """How near two texts that have nothing to do with each other are, for one encoder."""

    mean: float
    deviation: float


class Neighbours(NamedTuple):
    """The nearest of one set for each of another: ids `(n, k)` padded with -1, and cosines."""

    ids: Indices
    cosines: Floats


def measure_background(
    left: Floats, right: Floats, *, prior: Background | None = None, sample: int = 400
) -> Background:
    """Mean and deviation of the cosine over pairs of `left` and `right` rows.

    At most `sample` evenly spaced rows of each side, so equal input gives equal output.
    The median and the lower half stand for all: the few true meetings must not move them. Few
    pairs say little, so they are mixed with `prior` as if that came from a hundred more.
    """
    cosines = _spaced(left, sample) @ _spaced(right, sample).T
    if cosines.size == 0:
        return prior or Background(0.0, 1.0)
    low, middle = np.quantile(cosines, [0.1587, 0.5])
    found = Background(float(middle), float(max(middle - low, 1e-3)))
    if prior is None:
        return found
    share = cosines.size / (cosines.size + PRIOR_PAIRS)
    return Background(
        share * found.mean + (1 - share) * prior.mean,
        share * found.deviation + (1 - share) * prior.deviation,
    )


def hubness(neighbours: Neighbours) -> Floats:
    """How near each row's neighbourhood is, less the average row: above 0 for a hub. `(n,)`."""
    near = neighbours.cosines[:, :NEIGHBOURS]
    found = neighbours.ids[:, :NEIGHBOURS] >= 0
    counts = found.sum(axis=1)
    means = np.where(found, near, 0).sum(axis=1) / np.maximum(counts, 1)
    if not counts.any():
        return np.zeros(len(means), dtype=np.float32)
    return np.where(counts > 0, means - means[counts > 0].mean(), 0).astype(np.float32)


def correct_hubs(cosines: Floats, left_hubness: Floats, right_hubness: Floats) -> Floats:
    """Cosines less half of both ends' hubness: CSLS, kept on the scale of a cosine. `(n,)`."""
    return (cosines - (left_hubness + right_hubness) / 2).astype(np.float32)


def closeness(meaning: Floats, words: Floats, background: Background) -> Floats:
    """Standard deviations above texts that have nothing in common, words counted in. `(n,)`.

    `meaning` are (hub-corrected) cosines, `words` TF-IDF cosines of the same pairs. A word cosine
    is near 0 for strangers; a tenth of it is worth about one deviation of meaning.
    """
    deviations = (meaning - background.mean) / background.deviation
    return (deviations + WORD_SHARE * 10 * words).astype(np.float32)


def complete_question(asked: Floats, answers: Floats) -> Floats:
    """The question's unit vector drawn towards the mean of its first answers. `(dim,)`.

    Pseudo-relevance feedback (Rocchio 1971) in the space of meaning: a question of ten words gets
    what the nearest texts say in fifty. `answers` `(n, dim)` stand best first; the first few count.
    """
    if not len(answers):
        return asked
    drawn = asked + FEEDBACK_SHARE * answers[:FEEDBACK_ANSWERS].mean(axis=0)
    return np.asarray(drawn / np.linalg.norm(drawn), dtype=np.float32)


def near_in_parts(rows: Floats, whole: Floats, parts: Floats) -> Floats:
    """The cosine of each row with the question, and with the part of it that is nearest. `(n,)`.

    `parts` `(m, dim)` are the sentences of a long question; without any, the cosine alone.
    """
    cosines = rows @ whole
    if len(parts):
        cosines = (cosines + PART_SHARE * (rows @ parts.T).max(axis=1)) / (1 + PART_SHARE)
    return np.asarray(cosines, dtype=np.float32)


def fuse_answers(
    meaning: Mapping[int, float],
    words: Mapping[int, float],
    *,
    hubs: Mapping[int, float],
    deviation: float,
) -> list[tuple[int, float]]:
    """One ranking of `(id, score)` out of cosines and BM25 scores by id, best first, ties by id.

    A calibrated sum: cosines in standard deviations of the encoder's background, so that one rule
    serves every encoder, and each point of BM25 worth a tenth of a deviation. BM25 grows with the
    question, so words weigh more for a whole abstract than for three words. `hubs` are strengths
    by id (`matcher.hubs`).
    """
    scores = {
        identity: (cosine - HUB_SHARE * hubs.get(identity, 0.0)) / deviation
        + BM25_WEIGHT * words.get(identity, 0.0)
        for identity, cosine in meaning.items()
    }
    return best_first(scores)


def best_first(scores: Mapping[int, float]) -> list[tuple[int, float]]:
    """Items by falling score, ties by id."""
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _spaced(rows: NDArray[Row], sample: int) -> NDArray[Row]:
    step = max(1, -(-len(rows) // sample))
    return rows[::step]
