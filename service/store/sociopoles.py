"""Sociopôles and their organisations."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from matcher.statements import Kind
from service.errors import NotFound
from service.store.territories import Place, name_key, place
from service.tables import Contact, KnownRelation, Organisation, Sociopole, StatementRow

FEW = 500
"""Up to so many names are looked for one by one: SQLite allows 999 in older builds."""


@dataclass(frozen=True, slots=True)
class SociopoleView:
    """A sociopôle as it is shown: its territory and how many statements of each kind."""

    id: int
    slug: str
    name: str
    territory: Place
    statements: dict[str, int]


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """An organisation: its number, name and college."""

    id: int
    name: str
    college: str


class ContactView(NamedTuple):
    """A person to write to, with the name of their organisation."""

    id: int
    organisation: str
    name: str
    email: str


class RelationView(NamedTuple):
    """Two organisations that know each other, since when and how."""

    left: str
    right: str
    since: str
    note: str


def list_sociopoles(session: Session) -> list[SociopoleView]:
    """All sociopôles, by name."""
    rows = session.execute(select(Sociopole).order_by(Sociopole.name, Sociopole.id)).scalars()
    return [_view(session, row) for row in rows]


def get_sociopole(session: Session, slug: str) -> SociopoleView:
    """One sociopôle by its slug. Raises NotFound with those that exist."""
    row = session.execute(select(Sociopole).where(Sociopole.slug == slug)).scalar_one_or_none()
    if row is None:
        raise _unknown(session, slug)
    return _view(session, row)


def sociopole_id(session: Session, slug: str) -> int:
    """The number of a sociopôle, without counting what it holds. Raises NotFound."""
    found = session.execute(select(Sociopole.id).where(Sociopole.slug == slug)).scalar_one_or_none()
    if found is None:
        raise _unknown(session, slug)
    return found


def list_slugs(session: Session) -> list[str]:
    """The slugs of all sociopôles, in their order."""
    return list(session.execute(select(Sociopole.slug).order_by(Sociopole.slug)).scalars())


def lock_sociopole(session: Session, sociopole_id: int) -> None:
    """Make other imports into the same sociopôle wait for this transaction."""
    session.execute(select(Sociopole.id).where(Sociopole.id == sociopole_id).with_for_update())


def lock_all_sociopoles(session: Session) -> None:
    """Make every import and decision wait for this transaction."""
    session.execute(select(Sociopole.id).order_by(Sociopole.id).with_for_update())


def exists(session: Session, slug: str) -> bool:
    """Whether the slug is taken."""
    return session.execute(select(Sociopole.id).where(Sociopole.slug == slug)).first() is not None


def add_sociopole(session: Session, *, slug: str, name: str, territory_id: str) -> None:
    """Write a new sociopôle."""
    session.add(Sociopole(slug=slug, name=name, territory_id=territory_id))
    session.flush()


def organisations(
    session: Session, sociopole_id: int, keys: Collection[str] | None = None
) -> dict[str, OrganisationView]:
    """The organisations of a sociopôle by the key of their name; of few keys, only those."""
    conditions = [Organisation.sociopole_id == sociopole_id]
    if keys is not None and len(keys) <= FEW:
        conditions.append(Organisation.name_key.in_(keys))
    rows = session.execute(select(Organisation).where(*conditions)).scalars()
    return {row.name_key: OrganisationView(row.id, row.name, row.college) for row in rows}


def add_organisations(
    session: Session, sociopole_id: int, wanted: Sequence[tuple[str, str]]
) -> None:
    """Write organisations given as (name, college), whose name keys must be new."""
    if wanted:
        session.execute(
            insert(Organisation),
            [
                {
                    "sociopole_id": sociopole_id,
                    "name": name,
                    "name_key": name_key(name),
                    "college": college,
                }
                for name, college in wanted
            ],
        )


def set_college(session: Session, organisation_id: int, college: str) -> None:
    """Move an organisation to another college."""
    session.execute(
        update(Organisation).where(Organisation.id == organisation_id).values(college=college)
    )


def page_of_contacts(
    session: Session, sociopole_id: int, *, after: int, limit: int
) -> list[ContactView]:
    """At most `limit` people of a sociopôle's organisations, those after a number."""
    rows = session.execute(
        select(Contact.id, Organisation.name, Contact.name, Contact.email)
        .join(Organisation, Organisation.id == Contact.organisation_id)
        .where(Organisation.sociopole_id == sociopole_id, Contact.id > after)
        .order_by(Contact.id)
        .limit(limit)
    )
    return [ContactView(*row) for row in rows]


def list_relations(session: Session, sociopole_id: int) -> list[RelationView]:
    """Organisations of a sociopôle that know each other, by their names."""
    names = {view.id: view.name for view in organisations(session, sociopole_id).values()}
    rows = session.execute(
        select(KnownRelation)
        .join(Organisation, Organisation.id == KnownRelation.left_id)
        .where(Organisation.sociopole_id == sociopole_id)
        .order_by(KnownRelation.left_id, KnownRelation.right_id)
    ).scalars()
    return [
        RelationView(names[row.left_id], names[row.right_id], row.since, row.note) for row in rows
    ]


def contacts_of(session: Session, sociopole_id: int) -> list[tuple[int, str, str]]:
    """The contacts of a sociopôle as (organisation, name, e-mail), the last written first."""
    rows = session.execute(
        select(Contact.organisation_id, Contact.name, Contact.email)
        .join(Organisation, Organisation.id == Contact.organisation_id)
        .where(Organisation.sociopole_id == sociopole_id)
        .order_by(Contact.id.desc())
    )
    return [(row.organisation_id, row.name, row.email) for row in rows]


def add_relations(
    session: Session, sociopole_id: int, relations: Iterable[tuple[str, str, str, str]]
) -> int:
    """Write known relations given as (name, name, since, note); returns how many were new.

    Names that are no organisation of the sociopôle are left out.
    """
    by_key = organisations(session, sociopole_id)
    known = known_relations(session, sociopole_id)
    added = 0
    for left, right, since, note in relations:
        ends = [by_key.get(name_key(name)) for name in (left, right)]
        ids = tuple(sorted(end.id for end in ends if end))
        if len(set(ids)) == 2 and (ids[0], ids[1]) not in known:
            known.add((ids[0], ids[1]))
            session.add(KnownRelation(left_id=ids[0], right_id=ids[1], since=since, note=note))
            added += 1
    session.flush()
    return added


def known_relations(session: Session, sociopole_id: int) -> set[tuple[int, int]]:
    """Pairs of organisations of the sociopôle that know each other, lower id first."""
    rows = session.execute(
        select(KnownRelation.left_id, KnownRelation.right_id)
        .join(Organisation, Organisation.id == KnownRelation.left_id)
        .where(Organisation.sociopole_id == sociopole_id)
    )
    return {(row.left_id, row.right_id) for row in rows}


def _unknown(session: Session, slug: str) -> NotFound:
    known = ", ".join(list_slugs(session)) or "aucun pour l'instant"
    return NotFound(f"Le sociopôle « {slug} » n'existe pas. Sociopôles connus : {known}.")


def _view(session: Session, row: Sociopole) -> SociopoleView:
    counts = dict.fromkeys((str(kind) for kind in Kind), 0)
    found = session.execute(
        select(StatementRow.kind, func.count())
        .where(StatementRow.sociopole_id == row.id, StatementRow.deleted.is_(False))
        .group_by(StatementRow.kind)
    )
    for kind, count in found:
        counts[kind] = count
    return SociopoleView(row.id, row.slug, row.name, place(session, row.territory_id), counts)
