"""The best set of pairings under hard limits, by minimum-cost flow.

Source: Ahuja, Magnanti and Orlin, Network Flows (1993), solved by OR-tools' cost-scaling
push-relabel. Where statements of one kind are paired among themselves the graph has two copies of
each statement; a pair chosen in one copy only (an odd cycle) is settled by score afterwards.
docs/decisions/0002 says what is exact and what is not.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from matcher.seats import Candidates, Limits, Seats

__all__ = ["Candidates", "Limits", "Room", "Seats", "choose_pairings", "room_after"]

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]

EXACT_CANDIDATES = 2_500
"""Up to here (a sociopôle of some 60 problems) a general graph is solved as an integer program."""
SCORE_UNITS = 100_000
"""A score of 1 in whole units of cost: the solver counts in integers."""


def choose_pairings(candidates: Candidates, seats: Seats, limits: Limits) -> Indices:
    """Positions in `candidates` of the chosen pairs, best score first, ties by position of ends.

    First as many seeking statements as possible have a pairing, then the total score is highest.
    """
    if len(candidates.left) == 0:
        return np.empty(0, dtype=np.int64)
    order = np.lexsort((candidates.right, candidates.left))
    ordered = Candidates(candidates.left[order], candidates.right[order], candidates.scores[order])
    one_way = bool((seats.seeking[ordered.left] & ~seats.seeking[ordered.right]).all())
    if one_way:
        chosen = _one_way(ordered, seats, limits)
    else:
        # scipy.optimize takes as long to import as a search takes.
        from matcher.exact import solve_exactly  # noqa: PLC0415

        exact = solve_exactly(ordered, seats, limits) if len(order) <= EXACT_CANDIDATES else None
        chosen = _both_ways(ordered, seats, limits) if exact is None else exact
    best = np.lexsort((chosen, -ordered.scores[chosen]))
    return np.asarray(order[chosen[best]], dtype=np.int64)


class Room:
    """What each statement and limited organisation still has room for."""

    def __init__(self, seats: Seats, limits: Limits) -> None:
        self._seats = seats
        self._of_statement = np.where(seats.seeking, limits.proposals, limits.max_load)
        self._of_statement[~seats.seeking & ~seats.limited] = limits.proposals
        self._spare = np.maximum(self._of_statement - limits.proposals, 0)
        self._of_organisation: dict[int, int] = {
            int(o): limits.max_load for o in np.unique(seats.organisation[seats.limited])
        }

    def has(self, left: int, right: int) -> bool:
        """Whether the pair can still be added."""
        ends = (left, right)
        needed: dict[int, int] = {}
        for end in ends:
            if self._seats.limited[end]:
                organisation = int(self._seats.organisation[end])
                needed[organisation] = needed.get(organisation, 0) + 1
        return all(self._of_statement[end] > 0 for end in ends) and all(
            self._of_organisation[o] >= n for o, n in needed.items()
        )

    def is_beyond_proposals(self, left: int, right: int) -> bool:
        """Whether an end that does not seek already has as many pairings as a seeker may."""
        return any(
            not self._seats.seeking[end] and self._of_statement[end] <= self._spare[end]
            for end in (left, right)
        )

    def take(self, left: int, right: int) -> None:
        """Count the pair."""
        for end in (left, right):
            self._of_statement[end] -= 1
            if self._seats.limited[end]:
                self._of_organisation[int(self._seats.organisation[end])] -= 1

    def full_statement(self, statement: int) -> bool:
        """Whether the statement itself has no room left."""
        return bool(self._of_statement[statement] <= 0)

    def full_organisation(self, statement: int) -> bool:
        """Whether the statement's organisation is at its load."""
        organisation = int(self._seats.organisation[statement])
        return bool(self._seats.limited[statement]) and self._of_organisation[organisation] <= 0


def room_after(candidates: Candidates, chosen: Indices, seats: Seats, limits: Limits) -> Room:
    """The room left once the chosen pairs are counted."""
    room = Room(seats, limits)
    for position in chosen.tolist():
        room.take(int(candidates.left[position]), int(candidates.right[position]))
    return room


def _one_way(candidates: Candidates, seats: Seats, limits: Limits) -> Indices:
    """Seekers on the left, the others on the right: the flow is the exact optimum."""
    network = _Network(seats, limits, bonus=_bonus(candidates, seats, limits))
    network.open_side(np.unique(candidates.left), left=True)
    network.open_side(np.unique(candidates.right), left=False)
    flows = network.solve(candidates.left, candidates.right, candidates.scores)
    return np.flatnonzero(flows)


def _both_ways(candidates: Candidates, seats: Seats, limits: Limits) -> Indices:
    """Every statement on both sides, every pair in both directions."""
    network = _Network(seats, limits, bonus=_bonus(candidates, seats, limits))
    ends = np.unique(np.r_[candidates.left, candidates.right])
    network.open_side(ends, left=True)
    network.open_side(ends, left=False)
    flows = network.solve(
        np.r_[candidates.left, candidates.right],
        np.r_[candidates.right, candidates.left],
        np.r_[candidates.scores, candidates.scores],
    )
    n = len(candidates.left)
    both = np.flatnonzero(flows[:n] & flows[n:])
    half = np.flatnonzero(flows[:n] ^ flows[n:])
    return np.sort(_settle(candidates, seats, limits, firm=both, half=half))


def _settle(
    candidates: Candidates, seats: Seats, limits: Limits, *, firm: Indices, half: Indices
) -> Indices:
    """Keep what is firm, then what each uncovered seeker can still have, then the best."""
    room = Room(seats, limits)
    chosen: list[int] = []
    covered = np.zeros(len(seats.seeking), dtype=np.bool_)

    def add(position: int, *, only_for_uncovered: bool) -> None:
        left, right = int(candidates.left[position]), int(candidates.right[position])
        useful = any(seats.seeking[end] and not covered[end] for end in (left, right))
        if not useful and (only_for_uncovered or room.is_beyond_proposals(left, right)):
            return
        if room.has(left, right):
            room.take(left, right)
            covered[[left, right]] = True
            chosen.append(position)

    # The firm part fits by itself: together with the halves it filled both copies.
    for position in _by_score(candidates, firm):
        add(position, only_for_uncovered=False)
    rest = np.setdiff1d(np.arange(len(candidates.left)), firm)
    for pool, only in ((half, True), (rest, True), (half, False), (rest, False)):
        taken = set(chosen)
        for position in _by_score(candidates, pool):
            if position not in taken:
                add(position, only_for_uncovered=only)
    return np.array(chosen, dtype=np.int64)


def _by_score(candidates: Candidates, positions: Indices) -> Iterator[int]:
    order = np.lexsort((positions, -candidates.scores[positions]))
    return iter(positions[order].tolist())


def _bonus(candidates: Candidates, seats: Seats, limits: Limits) -> int:
    """More than all scores together can weigh: covering one more always wins."""
    seekers = int(seats.seeking[np.unique(np.r_[candidates.left, candidates.right])].sum())
    return 2 * SCORE_UNITS * (seekers * limits.proposals + 1)


class _Network:
    """Source -> organisation -> statement -> statement -> organisation -> sink."""

    def __init__(self, seats: Seats, limits: Limits, *, bonus: int) -> None:
        self._seats, self._limits, self._bonus = seats, limits, bonus
        self._nodes: dict[tuple[str, bool, int], int] = {}
        self._source = self._node("end", True, 0)
        self._sink = self._node("end", False, 0)
        self._arcs: list[tuple[int, int, int, int]] = []

    def open_side(self, statements: Indices, *, left: bool) -> None:
        """Tie each statement of a side to its organisation's limit and to the side's end."""
        limits = self._limits
        end = self._source if left else self._sink
        for statement in statements.tolist():
            node = self._node("statement", left, statement)
            limited = bool(self._seats.limited[statement])
            outer = end
            if limited:
                organisation = int(self._seats.organisation[statement])
                is_new = ("organisation", left, organisation) not in self._nodes
                outer = self._node("organisation", left, organisation)
                if is_new:
                    self._arc(end, outer, capacity=limits.max_load, cost=0, forward=left)
            if self._seats.seeking[statement]:
                self._arc(outer, node, capacity=1, cost=-self._bonus, forward=left)
                self._arc(outer, node, capacity=limits.proposals - 1, cost=0, forward=left)
            else:
                self._arc(outer, node, capacity=limits.proposals, cost=0, forward=left)
                beyond = limits.max_load - limits.proposals if limited else 0
                # Beyond `proposals`, only to keep someone from being left without an answer:
                # dearer than any score, cheaper than a seeker covered.
                cost = SCORE_UNITS + 1
                self._arc(outer, node, capacity=beyond, cost=cost, forward=left)

    def solve(self, left: Indices, right: Indices, scores: Floats) -> Flags:
        """Which pairs carry flow. `(n,)`."""
        sides = {
            is_left: np.zeros(len(self._seats.seeking), dtype=np.int64) for is_left in (True, False)
        }
        for (kind, is_left, number), node in self._nodes.items():
            if kind == "statement":
                sides[is_left][number] = node
        # A third of a second to import, with what it needs: a search does without.
        from ortools.graph.python import min_cost_flow  # noqa: PLC0415

        solver = min_cost_flow.SimpleMinCostFlow()
        tails, heads, capacities, costs = np.array(self._arcs, dtype=np.int64).T
        solver.add_arcs_with_capacity_and_unit_cost(tails, heads, capacities, costs)
        gains = np.rint(scores.astype(np.float64) * SCORE_UNITS).astype(np.int64)
        pairs = solver.add_arcs_with_capacity_and_unit_cost(
            sides[True][left], sides[False][right], np.ones(len(left), dtype=np.int64), -gains
        )
        # The bypass makes every demand feasible: what cannot be placed flows past.
        supply = int(capacities[tails == self._source].sum())
        solver.add_arc_with_capacity_and_unit_cost(self._source, self._sink, supply, 0)
        solver.set_node_supply(self._source, supply)
        solver.set_node_supply(self._sink, -supply)
        status = solver.solve()
        if status != solver.OPTIMAL:
            raise RuntimeError(f"assignment not solved: {status}")
        return np.asarray(solver.flows(pairs), dtype=np.int64) > 0

    def _arc(self, outer: int, inner: int, *, capacity: int, cost: int, forward: bool) -> None:
        if capacity > 0:
            ends = (outer, inner) if forward else (inner, outer)
            self._arcs.append((*ends, capacity, cost))

    def _node(self, kind: str, left: bool, number: int) -> int:  # noqa: FBT001 - part of a key
        return self._nodes.setdefault((kind, left, number), len(self._nodes))
