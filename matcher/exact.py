"""A general assignment as an integer program, for sizes where that takes about a second.

Two steps, so that no weight has to stand for "first": the greatest coverage, then, keeping it, the
greatest total. HiGHS through scipy.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from matcher.seats import Candidates, Limits, Seats

Indices = NDArray[np.int64]

MOST_NODES = 50
"""Branches the search may try: a bound in work, not in time, so equal input gives equal output."""
BEYOND_COST = 1.00001
"""Dearer than any score: beyond `proposals` only where someone would be left without an answer."""


def solve_exactly(candidates: Candidates, seats: Seats, limits: Limits) -> Indices | None:
    """Positions of the chosen pairs, ascending; None when the search was cut short."""
    seekers, others = np.flatnonzero(seats.seeking), np.flatnonzero(~seats.seeking)
    sizes = (len(candidates.left), len(seekers), len(others))
    # Variables: a pair is chosen, a seeker is covered, a place beyond `proposals` is used.
    within = _limits(candidates, seats, limits)
    spare = np.where(seats.limited[others], max(limits.max_load - limits.proposals, 0), 0)
    bounds = Bounds(0, np.r_[np.ones(sizes[0] + sizes[1]), spare])
    whole = np.r_[np.ones(sizes[0], np.int64), np.zeros(sizes[1] + sizes[2], np.int64)]
    coverage = np.r_[np.zeros(sizes[0]), np.ones(sizes[1]), np.zeros(sizes[2])]
    first = _best(coverage, [within], bounds, whole)
    if first is None:
        return None
    kept = LinearConstraint(coverage[None, :], lb=round(float(coverage @ first)) - 1e-6)
    scores = candidates.scores.astype(np.float64)
    gains = np.r_[scores, np.zeros(sizes[1]), np.full(sizes[2], -BEYOND_COST)]
    second = _best(gains, [within, kept], bounds, whole)
    return None if second is None else np.flatnonzero(second[: sizes[0]] > 0.5)


def _limits(candidates: Candidates, seats: Seats, limits: Limits) -> LinearConstraint:
    """One row a limit: seekers' proposals, coverage, others' proposals, organisations' load."""
    n_pairs, n_statements = len(candidates.left), len(seats.seeking)
    seekers, others = np.flatnonzero(seats.seeking), np.flatnonzero(~seats.seeking)
    places = np.r_[candidates.left, candidates.right], np.tile(np.arange(n_pairs), 2)
    ends = sparse.csr_array((np.ones(2 * n_pairs), places), shape=(n_statements, n_pairs))
    organisations, owner = np.unique(seats.organisation, return_inverse=True)
    limited = np.flatnonzero(seats.limited)
    owners = sparse.csr_array(
        (np.ones(len(limited)), (owner[limited], limited)),
        shape=(len(organisations), n_statements),
    )
    blocks = (ends[seekers], -ends[seekers], ends[others], owners @ ends)
    covered = _shifted(len(seekers), rows_before=len(seekers), rows=sum(b.shape[0] for b in blocks))
    beyond = _shifted(
        len(others), rows_before=2 * len(seekers), rows=sum(b.shape[0] for b in blocks)
    )
    most = np.r_[
        np.full(len(seekers), limits.proposals),
        np.zeros(len(seekers)),
        np.full(len(others), limits.proposals),
        np.full(len(organisations), limits.max_load),
    ]
    rules = sparse.hstack([sparse.vstack(blocks), covered, -beyond], format="csr")
    return LinearConstraint(rules.astype(np.float64), ub=most)


def _shifted(n: int, *, rows_before: int, rows: int) -> sparse.csr_array:
    """An identity of `n` columns that starts `rows_before` rows down."""
    place = np.arange(n)
    return sparse.csr_array((np.ones(n), (place + rows_before, place)), shape=(rows, n))


def _best(
    gains: NDArray[np.float64],
    constraints: list[LinearConstraint],
    bounds: Bounds,
    whole: Indices,
) -> NDArray[np.float64] | None:
    # Any: scipy-stubs does not take its own TypedDict here.
    options: Any = {"mip_rel_gap": 0.0, "node_limit": MOST_NODES}
    found = milp(-gains, integrality=whole, bounds=bounds, constraints=constraints, options=options)
    return np.asarray(found.x) if found.status == 0 else None
