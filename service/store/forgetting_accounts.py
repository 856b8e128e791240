"""Forgetting a person who could enter: the account and all that is its own."""

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, delete, func, inspect, or_, select, update
from sqlalchemy.orm import Session

from service.rgpd.identity import ERASED, Sought
from service.store.holdings import (
    Forgetting,
    Forgotten,
    Holding,
    hold_rows,
    mask_rows,
    plain,
)
from service.store.queries import drop_query, list_queries
from service.store.statements import CHUNK
from service.tables import (
    Account,
    ApiToken,
    Identity,
    Membership,
    Once,
    SignIn,
    SignInCode,
    Table,
)

OWNED: tuple[type[Table], ...] = (SignIn, SignInCode, ApiToken, Identity, Membership)
"""What goes with an account, beside its questions."""


def accounts_of(session: Session, sought: Sought) -> set[int]:
    """The accounts that enter by an address of the person."""
    rows = session.execute(select(Account.id, Account.email))
    return {row.id for row in rows if sought.is_email(row.email)}


def known_accounts(session: Session) -> list[tuple[str, str]]:
    """The name and address of every account that was not forgotten."""
    rows = session.execute(select(Account.name, Account.email).where(Account.email != ""))
    return [(row.name, row.email) for row in rows]


def is_last_admin(session: Session, sought: Sought) -> bool:
    """Whether nobody could administer without this person."""
    admins = _admins(session)
    return bool(admins) and admins <= accounts_of(session, sought)


def is_needed(session: Session, number: int) -> bool:
    """Whether nobody could administer without this account."""
    return _admins(session) == {number}


def rename_accounts(session: Session, sought: Sought, *, name: str, email: str, key: str) -> int:
    """Give a person's account another name or address; returns how many changed."""
    changes: dict[str, Any] = {"name": name} if name else {}
    changes |= {"email": email, "email_key": key} if email else {}
    ids = sorted(accounts_of(session, sought))
    if ids:
        session.execute(
            update(Account)
            .where(Account.id.in_(ids))
            .values(changes | {"version": Account.version + 1})
        )
    return len(ids)


def hold_owned(session: Session, holding: Holding, sought: Sought) -> list[dict[str, Any]]:
    """The rows of a person's account, without their secrets, and those that name the person."""
    names = [c.key for c in inspect(holding.table).columns if c.key not in holding.secret]
    columns = [getattr(holding.table, name) for name in names]
    owner = getattr(holding.table, holding.owner)
    ids = sorted(accounts_of(session, sought))
    own = [plain(row) for row in session.execute(select(*columns).where(owner.in_(ids)))]
    if holding.is_person:
        return own
    return own + [row for row in hold_rows(session, holding, sought) if row not in own]


def hold_nothing(_session: Session, _holding: Holding, _sought: Sought) -> list[dict[str, Any]]:
    """Copies of what other tables hold."""
    return []


def forget_owned(session: Session, holding: Holding, forgetting: Forgetting) -> Forgotten:
    """Delete what goes with a person's account."""
    ids = sorted(accounts_of(session, forgetting.sought))
    owner: ColumnElement[int] = getattr(holding.table, holding.owner)
    gone = delete(holding.table).where(owner.in_(ids)).returning(owner)
    return Forgotten(deleted=len(session.execute(gone).all()))


def forget_accounts(session: Session, _holding: Holding, forgetting: Forgetting) -> Forgotten:
    """Empty a person's account: its number stays, since the audit trail speaks of it."""
    ids = accounts_of(session, forgetting.sought)
    for number in sorted(ids):
        empty_account(session, number)
    return Forgotten(changed=len(ids))


def empty_account(session: Session, number: int) -> None:
    """Nobody enters by this account any more, and it names nobody."""
    for table in OWNED:
        session.execute(delete(table).where(table.account_id == number))  # type: ignore[attr-defined]  # each has it
    for query in list_queries(session, number):
        drop_query(session, query.id)
    session.execute(
        update(Account)
        .where(Account.id == number)
        .values(
            email="",
            email_key=f"efface-{number}",
            name=ERASED,
            password_hash="",
            is_admin=False,
            is_network_head=False,
            is_active=False,
            seen_at=None,
            warned_at=None,
            version=Account.version + 1,
        )
    )


def forget_queries(session: Session, holding: Holding, forgetting: Forgetting) -> Forgotten:
    """Delete a person's questions; take the person out of those of others."""
    owners = accounts_of(session, forgetting.sought)
    own = [query.id for query in list_queries(session) if query.account in owners]
    for number in own:
        drop_query(session, number)
    masked = mask_rows(session, holding, forgetting)
    return masked._replace(deleted=len(own))


def forget_answers_kept(session: Session, _holding: Holding, forgetting: Forgetting) -> Forgotten:
    """Take a person out of answers kept for a request that may be sent again; the keys stay."""
    changed = 0
    for row in session.execute(select(Once.key_hash, Once.body)).all():
        body = _masked(row.body, forgetting.sought)
        if body != row.body:
            is_row = Once.key_hash == row.key_hash
            session.execute(update(Once).where(is_row).values(body=body))
            changed += 1
    return Forgotten(changed=changed)


def inactive_accounts(session: Session, before: dt.datetime) -> list[tuple[int, str, bool]]:
    """(number, address, whether it was warned since it was last used) of those unused since."""
    last = func.coalesce(Account.seen_at, Account.created_at)
    rows = session.execute(
        select(Account.id, Account.email, Account.warned_at, last.label("last"))
        .where(Account.email != "", Account.is_demo.is_(False), last < before)
        .order_by(Account.id)
    )
    return [
        (row.id, row.email, row.warned_at is not None and row.warned_at >= row.last) for row in rows
    ]


def warned_before(session: Session, before: dt.datetime) -> set[int]:
    """The accounts that were warned before a day and not used since."""
    rows = session.execute(
        select(Account.id).where(
            Account.warned_at < before,
            or_(Account.seen_at.is_(None), Account.seen_at < Account.warned_at),
        )
    )
    return set(rows.scalars())


def mark_warned(session: Session, ids: list[int], at: dt.datetime) -> None:
    """Note that these accounts were told that they will go."""
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        session.execute(update(Account).where(Account.id.in_(part)).values(warned_at=at))


def _admins(session: Session) -> set[int]:
    rows = session.execute(
        select(Account.id).where(Account.is_admin, Account.is_active, Account.is_demo.is_(False))
    )
    return set(rows.scalars())


def _masked(body: bytes, sought: Sought) -> bytes:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        # What cannot be read may name anybody; whoever asks again gets the same status.
        return b""
    return sought.mask(text).encode()
