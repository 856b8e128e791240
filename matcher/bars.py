"""The four bars of a candidate, each from 0 to 1, and the score they add up to."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matcher.statements import College, Kind, Statement

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

ADEQUATE = 0.5
"""A pairing is proposed from this bar of meaning up."""
CLOSENESS_AT_ADEQUATE = 2.4
"""Deviations above strangers where meaning is 0.5 (measured: docs/decisions/0006)."""
CLOSENESS_STEP = 0.4

NEED_MEETS_KNOWLEDGE, SHARED_NEED = 1.0, 0.7
COMPLEMENTARITY = {
    frozenset({Kind.PROBLEM, Kind.INTEREST}): NEED_MEETS_KNOWLEDGE,
    frozenset({Kind.PROBLEM, Kind.OFFER}): NEED_MEETS_KNOWLEDGE,
    frozenset({Kind.PROBLEM, Kind.COURSE}): NEED_MEETS_KNOWLEDGE,
    frozenset({Kind.OFFER, Kind.INTEREST}): 0.8,
    frozenset({Kind.OFFER, Kind.COURSE}): 0.8,
    frozenset({Kind.INTEREST, Kind.COURSE}): SHARED_NEED,
    frozenset({Kind.PROBLEM}): SHARED_NEED,
    frozenset({Kind.OFFER}): 0.2,
    frozenset({Kind.INTEREST}): SHARED_NEED,
    frozenset({Kind.COURSE}): 0.2,
}
ACQUAINTED, COMMON_ACQUAINTANCE, STRANGERS = 0.0, 0.6, 1.0


class Bars(NamedTuple):
    """The four bars of one candidate, or of many when each is an array `(n,)`."""

    meaning: Floats
    sector_gap: Floats
    complementarity: Floats
    novelty: Floats


@dataclass(frozen=True, slots=True)
class Weights:
    """What each bar counts for in the score; they are scaled to a sum of 1."""

    meaning: float = 0.6
    sector_gap: float = 0.15
    complementarity: float = 0.1
    novelty: float = 0.15

    def by_bar(self) -> dict[str, float]:
        """The weights by the names of the bars."""
        return asdict(self)

    def score(self, bars: Bars) -> Floats:
        """The weighted mean of the bars, from 0 to 1. `(n,)`."""
        shares = np.array(
            [self.meaning, self.sector_gap, self.complementarity, self.novelty], dtype=np.float32
        )
        return np.asarray((shares / shares.sum()) @ np.stack(bars), dtype=np.float32)


def meaning_bar(closeness: Floats) -> Floats:
    """Closeness in standard deviations (matcher.fusion.closeness) to a bar. `(n,)`."""
    # Clipped where the bar is 0 or 1 anyway: exp overflows beyond.
    exponent = np.clip((CLOSENESS_AT_ADEQUATE - closeness) / CLOSENESS_STEP, -50, 50)
    return np.asarray(1 / (1 + np.exp(exponent)), dtype=np.float32)


def sector_gap(left: Statement, right: Statement) -> float:
    """How far apart the two worlds are: 0 the same sector, 1 nothing in common.

    Two colleges, one of them academic, never share a sector. Otherwise the distance in the tree
    of RNA sectors, or of HAL domains between academics; half where a sector is not known.
    """
    academics = (left.college, right.college).count(College.ACADEMIC)
    if academics == 1:
        return 1.0
    if academics == 2:
        return _tree_gap(left.discipline, right.discipline, left.discipline.partition(".")[0])
    gap = _tree_gap(left.sector, right.sector, left.sector[:3])
    return gap if left.college == right.college else max(gap, 0.5)


def sector_gaps(statements: Sequence[Statement], left: Indices, right: Indices) -> Floats:
    """`sector_gap` of many candidates, given as positions in `statements`. `(n,)`."""
    profiles: dict[tuple[str, str, str], int] = {}
    examples: list[Statement] = []
    of_statement = np.empty(len(statements), dtype=np.int64)
    for position, statement in enumerate(statements):
        key = (statement.college, statement.sector, statement.discipline)
        if key not in profiles:
            profiles[key] = len(examples)
            examples.append(statement)
        of_statement[position] = profiles[key]
    wanted, where = np.unique(
        of_statement[left] * len(examples) + of_statement[right], return_inverse=True
    )
    gaps = [
        sector_gap(examples[pair // len(examples)], examples[pair % len(examples)])
        for pair in wanted.tolist()
    ]
    return np.array(gaps, dtype=np.float32)[where]


def complementarities(statements: Sequence[Statement], left: Indices, right: Indices) -> Floats:
    """What one needs and the other brings, by their kinds. `(n,)`."""
    kinds = list(Kind)
    table = np.array(
        [[COMPLEMENTARITY[frozenset({a, b})] for b in kinds] for a in kinds], dtype=np.float32
    )
    of_statement = np.array([kinds.index(s.kind) for s in statements], dtype=np.int64)
    return np.asarray(table[of_statement[left], of_statement[right]], dtype=np.float32)


def novelties(
    statements: Sequence[Statement],
    left: Indices,
    right: Indices,
    *,
    known: Iterable[tuple[int, int]],
) -> Floats:
    """Strangers first: 1, with a common acquaintance 0.6, already acquainted 0. `(n,)`.

    `known` are pairs of organisations, in any order.
    """
    positions: dict[int, int] = {}
    of_statement = np.array(
        [positions.setdefault(s.organisation, len(positions)) for s in statements], dtype=np.int64
    )
    pairs = [(positions[a], positions[b]) for a, b in known if a in positions and b in positions]
    result = np.full(len(left), STRANGERS, dtype=np.float32)
    if not pairs:
        return result
    rows, columns = np.array(pairs, dtype=np.int64).T
    acquainted = sparse.csr_matrix(
        (np.ones(2 * len(rows), dtype=np.int8), (np.r_[rows, columns], np.r_[columns, rows])),
        shape=(len(positions), len(positions)),
    )
    ends = of_statement[left], of_statement[right]
    result[_filled(acquainted @ acquainted, ends)] = COMMON_ACQUAINTANCE
    result[_filled(acquainted, ends)] = ACQUAINTED
    return result


def _filled(matrix: sparse.csr_matrix, ends: tuple[Indices, Indices]) -> NDArray[np.bool_]:
    """Whether the matrix has an entry at each pair of positions. `(n,)`."""
    entries, n_columns = matrix.tocoo(), matrix.shape[1]
    wanted = ends[0].astype(np.int64) * n_columns + ends[1]
    return np.isin(wanted, entries.row.astype(np.int64) * n_columns + entries.col)


def _tree_gap(left: str, right: str, left_family: str) -> float:
    if not left or not right:
        return 0.5
    if left == right:
        return 0.0
    return 0.4 if right.startswith(left_family) else 1.0
