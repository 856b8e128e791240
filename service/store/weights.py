"""What the bars count for in a sociopôle: rows that are only ever added."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from matcher.bars import Weights
from service.store.undoing import find_undone
from service.tables import WeightsRow


class Put(StrEnum):
    """What a person does with the weights of a sociopôle."""

    APPLY = "apply"
    RESET = "reset"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class WeightsView:
    """What a person put in force: `weights` are None for the default ones.

    They were learnt from so many `decisions`, up to the number `last_decision`, with the model of
    this fingerprint; `undone` where a later row that stands took it back.
    """

    id: int
    at: dt.datetime
    by: str
    action: Put
    weights: Weights | None = None
    decisions: int = 0
    last_decision: int = 0
    fingerprint: str = ""
    measure: Mapping[str, Any] | None = None
    undoes: int | None = None
    undone: bool = False


def add_weights(session: Session, sociopole_id: int, put: WeightsView) -> int:
    """Write what a person put, but for its own number and whether it is undone; its number."""
    row = WeightsRow(
        sociopole_id=sociopole_id,
        at=put.at,
        by=put.by,
        action=str(put.action),
        by_bar=put.weights.by_bar() if put.weights else None,
        decisions=put.decisions,
        last_decision=put.last_decision,
        fingerprint=put.fingerprint,
        measure=dict(put.measure or {}),
        undoes_id=put.undoes,
    )
    session.add(row)
    session.flush()
    return row.id


def list_weights(session: Session, sociopole_id: int) -> list[WeightsView]:
    """Everything that was put in force in a sociopôle, undoings among it, in its order."""
    rows = list(
        session.execute(
            select(WeightsRow)
            .where(WeightsRow.sociopole_id == sociopole_id)
            .order_by(WeightsRow.id)
        ).scalars()
    )
    undone = find_undone([(row.id, row.undoes_id) for row in rows])
    return [
        WeightsView(
            id=row.id,
            at=row.at,
            by=row.by,
            action=Put(row.action),
            weights=None if row.by_bar is None else Weights(**row.by_bar),
            decisions=row.decisions,
            last_decision=row.last_decision,
            fingerprint=row.fingerprint,
            measure=row.measure,
            undoes=row.undoes_id,
            undone=row.id in undone,
        )
        for row in rows
    ]


def standing_weights(session: Session, sociopole_id: int) -> WeightsView | None:
    """What was put last and not taken back; None where nothing was."""
    rows = list_weights(session, sociopole_id)
    standing = [row for row in rows if not row.undone and row.action != Put.UNDO]
    return standing[-1] if standing else None


def weights_in_force(session: Session, sociopole_id: int) -> Weights:
    """What the next run weighs the bars by."""
    standing = standing_weights(session, sociopole_id)
    return (standing and standing.weights) or Weights()
