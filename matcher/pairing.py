"""From statements and who is near whom to chosen pairings with their bars, alternates, orphans."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matcher.assignment import Candidates, Limits, Room, Seats, choose_pairings, room_after
from matcher.bars import (
    ADEQUATE,
    Bars,
    Weights,
    complementarities,
    meaning_bar,
    novelties,
    sector_gaps,
)
from matcher.encoder import Encoder, Vectors
from matcher.fusion import (
    Background,
    Neighbours,
    closeness,
    correct_hubs,
    hubness,
    measure_background,
)
from matcher.reasons import Reason, find_reasons
from matcher.statements import College, Kind, Statement, passages
from matcher.words import nearest_in_words, weigh_words, word_cosines

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

NEAR_IN_MEANING = 30
NEAR_IN_WORDS = 10
ALTERNATES = 3
BACKGROUND = Background(0.15, 0.09)
"""Of the bundled encoder, on texts of a few sentences."""


class TextPair(NamedTuple):
    """Two texts that should meet, as positions in the two lists, and why."""

    left: int
    right: int
    score: float
    meaning: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Side:
    """Statements of one kind as positions in a list, with their vectors `(n, dim)`."""

    kind: Kind
    positions: Indices
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Block:
    """Two sides that are to meet, and who is near whom: neighbour ids are positions in the list."""

    left: Side
    right: Side
    right_of_left: Neighbours
    left_of_right: Neighbours


@dataclass(frozen=True, slots=True)
class Proposals:
    """Adequate candidates with their bars, and which of them were chosen, best first."""

    candidates: Candidates
    bars: Bars
    chosen: Indices
    seats: Seats
    limits: Limits
    best_meaning: Floats
    """The best bar of meaning each statement reached with anyone, -1 where there was no one."""
    _room: Room = field(repr=False)

    def with_weights(self, weights: Weights) -> "Proposals":
        """What is chosen of the same candidates where the bars weigh otherwise."""
        candidates = self.candidates._replace(scores=weights.score(self.bars))
        chosen = choose_pairings(candidates, self.seats, self.limits)
        room = room_after(candidates, chosen, self.seats, self.limits)
        return replace(self, candidates=candidates, chosen=chosen, _room=room)

    def alternates(self) -> dict[int, list[int]]:
        """For each statement of a pairing, its best partners that were not chosen, as positions."""
        left, right, scores = self.candidates
        free = np.ones(len(left), dtype=np.bool_)
        free[self.chosen] = False
        rest = np.flatnonzero(free)
        partners: dict[int, list[int]] = {}
        for position in rest[np.lexsort((rest, -scores[rest]))].tolist():
            for here, there in (
                (int(left[position]), int(right[position])),
                (int(right[position]), int(left[position])),
            ):
                known = partners.setdefault(here, [])
                if len(known) < ALTERNATES:
                    known.append(there)
        return partners

    def uncovered(self) -> list[int]:
        """Seeking statements without a pairing, as positions."""
        covered = np.zeros(len(self.seats.seeking), dtype=np.bool_)
        covered[self.candidates.left[self.chosen]] = True
        covered[self.candidates.right[self.chosen]] = True
        return np.flatnonzero(self.seats.seeking & ~covered).tolist()

    def blocking(self, statement: int) -> tuple[bool, bool]:
        """Whether an adequate partner is at its load, and whether one has all its proposals."""
        left, right, _ = self.candidates
        partners = np.r_[right[left == statement], left[right == statement]].tolist()
        return (
            any(self._room.full_organisation(partner) for partner in partners),
            any(self._room.full_statement(partner) for partner in partners),
        )


def suggest_pairings(  # noqa: PLR0913 - each is one fact of the run
    statements: Sequence[Statement],
    blocks: Sequence[Block],
    *,
    known: Iterable[tuple[int, int]] = (),
    closed: Iterable[tuple[int, int]] = (),
    limits: Limits | None = None,
    weights: Weights | None = None,
    background: Background = BACKGROUND,
    seeking: Collection[Kind] = (),
) -> Proposals:
    """Choose the pairings of several blocks together, under one set of limits.

    `statements` are sorted by id. A pair within one organisation is never a candidate.
    `closed` are pairs of positions, in any order, that a person settled: never candidates.
    `weights` are what each bar counts for in the score that the choice maximises.
    `background` is the encoder's, for blocks too small to tell it. `seeking` are kinds that must
    be covered beside those on the left of a block: they are listed even where nobody could answer.
    """
    limits, weights = limits or Limits(), weights or Weights()
    known = tuple(known)
    parts = [_candidates_of(statements, block, background) for block in blocks]
    left, right, near = _without(_merge(parts, len(statements)), closed, len(statements))
    meaning = meaning_bar(near)
    best = np.full(len(statements), -1, dtype=np.float32)
    np.maximum.at(best, left, meaning)
    np.maximum.at(best, right, meaning)
    keep = meaning >= ADEQUATE
    left, right, meaning = left[keep], right[keep], meaning[keep]
    bars = Bars(
        meaning,
        sector_gaps(statements, left, right),
        complementarities(statements, left, right),
        novelties(statements, left, right, known=known),
    )
    candidates = Candidates(left, right, weights.score(bars))
    seats = _seats(statements, {*seeking, *(block.left.kind for block in blocks)})
    chosen = choose_pairings(candidates, seats, limits)
    room = room_after(candidates, chosen, seats, limits)
    return Proposals(candidates, bars, chosen, seats, limits, best, room)


def pair_texts(
    left: Sequence[str],
    right: Sequence[str],
    encoder: Encoder,
    *,
    limits: Limits | None = None,
    weights: Weights | None = None,
) -> list[TextPair]:
    """Pair two lists of texts, problems and interests say, without a service; best first.

    Each text stands for an organisation of its own, so `limits.max_load` holds per right text.
    """
    statements = [
        Statement(i, Kind.PROBLEM, i, College.ASSOCIATION, "", text) for i, text in enumerate(left)
    ]
    statements += [
        Statement(i, Kind.INTEREST, i, College.ACADEMIC, "", text)
        for i, text in enumerate(right, start=len(left))
    ]
    sides = [
        Side(kind, np.array([s.id for s in statements if s.kind == kind], dtype=np.int64), vectors)
        for kind, vectors in (
            (Kind.PROBLEM, encoder.encode_passages(left)),
            (Kind.INTEREST, encoder.encode_passages(right)),
        )
    ]
    if not left or not right:
        return []
    block = Block(
        sides[0],
        sides[1],
        nearest_in_meaning(sides[0], sides[1]),
        nearest_in_meaning(sides[1], sides[0]),
    )
    found = suggest_pairings(statements, [block], limits=limits, weights=weights)
    ends = [
        (int(found.candidates.left[i]), int(found.candidates.right[i]))
        for i in found.chosen.tolist()
    ]
    reasons = find_reasons([(statements[a].text, statements[b].text) for a, b in ends], encoder)
    return [
        TextPair(
            a,
            b - len(left),
            float(found.candidates.scores[i]),
            float(found.bars.meaning[i]),
            reason,
        )
        for i, (a, b), reason in zip(found.chosen.tolist(), ends, reasons, strict=True)
    ]


def nearest_in_meaning(asking: Side, asked: Side, k: int = NEAR_IN_MEANING) -> Neighbours:
    """The `k` nearest of one side for each of the other, by comparing all. Ties by position."""
    cosines = asking.vectors @ asked.vectors.T
    itself = asking.positions[:, None] == asked.positions[None, :]
    cosines[itself] = -np.inf
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    ids = np.where(np.take_along_axis(itself, order, axis=1), -1, asked.positions[order])
    return Neighbours(ids, np.take_along_axis(cosines, order, axis=1))


def _candidates_of(
    statements: Sequence[Statement], block: Block, prior: Background
) -> tuple[Indices, Indices, Floats]:
    """Pairs near in meaning or in words, with their closeness."""
    left, right = block.left, block.right
    place = {int(p): i for i, p in enumerate(right.positions)}
    home = {int(p): i for i, p in enumerate(left.positions)}
    left_words, right_words = weigh_words(
        passages([statements[p] for p in left.positions]),
        passages([statements[p] for p in right.positions]),
    )
    near = nearest_in_words(left_words, right_words, NEAR_IN_WORDS)
    rows = np.r_[
        _rows(block.right_of_left),
        _look_up(home, block.left_of_right.ids),
        near[0],
    ]
    columns = np.r_[
        _look_up(place, block.right_of_left.ids),
        _rows(block.left_of_right),
        near[1],
    ]
    known = np.r_[
        block.right_of_left.cosines[block.right_of_left.ids >= 0],
        block.left_of_right.cosines[block.left_of_right.ids >= 0],
        np.full(len(near[0]), np.nan, dtype=np.float32),
    ]
    pairs, first = np.unique(rows * len(right.positions) + columns, return_index=True)
    cosines = known[first].astype(np.float32)
    rows, columns = pairs // len(right.positions), pairs % len(right.positions)
    owner = np.array([s.organisation for s in statements], dtype=np.int64)
    apart = owner[left.positions[rows]] != owner[right.positions[columns]]
    rows, columns, cosines = rows[apart], columns[apart], cosines[apart]
    # Only pairs that the words alone brought have not been compared yet.
    new = np.isnan(cosines)
    cosines[new] = _cosines(left.vectors, right.vectors, rows[new], columns[new])
    meaning = correct_hubs(
        cosines,
        hubness(block.right_of_left)[rows],
        hubness(block.left_of_right)[columns],
    )
    words = word_cosines(left_words, right_words, (rows, columns))
    background = measure_background(left.vectors, right.vectors, prior=prior)
    return left.positions[rows], right.positions[columns], closeness(meaning, words, background)


def _merge(
    parts: Sequence[tuple[Indices, Indices, Floats]], n_statements: int
) -> tuple[Indices, Indices, Floats]:
    """One entry a pair; where left and right are of one kind the lower position is the left."""
    if not parts:
        none = np.empty(0, dtype=np.int64)
        return none, none, np.empty(0, dtype=np.float32)
    left, right, near = (np.concatenate([part[i] for part in parts]) for i in range(3))
    lower, upper = np.minimum(left, right), np.maximum(left, right)
    _, first = np.unique(lower * n_statements + upper, return_index=True)
    return left[first], right[first], near[first].astype(np.float32)


def _without(
    pairs: tuple[Indices, Indices, Floats], closed: Iterable[tuple[int, int]], n_statements: int
) -> tuple[Indices, Indices, Floats]:
    left, right, near = pairs
    keys = [min(pair) * n_statements + max(pair) for pair in closed]
    kept = ~np.isin(np.minimum(left, right) * n_statements + np.maximum(left, right), keys)
    return left[kept], right[kept], near[kept]


def _seats(statements: Sequence[Statement], seeking: Collection[Kind]) -> Seats:
    return Seats(
        seeking=np.array([s.kind in seeking for s in statements], dtype=np.bool_),
        organisation=np.array([s.organisation for s in statements], dtype=np.int64),
        limited=np.array([s.college == College.ACADEMIC for s in statements], dtype=np.bool_),
    )


def _rows(neighbours: Neighbours) -> Indices:
    return np.nonzero(neighbours.ids >= 0)[0].astype(np.int64)


def _look_up(places: dict[int, int], ids: Indices) -> Indices:
    return np.array([places[i] for i in ids[ids >= 0].tolist()], dtype=np.int64)


def _cosines(left: Vectors, right: Vectors, rows: Indices, columns: Indices) -> Floats:
    result = np.empty(len(rows), dtype=np.float32)
    # Blocks: a million gathered rows of 384 floats would take 3 GB.
    for start in range(0, len(rows), 65_536):
        stop = start + 65_536
        result[start:stop] = np.einsum(
            "ij,ij->i", left[rows[start:stop]], right[columns[start:stop]]
        )
    return result
