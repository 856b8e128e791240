"""The lines of the ledger that this database has followed, and consents that were withdrawn."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.rgpd.identity import Keys
from service.rgpd.ledger import LEAVING, Asked, Line
from service.store.revisions import take_revisions
from service.store.statements import CHUNK
from service.tables import Organisation, RightsRequest, RightsSecret, Sociopole, StatementRow


def note_request(session: Session, line: Line) -> None:
    """Note that this database has followed a line."""
    session.add(
        RightsRequest(
            id=line.id,
            at=line.at,
            asked=str(line.asked),
            mask_texts=line.mask_texts,
            keys=line.keys.as_json(),
            # Only of who leaves is there something to clean.
            cleaned_at=None if line.asked in LEAVING else line.at,
        )
    )
    session.flush()


def mark_cleaned(session: Session, at: dt.datetime) -> None:
    """Note that the files hold no byte of whoever left so far."""
    session.execute(
        update(RightsRequest).where(RightsRequest.cleaned_at.is_(None)).values(cleaned_at=at)
    )


def noted_requests(session: Session, *, uncleaned: bool = False) -> list[Line]:
    """The lines this database has followed, oldest first; only those not cleaned up yet."""
    query = select(RightsRequest).order_by(RightsRequest.at, RightsRequest.id)
    if uncleaned:
        query = query.where(RightsRequest.cleaned_at.is_(None))
    rows = session.execute(query).scalars()
    return [
        Line(row.id, row.at, Asked(row.asked), Keys.from_json(row.keys), row.mask_texts)
        for row in rows
    ]


def stored_secret(session: Session) -> bytes | None:
    """What the hashes of this database were made with."""
    found = session.execute(select(RightsSecret.secret)).scalar_one_or_none()
    return None if found is None else bytes.fromhex(found)


def store_secret(session: Session, secret: bytes) -> None:
    """Keep the secret; another process may have kept one first."""
    if session.get_bind().dialect.name == "postgresql":
        statement: Any = postgresql.insert(RightsSecret).on_conflict_do_nothing()
    else:
        statement = sqlite.insert(RightsSecret).on_conflict_do_nothing()
    session.execute(statement, [{"id": 1, "secret": secret.hex()}])


def statement_names(session: Session, ids: Collection[int] | None = None) -> dict[int, str]:
    """What the ledger calls these statements, or all of them, by number."""
    query = select(StatementRow.id, Sociopole.slug, StatementRow.kind, StatementRow.reference).join(
        Sociopole, Sociopole.id == StatementRow.sociopole_id
    )
    if ids is not None and len(ids) <= CHUNK:
        query = query.where(StatementRow.id.in_(ids))
    return {
        row.id: ledger_name(row.slug, row.kind, row.reference)
        for row in session.execute(query)
        if ids is None or row.id in ids
    }


def ledger_name(slug: str, kind: str, reference: str) -> str:
    """What the ledger calls a statement: the same after a restore and another import."""
    return f"{slug}|{kind}|{reference}"


def find_statements(
    session: Session, slug: str, *, public_ids: Collection[str] = (), organisation_key: str = ""
) -> set[int]:
    """The statements of a sociopôle with these ids, and those of an organisation."""
    query = (
        select(StatementRow.id, StatementRow.public_id, Organisation.name_key)
        .join(Sociopole, Sociopole.id == StatementRow.sociopole_id)
        .join(Organisation, Organisation.id == StatementRow.organisation_id, isouter=True)
        .where(Sociopole.slug == slug, StatementRow.deleted.is_(False))
    )
    if not organisation_key and len(public_ids) <= CHUNK:
        query = query.where(StatementRow.public_id.in_(public_ids))
    rows = session.execute(query)
    return {
        row.id
        for row in rows
        if row.public_id in public_ids or (organisation_key and row.name_key == organisation_key)
    }


def set_consent(session: Session, ids: Collection[int], *, consent: bool) -> int:
    """Say whether statements may be published; returns how many changed."""
    numbers = sorted(ids)
    changed: list[int] = []
    for start in range(0, len(numbers), CHUNK):
        part = StatementRow.id.in_(numbers[start : start + CHUNK])
        found = select(StatementRow.id).where(part, StatementRow.consent.is_not(consent))
        changed += session.execute(found.order_by(StatementRow.id)).scalars()
    if changed:
        # A new version: who read the former is told, and what is kept of who may see it follows.
        session.execute(
            update(StatementRow),
            [
                {"id": number, "consent": consent, "revision": revision}
                for number, revision in zip(
                    changed, take_revisions(session, len(changed)), strict=True
                )
            ],
        )
    return len(changed)
