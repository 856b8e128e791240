"""Statements as they leave: row by row, however many there are."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.store.statements import CHUNK
from service.tables import Organisation, StatementRow

BATCH = 2_000
"""Rows that are in memory at once."""


class StatementOut(NamedTuple):
    """A statement with what was written in its sheet; `organisation_id` is None where none was."""

    public_id: str
    kind: str
    organisation_id: int | None
    organisation: str
    college: str
    title: str
    text: str
    sector_written: str
    sector: str
    discipline_written: str
    discipline: str
    territory_id: str
    consent: bool
    written_on: dt.date | None


def stream_statements(
    session: Session, sociopole_id: int, *, only_published: bool = False
) -> Iterator[StatementOut]:
    """The statements of a sociopôle by id, read as they are asked for."""
    query = (
        select(
            StatementRow.public_id,
            StatementRow.kind,
            StatementRow.organisation_id,
            func.coalesce(Organisation.name, ""),
            func.coalesce(Organisation.college, ""),
            StatementRow.title,
            StatementRow.text,
            StatementRow.sector_written,
            StatementRow.sector,
            StatementRow.discipline_written,
            StatementRow.discipline,
            StatementRow.territory_id,
            StatementRow.consent,
            StatementRow.written_on,
        )
        .join(Organisation, Organisation.id == StatementRow.organisation_id, isouter=True)
        .where(StatementRow.sociopole_id == sociopole_id, StatementRow.deleted.is_(False))
        .order_by(StatementRow.id)
    )
    if only_published:
        query = query.where(StatementRow.consent)
    for row in session.execute(query.execution_options(yield_per=BATCH)):
        yield StatementOut._make(row)


def territories_of_statements(session: Session, sociopole_id: int) -> list[str]:
    """The ids of the territories that the statements of a sociopôle name."""
    rows = session.execute(
        select(StatementRow.territory_id)
        .where(StatementRow.sociopole_id == sociopole_id, StatementRow.deleted.is_(False))
        .distinct()
    )
    return sorted(rows.scalars())


def published_among(session: Session, ids: Sequence[int]) -> set[int]:
    """Those of these statements whose authors agreed to their publication."""
    found: set[int] = set()
    for start in range(0, len(ids), CHUNK):
        rows = session.execute(
            select(StatementRow.id).where(
                StatementRow.id.in_(list(ids[start : start + CHUNK])), StatementRow.consent
            )
        )
        found.update(rows.scalars())
    return found
