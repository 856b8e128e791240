"""Contacts: persons kept apart from their organisation, since when, and whether they were told."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.store.statements import CHUNK
from service.tables import Contact, Organisation, Sociopole, StatementContact, StatementRow

Key = tuple[int, str, str]
"""Organisation, name, e-mail: what makes a contact one."""
Reference = tuple[str, str]
"""Kind and reference: what makes a statement one in its sociopôle."""


class ContactView(NamedTuple):
    """A contact as it is shown, beside its organisation."""

    id: int
    organisation_id: int
    organisation: str
    organisation_key: str
    college: str
    sociopole: str
    name: str
    email: str
    added_at: dt.datetime
    touched_at: dt.datetime
    informed_at: dt.datetime | None


def list_contacts(session: Session, slug: str = "") -> list[ContactView]:
    """Every contact, or those of one sociopôle, by organisation and name."""
    rows = session.execute(
        select(
            Contact.id,
            Contact.organisation_id,
            Organisation.name,
            Organisation.name_key,
            Organisation.college,
            Sociopole.slug,
            Contact.name,
            Contact.email,
            Contact.added_at,
            Contact.touched_at,
            Contact.informed_at,
        )
        .join(Organisation, Organisation.id == Contact.organisation_id)
        .join(Sociopole, Sociopole.id == Organisation.sociopole_id)
        .where(Sociopole.slug == slug if slug else True)  # type: ignore[arg-type]  # all of them
        .order_by(Organisation.name, Contact.name, Contact.email, Contact.id)
    )
    return [ContactView(*row) for row in rows]


def keep_contacts(
    session: Session, sociopole_id: int, came: Mapping[Reference, Key], at: dt.datetime
) -> None:
    """Write the contacts that are new, touch the others, and say which statement each came with."""
    if came:
        numbers = _keep(session, set(came.values()), at)
        _link(session, sociopole_id, {statement: numbers[key] for statement, key in came.items()})


def statements_of_contacts(session: Session, ids: Collection[int]) -> set[int]:
    """The statements that came with these contacts."""
    found: set[int] = set()
    for part in _parts(list(ids)):
        found |= set(
            session.execute(
                select(StatementContact.statement_id).where(StatementContact.contact_id.in_(part))
            ).scalars()
        )
    return found


def delete_contacts(session: Session, ids: Collection[int]) -> None:
    """Remove contacts, and the links from their statements."""
    for part in _parts(list(ids)):
        session.execute(delete(StatementContact).where(StatementContact.contact_id.in_(part)))
        session.execute(delete(Contact).where(Contact.id.in_(part)))


def mark_informed(session: Session, ids: Collection[int], at: dt.datetime) -> None:
    """Note that these contacts were told that they are kept here."""
    for part in _parts(list(ids)):
        session.execute(
            update(Contact).where(Contact.id.in_(part)).values(informed_at=at, touched_at=at)
        )


def rewrite_contact(session: Session, view: ContactView, key: Key, at: dt.datetime) -> None:
    """Give a contact another name or e-mail; where that one is there already, they become one."""
    same = _numbers(session, {key}).get(key)
    if same in {None, view.id}:
        session.execute(
            update(Contact)
            .where(Contact.id == view.id)
            .values(name=key[1], email=key[2], touched_at=at)
        )
        return
    for statement in sorted(statements_of_contacts(session, {view.id})):
        session.execute(
            _insert(session).on_conflict_do_nothing(),
            [{"statement_id": statement, "contact_id": same}],
        )
    delete_contacts(session, {view.id})


def _keep(session: Session, wanted: set[Key], at: dt.datetime) -> dict[Key, int]:
    known = _numbers(session, wanted)
    _touch(session, list(known.values()), at)
    new = sorted(wanted - set(known))
    if not new:
        return known
    session.execute(
        insert(Contact),
        [
            {
                "organisation_id": organisation,
                "name": name,
                "email": email,
                "added_at": at,
                "touched_at": at,
                "informed_at": None,
            }
            for organisation, name, email in new
        ],
    )
    return _numbers(session, wanted)


def _link(session: Session, sociopole_id: int, contacts: Mapping[Reference, int]) -> None:
    """Say which contact each statement came with, in place of what was said before."""
    rows = session.execute(
        select(StatementRow.id, StatementRow.kind, StatementRow.reference).where(
            StatementRow.sociopole_id == sociopole_id, StatementRow.deleted.is_(False)
        )
    )
    links = {row.id: contacts[row.kind, row.reference] for row in rows
             if (row.kind, row.reference) in contacts}  # fmt: skip
    for part in _parts(list(links)):
        session.execute(delete(StatementContact).where(StatementContact.statement_id.in_(part)))
    if links:
        session.execute(
            _insert(session).on_conflict_do_nothing(),
            [{"statement_id": s, "contact_id": contact} for s, contact in links.items()],
        )


def _numbers(session: Session, wanted: Collection[Key]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for part in _parts(sorted({organisation for organisation, _, _ in wanted})):
        rows = session.execute(select(Contact).where(Contact.organisation_id.in_(part))).scalars()
        keys = {(row.organisation_id, row.name, row.email): row.id for row in rows}
        found |= {key: number for key, number in keys.items() if key in wanted}
    return found


def _touch(session: Session, ids: Sequence[int], at: dt.datetime) -> None:
    for part in _parts(ids):
        session.execute(update(Contact).where(Contact.id.in_(part)).values(touched_at=at))


def _parts(ids: Sequence[int]) -> list[list[int]]:
    return [list(ids[start : start + CHUNK]) for start in range(0, len(ids), CHUNK)]


def _insert(session: Session) -> postgresql.Insert | sqlite.Insert:
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(StatementContact)
    return sqlite.insert(StatementContact)
