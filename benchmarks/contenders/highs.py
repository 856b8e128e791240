"""The same candidates, scores and limits as ours, as a linear programme for HiGHS."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from benchmarks.measures import Stopwatch
from benchmarks.task import Indices, Task, load_array, save_array
from matcher.assignment import SCORE_UNITS

Floats = NDArray[np.float64]
Matrix = sparse.csr_matrix

LARGE = 60_000
"""Dual simplex is the quicker way below so many candidates, interior point above.

Tried on these programmes: both, and HiPO, each with and without presolve, and with two rows for a
seeker instead of two columns. This is the best of them; presolve finds nothing in a network.
"""


class Pairs(NamedTuple):
    """Candidate pairs as positions of statements, with their scores."""

    left: Indices
    right: Indices
    scores: Floats


def prepare(_task: Task, folder: Path) -> Pairs:
    """The candidates that ours chose among."""
    return Pairs(*(load_array(folder, f"candidates.{key}") for key in Pairs._fields))


def work(task: Task, pairs: Pairs, watch: Stopwatch) -> Floats:
    """How much of each pair is taken.

    Columns: pairs, cover and second places of a seeker, usual and further places of an answer.
    The matrix is a network's, so a corner of the programme is whole: it needs no integer search.
    """
    with watch.stage("build"):
        seekers, seeker = np.unique(pairs.left, return_inverse=True)
        answers, answer = np.unique(pairs.right, return_inverse=True)
        owners = np.array(task.owners)[answers - len(task.problems)]
        organisations, owner = np.unique(owners, return_inverse=True)
        n, s, a = len(pairs.left), len(seekers), len(answers)
        # Ours counts in whole units of score: the same ones, so that optima are comparable.
        gains = np.rint(pairs.scores.astype(np.float64) * SCORE_UNITS) / SCORE_UNITS
        bonus = 2.0 * (s * task.proposals + 1)
        beyond = (SCORE_UNITS + 1) / SCORE_UNITS
        costs = np.repeat([-bonus, 0, 0, beyond], [s, s, a, a])
        most = [1, task.proposals - 1, task.proposals, task.max_load - task.proposals]
        upper = np.r_[np.ones(n), np.repeat(most, [s, s, a, a])]
        places = _ones(owner, len(organisations))
        of_seekers = [_ones(seeker, s), -_unit(s), -_unit(s), Matrix((s, 2 * a))]
        of_answers = [_ones(answer, a), Matrix((a, 2 * s)), -_unit(a), -_unit(a)]
        balances = sparse.vstack([sparse.hstack(of_seekers), sparse.hstack(of_answers)])
        loads = sparse.hstack([Matrix((len(organisations), n + 2 * s)), places, places])
    with watch.stage("solve"):
        solution = linprog(  # type: ignore[call-overload]  # the stubs know no sparse matrix
            np.r_[-gains, costs],
            A_ub=loads.tocsr(),
            b_ub=np.full(len(organisations), float(task.max_load)),
            A_eq=balances.tocsr(),
            b_eq=np.zeros(s + a),
            bounds=np.c_[np.zeros(len(upper)), upper],
            method="highs-ds" if n < LARGE else "highs-ipm",
            options={"presolve": False},
        )
    if solution.x is None:
        raise RuntimeError(f"HiGHS: {solution.message}")
    return np.asarray(solution.x[:n], dtype=np.float64)


def keep(folder: Path, result: Floats, _watch: Stopwatch) -> None:
    """Leave the choice for the comparison."""
    save_array(folder, "highs.taken", result)


def _ones(rows: Indices, count: int) -> Matrix:
    """A one in column `i` at row `rows[i]`."""
    return Matrix((np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=(count, len(rows)))


def _unit(count: int) -> Matrix:
    return Matrix(sparse.eye_array(count))
