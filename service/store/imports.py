"""Files that were taken in, with the columns they were read by and their report."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from service.database import now
from service.tables import Import


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
