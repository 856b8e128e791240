"""Weights of the bars learnt from what people decided of pairings.

A logistic regression of "accepted" on the score in which the weights are what is learnt: the
chance that a pairing is accepted is expit(a + k * w.b), w positive with a sum of 1. The prior of w
is a Dirichlet around the default weights (in the softmax basis: MacKay 1998), so a bar of which the
decisions say nothing keeps its share. docs/decisions/0011 says what was tried and measured.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matcher.bars import Bars, Weights

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]

FOLDS = 10
LEAST_DECISIONS, LEAST_OF_EACH, LEAST_SEEKERS = 30, FOLDS, FOLDS
"""Pairings decided, those of each verdict, and different statements they were proposed to."""
PRIOR = 20.0
"""How firmly the default weights hold: the concentration of the Dirichlet."""
STEEPNESS, STEEPNESS_SPREAD = 10.0, 1.0
"""How fast acceptance grows with the score, and the deviation of its logarithm: a weak prior."""
RESAMPLES = 1000
TIED = 9
"""Decimals of a score that count."""
LEAST_APART, LEAST_VARIED = 0.1, 5
"""A bar tells something where it is this far from its median in this many pairings."""


class Decided(NamedTuple):
    """A pairing that was accepted or set aside: its bars as they were shown, in their order.

    `seeker` is the statement it was proposed to: verdicts on one statement go together.
    """

    bars: tuple[float, float, float, float]
    accepted: bool
    seeker: int


@dataclass(frozen=True, slots=True)
class Learnt:
    """Weights with a sum of 1, and how often they put an accepted pairing before one set aside.

    `agreement` is measured on pairings left out of the learning, ties counting for a half;
    `default_agreement` is the default weights', `gain_low` and `gain_high` the 95 % interval of
    the difference. `silent` names the bars that hardly vary in what was decided.
    """

    weights: Weights
    accepted: int
    set_aside: int
    agreement: float
    default_agreement: float
    gain_low: float
    gain_high: float
    silent: tuple[str, ...]

    @property
    def gain(self) -> float:
        """How much more often than the default weights."""
        return self.agreement - self.default_agreement

    @property
    def better(self) -> bool:
        """Whether they order what was decided better than the default weights, not by chance."""
        return self.gain_low > 0


class _Material(NamedTuple):
    """Decided pairings in an order of their own: bars `(n, 4)`, verdicts and seekers `(n,)`."""

    bars: Floats
    accepted: Flags
    seekers: Numbers

    def only(self, kept: Flags | Numbers) -> "_Material":
        return _Material(self.bars[kept], self.accepted[kept], self.seekers[kept])


def is_enough(decided: Sequence[Decided]) -> bool:
    """Whether there are as many decisions as learning takes."""
    n_accepted = sum(pairing.accepted for pairing in decided)
    return (
        len(decided) >= LEAST_DECISIONS
        and min(n_accepted, len(decided) - n_accepted) >= LEAST_OF_EACH
        and len({pairing.seeker for pairing in decided}) >= LEAST_SEEKERS
    )


def learn_weights(decided: Sequence[Decided], default: Weights | None = None) -> Learnt:
    """Weights that put what was accepted before what was set aside, as near the default as may be.

    The same pairings in any order give the same weights. Raises ValueError for too few.
    """
    n_accepted = sum(pairing.accepted for pairing in decided)
    if not is_enough(decided):
        raise ValueError(f"too few to learn from: {n_accepted} accepted of {len(decided)}")
    around = _shares(default or Weights())
    material = _in_order(decided)
    whole = _fit(material, around, _start(material))
    held_out = np.empty(len(decided))
    for fold in _folds(material):
        # From the whole's end it is a short way to each part's own.
        part = _fit(material.only(~fold), around, whole)
        held_out[fold] = material.bars[fold] @ _weights(part, around)
    learnt = _Order(material.accepted, held_out)
    usual = _Order(material.accepted, material.bars @ around)
    low, high = _gain_interval(material.seekers, learnt, usual)
    even = np.ones(len(decided))
    return Learnt(
        weights=Weights(*_weights(whole, around).tolist()),
        accepted=n_accepted,
        set_aside=len(decided) - n_accepted,
        agreement=learnt.agreement(even),
        default_agreement=usual.agreement(even),
        gain_low=low,
        gain_high=high,
        silent=_silent(material.bars),
    )


def _shares(weights: Weights) -> Floats:
    shares = np.array(astuple(weights), dtype=np.float64)
    return np.asarray(shares / shares.sum())


def _in_order(decided: Sequence[Decided]) -> _Material:
    """Sums of floats depend on their order: it must not be the caller's."""
    rows = sorted(decided)
    return _Material(
        np.array([row.bars for row in rows], dtype=np.float64),
        np.array([row.accepted for row in rows], dtype=np.bool_),
        np.array([row.seeker for row in rows], dtype=np.int64),
    )


def _start(material: _Material) -> Floats:
    """The default weights, and the chance of being accepted whatever the bars. `(6,)`."""
    n_accepted = material.accepted.sum()
    odds = (n_accepted + 0.5) / (len(material.accepted) - n_accepted + 0.5)
    return np.array([np.log(odds), np.log(STEEPNESS), *np.zeros(len(Bars._fields))])


def _fit(material: _Material, around: Floats, start: Floats) -> Floats:
    """The most likely a, log k and log(w / default) up to a constant, under the prior. `(6,)`."""
    # scipy.optimize takes as long to import as a search takes.
    from scipy.optimize import minimize  # noqa: PLC0415

    centred = material.bars - material.bars.mean(axis=0)
    # BFGS, not L-BFGS-B, which calls a threaded LAPACK for six unknowns: twenty times as long.
    found = minimize(
        _loss_and_slope, start, (centred, material.accepted, around), jac=True, method="BFGS"
    )
    return np.asarray(found.x, dtype=np.float64)


def _loss_and_slope(
    at: Floats, bars: Floats, accepted: Flags, around: Floats
) -> tuple[float, Floats]:
    """Minus the log posterior at a point (`_fit`), and its gradient."""
    weights = _weights(at, around)
    steepness = np.exp(at[1])
    scores = bars @ weights
    margin = at[0] + steepness * scores
    off_steepness = (at[1] - np.log(STEEPNESS)) / STEEPNESS_SPREAD
    loss = (
        np.logaddexp(0, np.where(accepted, -margin, margin)).sum()
        + PRIOR * (around * np.log(around / weights)).sum()
        + off_steepness**2 / 2
    )
    # The logistic function, without overflow.
    residual = 0.5 * (1 + np.tanh(margin / 2)) - accepted
    by_weight = steepness * (bars.T @ residual)
    slope = np.r_[
        residual.sum(),
        steepness * (scores @ residual) + off_steepness / STEEPNESS_SPREAD,
        weights * (by_weight - weights @ by_weight) + PRIOR * (weights - around),
    ]
    return float(loss), slope


def _weights(at: Floats, around: Floats) -> Floats:
    raised = around * np.exp(at[2:] - at[2:].max())
    return np.asarray(raised / raised.sum())


def _folds(material: _Material) -> list[Flags]:
    """Parts that share no seeker, each with its share of both verdicts as far as may be."""
    # Half a second to import, needed here alone.
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415

    parts = StratifiedGroupKFold(FOLDS).split(
        material.bars, material.accepted, groups=material.seekers
    )
    folds = []
    for _, held_out in parts:
        fold = np.zeros(len(material.seekers), dtype=np.bool_)
        fold[held_out] = True
        folds.append(fold)
    return folds


class _Order:
    """How scores order what was accepted among what was set aside."""

    def __init__(self, accepted: Flags, scores: Floats) -> None:
        # Most bars have few values, so ties are common: the last bit must not break them.
        scores = np.round(scores, TIED)
        self._accepted = np.flatnonzero(accepted)
        others = np.flatnonzero(~accepted)
        self._others = others[np.argsort(scores[others], kind="stable")]
        ordered = scores[self._others]
        # A tie counts for a half: what lies under it, and what lies under it or beside it.
        self._under = np.searchsorted(ordered, scores[accepted], side="left")
        self._beside = np.searchsorted(ordered, scores[accepted], side="right")

    def agreement(self, counts: Floats) -> float:
        """How often an accepted pairing has the higher score, each counted so many times.

        The area under the ROC curve. Not a number where one verdict is missing.
        """
        below = np.r_[0.0, np.cumsum(counts[self._others])]
        mine = counts[self._accepted]
        couples = mine.sum() * below[-1]
        if couples == 0:
            return float("nan")
        return float(mine @ (below[self._under] + below[self._beside]) / 2 / couples)


def _gain_interval(seekers: Numbers, learnt: _Order, usual: _Order) -> tuple[float, float]:
    """95 % bootstrap interval of the difference of agreement, seekers drawn whole."""
    _, seeker = np.unique(seekers, return_inverse=True)
    n_seekers = int(seeker.max()) + 1
    even = np.full(n_seekers, 1 / n_seekers)
    draws = np.random.default_rng(0).multinomial(n_seekers, even, size=RESAMPLES)
    gains = []
    for draw in draws.astype(np.float64):
        counts = draw[seeker]
        gains.append(learnt.agreement(counts) - usual.agreement(counts))
    low, high = np.nanpercentile(gains, [2.5, 97.5])
    return float(low), float(high)


def _silent(bars: Floats) -> tuple[str, ...]:
    apart = np.abs(bars - np.median(bars, axis=0)) >= LEAST_APART
    return tuple(np.array(Bars._fields)[apart.sum(axis=0) < LEAST_VARIED].tolist())
