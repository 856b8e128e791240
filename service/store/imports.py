"""Files that were taken in, with the columns they were read by and their report."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.database import now
from service.errors import NotFound
from service.tables import Import


@dataclass(frozen=True, slots=True)
class ImportView:
    """A file that was taken in, by which columns, and what became of its rows."""

    id: int
    at: dt.datetime
    file_name: str
    kind: str
    columns: Mapping[str, Any]
    report: Mapping[str, Any]


def save_import(  # noqa: PLR0913 - the columns of one row
    session: Session,
    sociopole_id: int,
    path: Path,
    *,
    file_name: str,
    kind: str,
    columns: Mapping[str, str],
    report: Mapping[str, Any],
) -> None:
    """Remember a file: its name, the hash of its bytes, its columns and its report."""
    session.add(
        Import(
            sociopole_id=sociopole_id,
            at=now(),
            file_name=file_name[:300],
            file_hash=hashlib.sha256(path.read_bytes()).hexdigest(),
            kind=kind,
            columns=dict(columns),
            report=dict(report),
        )
    )
    session.flush()


def list_imports(
    session: Session, sociopole_id: int, *, before: int | None = None, limit: int = 50
) -> list[ImportView]:
    """Files of a sociopôle, the newest first, those before one of them."""
    query = select(Import).where(Import.sociopole_id == sociopole_id)
    if before is not None:
        query = query.where(Import.id < before)
    rows = session.execute(query.order_by(Import.id.desc()).limit(limit)).scalars()
    return [_view(row) for row in rows]


def get_import(session: Session, sociopole_id: int, number: int) -> ImportView:
    """One file of a sociopôle. Raises NotFound."""
    row = session.execute(
        select(Import).where(Import.sociopole_id == sociopole_id, Import.id == number)
    ).scalar_one_or_none()
    if row is None:
        raise NotFound(f"Il n'y a pas d'import {number} dans ce sociopôle.")
    return _view(row)


def _view(row: Import) -> ImportView:
    return ImportView(row.id, row.at, row.file_name, row.kind, row.columns, row.report)
