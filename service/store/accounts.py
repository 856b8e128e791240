"""Accounts and their roles."""

import datetime as dt
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, func, select
from sqlalchemy.orm import Session

from service.errors import Conflict, NotFound
from service.tables import Account, Identity, Membership, Sociopole

ROLE_WORDS = {
    "animator": "animation",
    "academic": "monde académique",
    "association": "association",
    "reader": "lecture",
}


class Member(NamedTuple):
    """A role in a sociopôle, and the organisation the person belongs to, if any."""

    role: str
    organisation: int | None
    slug: str = ""


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account, with its role by sociopôle."""

    id: int
    email: str
    name: str
    is_admin: bool
    is_network_head: bool
    is_active: bool
    is_demo: bool
    locale: str
    created_at: dt.datetime
    seen_at: dt.datetime | None
    version: int
    memberships: Mapping[int, Member] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a new account starts with."""

    email: str
    name: str
    is_admin: bool = False
    is_network_head: bool = False
    is_demo: bool = False
    password_hash: str = ""


def email_key(email: str) -> str:
    """The form under which two writings of one address are the same."""
    return unicodedata.normalize("NFKC", email.strip()).casefold()


def add_account(session: Session, new: NewAccount, at: dt.datetime) -> int:
    """Write an account; returns its number."""
    row = Account(
        email=unicodedata.normalize("NFC", new.email.strip()),
        email_key=email_key(new.email),
        name=new.name,
        password_hash=new.password_hash,
        is_admin=new.is_admin,
        is_network_head=new.is_network_head,
        is_active=True,
        is_demo=new.is_demo,
        locale="fr",
        created_at=at,
        seen_at=None,
        version=1,
    )
    session.add(row)
    session.flush()
    return row.id


def get_account(session: Session, account_id: int) -> AccountView:
    """One account. Raises NotFound."""
    columns = Account.__table__.c
    row = session.execute(select(*columns).where(columns.id == account_id)).one_or_none()
    if row is None:
        raise NotFound(f"Il n'y a pas de compte {account_id}.")
    return _view(row, _memberships(session, [row.id]))


def find_account(session: Session, email: str) -> AccountView | None:
    """The account of an address, if there is one."""
    row = session.execute(
        select(Account).where(Account.email_key == email_key(email))
    ).scalar_one_or_none()
    return _view(row, _memberships(session, [row.id])) if row else None


def account_of_identity(session: Session, issuer: str, subject: str) -> AccountView | None:
    """The account tied to a person of a provider."""
    row = session.get(Identity, (issuer, subject))
    return get_account(session, row.account_id) if row else None


def subject_of(session: Session, account_id: int, issuer: str) -> str | None:
    """As whom a provider knows an account; None where it is not tied there."""
    return session.execute(
        select(Identity.subject)
        .where(Identity.account_id == account_id, Identity.issuer == issuer)
        .order_by(Identity.subject)
        .limit(1)
    ).scalar_one_or_none()


def issuers_of(session: Session, account_id: int) -> set[str]:
    """The providers an account is tied to."""
    query = select(Identity.issuer).where(Identity.account_id == account_id)
    return set(session.execute(query).scalars())


def lock_account(session: Session, account_id: int) -> None:
    """Let nobody else change this account until the transaction ends."""
    session.execute(select(Account.id).where(Account.id == account_id).with_for_update())


def tie_identity(session: Session, account_id: int, issuer: str, subject: str) -> None:
    """Remember that this person of a provider is this account."""
    session.add(Identity(issuer=issuer, subject=subject, account_id=account_id))
    session.flush()


def untie_identities(session: Session, account_id: int, issuer: str) -> int:
    """Forget as whom a provider knows an account; returns how many identities went."""
    gone = session.execute(
        delete(Identity)
        .where(Identity.account_id == account_id, Identity.issuer == issuer)
        .returning(Identity.subject)
    )
    return len(gone.all())


def list_accounts(session: Session, *, after: int = 0, limit: int = 1000) -> list[AccountView]:
    """Accounts by number, those after one of them."""
    rows = session.execute(
        select(Account).where(Account.id > after).order_by(Account.id).limit(limit)
    ).scalars()
    found = list(rows)
    members = _memberships(session, [row.id for row in found])
    return [_view(row, members) for row in found]


def lock_admins(session: Session) -> None:
    """Let nobody else take an administrator away until the transaction ends."""
    session.execute(
        select(Account.id).where(Account.is_admin).order_by(Account.id).with_for_update()
    ).all()


def count_admins(session: Session) -> int:
    """How many administrators can still enter."""
    return session.execute(
        select(func.count())
        .select_from(Account)
        .where(Account.is_admin, Account.is_active, Account.is_demo.is_(False))
    ).scalar_one()


def password_hash_of(session: Session, account_id: int) -> str:
    """The hash of an account's password, empty where there is none."""
    return session.execute(
        select(Account.password_hash).where(Account.id == account_id)
    ).scalar_one()


def update_account(
    session: Session, account_id: int, changes: Mapping[str, object], *, version: int | None = None
) -> AccountView:
    """Change some columns. Raises Conflict where the account is no longer at that version."""
    row = session.execute(
        select(Account).where(Account.id == account_id).with_for_update()
    ).scalar_one_or_none()
    if row is None:
        raise NotFound(f"Il n'y a pas de compte {account_id}.")
    if version is not None and version != row.version:
        raise Conflict(
            f"Ce compte a changé depuis (version {row.version}, vous aviez la {version}) : "
            "relisez-le, puis recommencez."
        )
    for column, value in changes.items():
        setattr(row, column, value)
    row.version += 1
    session.flush()
    return _view(row, _memberships(session, [account_id]))


def mark_seen(session: Session, account_id: int, at: dt.datetime) -> None:
    """Note that someone used the account."""
    if row := session.get(Account, account_id):
        row.seen_at = at


def set_memberships(session: Session, account_id: int, members: Mapping[int, Member]) -> None:
    """Replace the roles of an account."""
    session.execute(delete(Membership).where(Membership.account_id == account_id))
    for sociopole_id, member in sorted(members.items()):
        session.add(
            Membership(
                account_id=account_id,
                sociopole_id=sociopole_id,
                role=member.role,
                organisation_id=member.organisation,
            )
        )
    session.flush()


def _memberships(session: Session, account_ids: Sequence[int]) -> dict[int, dict[int, Member]]:
    rows = session.execute(
        select(Membership, Sociopole.slug)
        .join(Sociopole, Sociopole.id == Membership.sociopole_id)
        .where(Membership.account_id.in_(account_ids))
        .order_by(Membership.sociopole_id)
    )
    found: dict[int, dict[int, Member]] = {}
    for row, slug in rows:
        member = Member(row.role, row.organisation_id, slug)
        found.setdefault(row.account_id, {})[row.sociopole_id] = member
    return found


def _view(row: Account | Row[Any], members: Mapping[int, Mapping[int, Member]]) -> AccountView:
    return AccountView(
        id=row.id,
        email=row.email,
        name=row.name,
        is_admin=row.is_admin,
        is_network_head=row.is_network_head,
        is_active=row.is_active,
        is_demo=row.is_demo,
        locale=row.locale,
        created_at=row.created_at,
        seen_at=row.seen_at,
        version=row.version,
        memberships=members.get(row.id, {}),
    )
