"""Runs, the pairings they propose and the statements they leave without an answer."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from service.store.decisions import Pair
from service.tables import Orphan, Pairing, Run


@dataclass(frozen=True, slots=True)
class PairingView:
    """A proposed pair: statement ids, score, bars by name, reasons, ids of alternates.

    `rank` is 0 where the run that is looked at does not propose it.
    """

    rank: int
    left: int
    right: int
    score: float
    bars: Mapping[str, float]
    reasons: Sequence[Mapping[str, Any]]
    alternates: Sequence[int]


@dataclass(frozen=True, slots=True)
class RunView:
    """A run: its number, settings, pairings by rank and (statement, why) of the orphans."""

    id: int
    at: dt.datetime
    revision: int
    settings: Mapping[str, Any]
    pairings: Sequence[PairingView]
    orphans: Sequence[tuple[int, str]]


class RunHead(NamedTuple):
    """A run without what it proposes."""

    id: int
    at: dt.datetime
    settings: Mapping[str, Any]


def save_run(
    session: Session,
    *,
    sociopole_id: int,
    at: dt.datetime,
    revision: int,
    fingerprint: str,
    settings: Mapping[str, Any],
) -> int:
    """Open a new run; returns its number."""
    run = Run(
        sociopole_id=sociopole_id,
        at=at,
        revision=revision,
        fingerprint=fingerprint,
        settings=dict(settings),
    )
    session.add(run)
    session.flush()
    return run.id


def save_pairings(session: Session, run_id: int, pairings: Sequence[PairingView]) -> None:
    """Write the pairings of a run."""
    rows = [
        {
            "run_id": run_id,
            "rank": pairing.rank,
            "left_id": pairing.left,
            "right_id": pairing.right,
            "score": pairing.score,
            "bars": dict(pairing.bars),
            "reasons": list(pairing.reasons),
            "alternates": list(pairing.alternates),
        }
        for pairing in pairings
    ]
    if rows:
        session.execute(insert(Pairing), rows)


def save_orphans(session: Session, run_id: int, orphans: Sequence[tuple[int, str]]) -> None:
    """Write what a run leaves without an answer, with the reason in words."""
    rows = [{"run_id": run_id, "statement_id": i, "why": why} for i, why in orphans]
    if rows:
        session.execute(insert(Orphan), rows)


def run_head(session: Session, sociopole_id: int, number: int | None = None) -> RunHead | None:
    """The last run of a sociopôle, or the one of this number."""
    wanted = select(Run.id, Run.at, Run.settings).where(Run.sociopole_id == sociopole_id)
    if number is not None:
        wanted = wanted.where(Run.id == number)
    row = session.execute(wanted.order_by(Run.id.desc()).limit(1)).first()
    return RunHead(row.id, row.at, row.settings) if row else None


def latest_run(session: Session, sociopole_id: int) -> RunView | None:
    """The last run of a sociopôle."""
    run = session.execute(
        select(Run).where(Run.sociopole_id == sociopole_id).order_by(Run.id.desc()).limit(1)
    ).scalar_one_or_none()
    if run is None:
        return None
    pairings = session.execute(
        select(Pairing).where(Pairing.run_id == run.id).order_by(Pairing.rank)
    ).scalars()
    orphans = session.execute(
        select(Orphan).where(Orphan.run_id == run.id).order_by(Orphan.statement_id)
    ).scalars()
    return RunView(
        id=run.id,
        at=run.at,
        revision=run.revision,
        settings=run.settings,
        pairings=[view_pairing(pairing) for pairing in pairings],
        orphans=[(orphan.statement_id, orphan.why) for orphan in orphans],
    )


def pairs_of_runs(
    session: Session, sociopole_id: int, runs: Collection[int]
) -> dict[tuple[int, int], Pair]:
    """The statements that each (run, rank) of a sociopôle's runs brought together."""
    rows = session.execute(
        select(Pairing.run_id, Pairing.rank, Pairing.left_id, Pairing.right_id)
        .join(Run, Run.id == Pairing.run_id)
        .where(Run.sociopole_id == sociopole_id, Run.id.in_(sorted(runs)))
    )
    return {(row.run_id, row.rank): (row.left_id, row.right_id) for row in rows}


def view_pairing(row: Pairing) -> PairingView:
    """A row as it is read."""
    return PairingView(
        row.rank, row.left_id, row.right_id, row.score, row.bars, row.reasons, row.alternates
    )
