"""Tables of a workshop: who sits where, mixing colleges and sectors, strangers together."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

SCORE_UNITS = 1000
SECOND_COLLEGE, FURTHER_COLLEGE = 4, 1
"""What a table gains by its first two colleges and by each further one, against other tables."""
UNSEATED = -1


@dataclass(frozen=True, slots=True)
class Participant:
    """One who may sit at a table: its college, its world (a family of sectors or a discipline).

    `is_concerned`: it brought a problem of a table's group, so it has a seat before those who are
    there to answer.
    """

    college: str
    world: str
    is_concerned: bool


class Seating(NamedTuple):
    """The table of each participant `(n,)`, `UNSEATED` for none, and the acquainted pairs left."""

    table: Indices
    acquainted: int


def seat_participants(
    participants: Sequence[Participant],
    near: Floats,
    *,
    seats: int,
    known: Iterable[tuple[int, int]] = (),
) -> Seating:
    """Seat each participant at one table at most, never more than `seats` at a table.

    `near` `(participants, tables)` says from 0 to 1 how much each has to do with each table, nan
    where nothing: nobody is seated there. First as many tables as can be have two colleges, then
    as many as can be of the concerned are seated, then colleges and worlds are mixed, then each
    sits where it has most to say: a min-cost flow, then moves between tables of one college while
    one more is mixed by that. At last participants who know each other (`known`, positions) change
    places with others of their college while that parts any.
    """
    if seats < 2:
        raise ValueError(f"a table of {seats} seats mixes nobody")
    if near.shape[0] != len(participants):
        raise ValueError(f"expected {len(participants)} rows, got {near.shape[0]}")
    table = _mix_lone(participants, near, _flow(participants, near, seats), seats)
    return _part_acquainted(participants, near, table, seats, known)


class _Arcs:
    """Arcs of the network, with nodes by name."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[object, ...], int] = {}
        self.rows: list[tuple[int, int, int, int]] = []

    def add(
        self, tail: tuple[object, ...], head: tuple[object, ...], *, capacity: int, gain: int = 0
    ) -> int:
        """An arc; returns its position."""
        ends = (
            self.nodes.setdefault(tail, len(self.nodes)),
            self.nodes.setdefault(head, len(self.nodes)),
        )
        self.rows.append((*ends, capacity, -gain))
        return len(self.rows) - 1


def _flow(participants: Sequence[Participant], near: Floats, seats: int) -> Indices:
    """Participant -> world at a table -> college at a table -> table -> out."""
    n = len(participants)
    mixing = 2 * SCORE_UNITS
    most = min(n, near.shape[1] * seats)
    seated = 4 * mixing * (most + 1)
    mixed = 4 * seated * (most + 1)
    arcs = _Arcs()
    pairs = [(int(p), int(t)) for p, t in np.argwhere(~np.isnan(near))]
    choices: dict[int, tuple[int, int]] = {}
    for position, participant in enumerate(participants):
        gain = seated if participant.is_concerned else 0
        arcs.add(("source",), ("participant", position), capacity=1, gain=gain)
    for p, t in pairs:
        who = participants[p]
        gain = round(float(near[p, t]) * SCORE_UNITS)
        choices[
            arcs.add(
                ("participant", p), ("world", t, who.college, who.world), capacity=1, gain=gain
            )
        ] = (p, t)
    for t, college, world in sorted({(t, *_kind(participants[p])) for p, t in pairs}):
        at_world, at_college = ("world", t, college, world), ("college", t, college)
        arcs.add(at_world, at_college, capacity=1, gain=mixing)
        arcs.add(at_world, at_college, capacity=seats)
    for t, college in sorted({(t, participants[p].college) for p, t in pairs}):
        arcs.add(("college", t, college), ("mix", t), capacity=1)
        arcs.add(("college", t, college), ("table", t), capacity=seats)
    for t in range(near.shape[1]):
        arcs.add(("mix", t), ("table", t), capacity=2, gain=SECOND_COLLEGE * mixed)
        arcs.add(("mix", t), ("table", t), capacity=seats, gain=FURTHER_COLLEGE * mixing)
        arcs.add(("table", t), ("sink",), capacity=seats)
    table = np.full(n, UNSEATED, dtype=np.int64)
    for arc in _solve(arcs, n):
        if arc in choices:
            p, t = choices[arc]
            table[p] = t
    return table


def _kind(participant: Participant) -> tuple[str, str]:
    return participant.college, participant.world


def _solve(arcs: _Arcs, supply: int) -> Iterator[int]:
    """The arcs that carry flow in the cheapest flow; whoever has no place flows past."""
    # A third of a second to import, with what it needs.
    from ortools.graph.python import min_cost_flow  # noqa: PLC0415

    if not arcs.rows:
        return iter(())
    arcs.add(("source",), ("sink",), capacity=supply)
    tails, heads, capacities, costs = np.array(arcs.rows, dtype=np.int64).T
    solver = min_cost_flow.SimpleMinCostFlow()
    solver.add_arcs_with_capacity_and_unit_cost(tails, heads, capacities, costs)
    solver.set_node_supply(arcs.nodes[("source",)], supply)
    solver.set_node_supply(arcs.nodes[("sink",)], -supply)
    status = solver.solve()
    if status != solver.OPTIMAL:
        raise RuntimeError(f"seating not solved: {status}")
    flows = np.asarray(solver.flows(np.arange(len(arcs.rows), dtype=np.int64)))
    return iter(np.flatnonzero(flows > 0).tolist())


def _mix_lone(
    participants: Sequence[Participant], near: Floats, table: Indices, seats: int
) -> Indices:
    """Join tables of one college each, where one's people may sit at the other.

    To the flow, two colleges at one table are worth as much as one at each of two.
    """
    seated = table.copy()
    while True:
        colleges = [
            Counter(participants[p].college for p in np.flatnonzero(seated == t).tolist())
            for t in range(near.shape[1])
        ]
        lone = [t for t, present in enumerate(colleges) if len(present) == 1]
        moves = [
            (float(near[p, here] - near[p, there]), p, there)
            for here in lone
            for p in np.flatnonzero(seated == here).tolist()
            for there in lone
            if not np.isnan(near[p, there])
            and participants[p].college not in colleges[there]
            and colleges[there].total() < seats
        ]
        if not moves:
            return seated
        _, p, there = min(moves)
        seated[p] = there


def _part_acquainted(
    participants: Sequence[Participant],
    near: Floats,
    table: Indices,
    seats: int,
    known: Iterable[tuple[int, int]],
) -> Seating:
    friends: dict[int, set[int]] = {}
    for a, b in known:
        friends.setdefault(a, set()).add(b)
        friends.setdefault(b, set()).add(a)
    seated = table.copy()
    # Each exchange parts at least one pair, so it ends.
    while (found := _best_exchange(participants, near, seated, seats, friends)) is not None:
        seated = found
    return Seating(seated, _count_acquainted(seated, friends))


def _best_exchange(
    participants: Sequence[Participant],
    near: Floats,
    table: Indices,
    seats: int,
    friends: dict[int, set[int]],
) -> Indices | None:
    """The exchange within a college, or move to a free seat, that parts most pairs."""
    together = _count_acquainted(table, friends)
    taken = Counter(table[table >= 0].tolist())
    best: tuple[float, ...] | None = None
    result = None
    for p in sorted(friends):
        here = int(table[p])
        if here < 0 or not any(table[f] == here for f in friends[p]):
            continue
        for trial, cost in _trials(participants, near, table, p, taken, seats):
            parted = together - _count_acquainted(trial, friends)
            if parted > 0 and (best is None or (-parted, cost) < best):
                best, result = (-parted, cost), trial
    return result


def _trials(
    participants: Sequence[Participant],
    near: Floats,
    table: Indices,
    p: int,
    taken: Counter[int],
    seats: int,
) -> Iterator[tuple[Indices, float]]:
    here, college = int(table[p]), participants[p].college
    leaves_mate = any(
        q != p and table[q] == here and participants[q].college == college
        for q in range(len(participants))
    )
    for there in range(near.shape[1]):
        if there == here or np.isnan(near[p, there]):
            continue
        lost = float(near[p, here] - near[p, there])
        if leaves_mate and taken[there] < seats:
            trial = table.copy()
            trial[p] = there
            yield trial, lost
        for q in np.flatnonzero(table == there).tolist():
            # One college for the same: both tables stay as mixed as they were.
            if participants[q].college == college and not np.isnan(near[q, here]):
                trial = table.copy()
                trial[p], trial[q] = there, here
                yield trial, lost + float(near[q, there] - near[q, here])


def _count_acquainted(table: Indices, friends: dict[int, set[int]]) -> int:
    return sum(
        int(table[a] >= 0 and table[a] == table[b])
        for a, others in friends.items()
        for b in others
        if a < b
    )
