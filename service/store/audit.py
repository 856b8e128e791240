"""The audit trail: who did what that touches people, rights or whole sociopôles."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.tables import Audit


@dataclass(frozen=True, slots=True)
class AuditView:
    """One entry: `by` is the number of an account, None for the command line."""

    id: int
    at: dt.datetime
    by: int | None
    action: str
    sociopole: int | None
    about: str
    detail: Mapping[str, Any]


def add_audit(
    session: Session,
    at: dt.datetime,
    *,
    by: int | None,
    action: str,
    sociopole: int | None = None,
    about: str = "",
    **detail: object,
) -> None:
    """Write an entry in the transaction of what it tells of."""
    session.add(
        Audit(
            at=at,
            account_id=by,
            action=action,
            sociopole_id=sociopole,
            about=about[:200],
            detail=detail,
        )
    )
    session.flush()


def list_audit(session: Session, *, before: int | None = None, limit: int = 50) -> list[AuditView]:
    """Entries, the newest first, those before one of them."""
    query = select(Audit).order_by(Audit.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Audit.id < before)
    return [
        AuditView(
            row.id, row.at, row.account_id, row.action, row.sociopole_id, row.about, row.detail
        )
        for row in session.execute(query).scalars()
    ]
