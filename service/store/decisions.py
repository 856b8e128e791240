"""What people said of pairings: rows that are only ever added."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

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
    """A pair as it was decided on: two statements, and the hashes of the texts that were read."""

    left: int
    right: int
    left_hash: str
    right_hash: str


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One decision: `undone` where a later one that stands took it back."""

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
        pairs=[list(pair) for pair in decision.pairs],
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
        )
        for row in rows
    ]


def standing_decisions(session: Session, sociopole_id: int) -> dict[Pair, DecisionView]:
    """What was said last of each pair, lower statement first; a note changes nothing."""
    said: dict[Pair, DecisionView] = {}
    for decision in list_decisions(session, sociopole_id):
        if decision.undone or decision.action in {Say.NOTE, Say.UNDO}:
            continue
        for pair in decision.pairs:
            said[ordered(pair.left, pair.right)] = decision
    return said


def is_as_read(decision: DecisionView, pair: Pair, hashes: Mapping[int, str]) -> bool:
    """Whether both texts of a pair are still those that were decided on."""
    read = next(p for p in decision.pairs if ordered(p.left, p.right) == pair)
    return (hashes.get(read.left), hashes.get(read.right)) == (read.left_hash, read.right_hash)


def ordered(left: int, right: int) -> Pair:
    """The pair with the lower statement first."""
    return (left, right) if left < right else (right, left)
