"""What people said of pairings: rows that are only ever added."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.store.undoing import find_undone
from service.tables import Decision

Pair = tuple[int, int]


class Say(StrEnum):
    """What a person says of a pairing."""

    ACCEPT = "accept"
    SET_ASIDE = "set-aside"
    POSTPONE = "postpone"
    IN_CONTACT = "in-contact"
    UNCERTAIN = "uncertain"
    NOTE = "note"
    UNDO = "undo"


class Read(NamedTuple):
    """A pair as it was decided on: two statements, and the hashes of the texts that were read.

    `bars` are those it was shown with, made by the model of this fingerprint; none in old rows.
    """

    left: int
    right: int
    left_hash: str
    right_hash: str
    bars: Mapping[str, float] = MappingProxyType({})
    model: str = ""

    @property
    def pair(self) -> Pair:
        """Its two statements, the lower first."""
        return ordered(self.left, self.right)


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One decision: `undone` where a later one that stands took it back.

    `filter` is what chose its pairs, None where they were named one by one.
    """

    id: int
    at: dt.datetime
    by: str
    action: Say
    reason: str
    words: str
    until: dt.date | None
    pairs: Sequence[Read]
    undoes: int | None
    undone: bool = False
    filter: Mapping[str, Any] | None = None

    def holds(self, pair: Pair, hashes: Mapping[int, str], today: dt.date) -> bool:
        """Whether it settles the pair today: no text changed since, and not put off until now."""
        if self.action == Say.SET_ASIDE:
            return is_as_read(self, pair, hashes)
        return self.action != Say.POSTPONE or (self.until is not None and self.until > today)


def add_decision(session: Session, sociopole_id: int, decision: DecisionView) -> int:
    """Write a decision, but for its own number and whether it is undone; returns its number."""
    row = Decision(
        sociopole_id=sociopole_id,
        at=decision.at,
        by=decision.by,
        action=str(decision.action),
        reason=decision.reason,
        words=decision.words,
        until=decision.until,
        pairs=[[*pair[:4], dict(pair.bars), pair.model] for pair in decision.pairs],
        filter=None if decision.filter is None else dict(decision.filter),
        undoes_id=decision.undoes,
    )
    session.add(row)
    session.flush()
    return row.id


def list_decisions(session: Session, sociopole_id: int) -> list[DecisionView]:
    """Every decision of a sociopôle, undoings among them, in their order."""
    rows = list(
        session.execute(
            select(Decision).where(Decision.sociopole_id == sociopole_id).order_by(Decision.id)
        ).scalars()
    )
    undone = find_undone([(row.id, row.undoes_id) for row in rows])
    return [
        DecisionView(
            id=row.id,
            at=row.at,
            by=row.by,
            action=Say(row.action),
            reason=row.reason,
            words=row.words,
            until=row.until,
            pairs=[Read(*pair) for pair in row.pairs],
            undoes=row.undoes_id,
            undone=row.id in undone,
            filter=row.filter,
        )
        for row in rows
    ]


def standing_decisions(session: Session, sociopole_id: int) -> dict[Pair, DecisionView]:
    """What was said last of each pair, lower statement first; a note changes nothing."""
    return only_standing(list_decisions(session, sociopole_id))


def only_standing(decisions: Sequence[DecisionView]) -> dict[Pair, DecisionView]:
    """What was said last of each pair, of all decisions in their order."""
    return {
        read.pair: decision
        for decision in decisions
        if not decision.undone and decision.action not in {Say.NOTE, Say.UNDO}
        for read in decision.pairs
    }


def pair_versions(decisions: Sequence[DecisionView]) -> dict[Pair, int]:
    """The number of the last decision about each pair, notes and undoings among them."""
    return {read.pair: decision.id for decision in decisions for read in decision.pairs}


def is_as_read(decision: DecisionView, pair: Pair, hashes: Mapping[int, str]) -> bool:
    """Whether both texts of a pair are still those that were decided on."""
    read = next(read for read in decision.pairs if read.pair == pair)
    return (hashes.get(read.left), hashes.get(read.right)) == (read.left_hash, read.right_hash)


def ordered(left: int, right: int) -> Pair:
    """The pair with the lower statement first."""
    return (left, right) if left < right else (right, left)
