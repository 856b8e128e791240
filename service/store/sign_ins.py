"""Open sessions, codes sent by e-mail, and keys for programs: only hashes of their secrets."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, or_, select, update
from sqlalchemy.orm import Session

from service.errors import NotFound
from service.tables import ApiToken, SignIn, SignInCode


@dataclass(frozen=True, slots=True)
class SignInView:
    """An open session."""

    secret_hash: str
    account: int
    created_at: dt.datetime
    seen_at: dt.datetime
    network: str


@dataclass(frozen=True, slots=True)
class CodeView:
    """A code that waits to be typed; `account` is None where the address is nobody's."""

    account: int | None
    code_hash: str
    expires_at: dt.datetime
    tries_left: int


@dataclass(frozen=True, slots=True)
class TokenView:
    """A key, without its secret."""

    id: int
    account: int
    prefix: str
    secret_hash: str
    name: str
    scopes: Sequence[str]
    created_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None


def add_sign_in(session: Session, view: SignInView) -> None:
    """Write an open session."""
    session.add(
        SignIn(
            secret_hash=view.secret_hash,
            account_id=view.account,
            created_at=view.created_at,
            seen_at=view.seen_at,
            network=view.network,
        )
    )
    session.flush()


def find_sign_in(session: Session, secret_hash: str) -> SignInView | None:
    """The open session of this secret."""
    row = session.get(SignIn, secret_hash)
    return _sign_in(row) if row else None


def list_sign_ins(session: Session, account_id: int) -> list[SignInView]:
    """The open sessions of an account, the last used first."""
    rows = session.execute(
        select(SignIn)
        .where(SignIn.account_id == account_id)
        .order_by(SignIn.seen_at.desc(), SignIn.secret_hash)
    ).scalars()
    return [_sign_in(row) for row in rows]


def touch_sign_in(session: Session, secret_hash: str, at: dt.datetime) -> None:
    """Note that a session was used."""
    session.execute(update(SignIn).where(SignIn.secret_hash == secret_hash).values(seen_at=at))


def close_sign_in(session: Session, secret_hash: str) -> None:
    """Close one session."""
    session.execute(delete(SignIn).where(SignIn.secret_hash == secret_hash))


def close_sign_ins(session: Session, account_id: int) -> None:
    """Close every session of an account, and forget the codes sent to it."""
    session.execute(delete(SignIn).where(SignIn.account_id == account_id))
    session.execute(delete(SignInCode).where(SignInCode.account_id == account_id))


def close_everything(session: Session) -> None:
    """Close every session of everyone, and forget every code and key."""
    for table in (SignIn, SignInCode, ApiToken):
        session.execute(delete(table))


def put_code(session: Session, browser_hash: str, code: CodeView) -> None:
    """Write the code that this browser waits for."""
    session.add(
        SignInCode(
            browser_hash=browser_hash,
            account_id=code.account,
            code_hash=code.code_hash,
            expires_at=code.expires_at,
            tries_left=code.tries_left,
        )
    )
    session.flush()


def take_try(session: Session, browser_hash: str, at: dt.datetime) -> CodeView | None:
    """The code this browser waits for, one try less; None where it is spent or too old."""
    row = session.execute(
        update(SignInCode)
        .where(
            SignInCode.browser_hash == browser_hash,
            SignInCode.tries_left > 0,
            SignInCode.expires_at > at,
        )
        .values(tries_left=SignInCode.tries_left - 1)
        .returning(
            SignInCode.account_id,
            SignInCode.code_hash,
            SignInCode.expires_at,
            SignInCode.tries_left,
        )
    ).one_or_none()
    return CodeView(*row) if row else None


def drop_code(session: Session, browser_hash: str) -> None:
    """Forget a code: it was used."""
    session.execute(delete(SignInCode).where(SignInCode.browser_hash == browser_hash))


def add_token(session: Session, view: TokenView) -> int:
    """Write a key, but for its own number; returns its number."""
    row = ApiToken(
        account_id=view.account,
        prefix=view.prefix,
        secret_hash=view.secret_hash,
        name=view.name,
        scopes=list(view.scopes),
        created_at=view.created_at,
        expires_at=view.expires_at,
        used_at=None,
    )
    session.add(row)
    session.flush()
    return row.id


def find_token(session: Session, prefix: str) -> TokenView | None:
    """The key of this prefix."""
    # Of the table, not of its class: asked for with each request, and half as long on its way.
    columns = ApiToken.__table__.c
    row = session.execute(select(*columns).where(columns.prefix == prefix)).one_or_none()
    return _token(row) if row else None


def list_tokens(session: Session, account_id: int) -> list[TokenView]:
    """The keys of an account, oldest first."""
    rows = session.execute(
        select(ApiToken).where(ApiToken.account_id == account_id).order_by(ApiToken.id)
    ).scalars()
    return [_token(row) for row in rows]


def drop_token(session: Session, account_id: int, token_id: int) -> None:
    """Take a key away from its account. Raises NotFound where it has none of this number."""
    gone = session.execute(
        delete(ApiToken)
        .where(ApiToken.id == token_id, ApiToken.account_id == account_id)
        .returning(ApiToken.id)
    ).one_or_none()
    if gone is None:
        raise NotFound(f"Vous n'avez pas de clé {token_id}.")


def drop_tokens(session: Session, account_id: int) -> int:
    """Take every key of an account away; returns how many there were."""
    gone = delete(ApiToken).where(ApiToken.account_id == account_id).returning(ApiToken.id)
    return len(session.execute(gone).all())


def mark_token_used(session: Session, token_id: int, at: dt.datetime) -> None:
    """Note that a key was used."""
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(used_at=at))


def drop_expired(
    session: Session, at: dt.datetime, *, idle_before: dt.datetime, made_before: dt.datetime
) -> int:
    """Delete what can no longer be used: sessions, codes and keys; returns how many."""
    too_old = or_(SignIn.seen_at < idle_before, SignIn.created_at < made_before)
    spent = (
        delete(SignIn).where(too_old).returning(SignIn.account_id),
        delete(SignInCode).where(SignInCode.expires_at < at).returning(SignInCode.tries_left),
        delete(ApiToken).where(ApiToken.expires_at < at).returning(ApiToken.id),
    )
    return sum(len(session.execute(statement).all()) for statement in spent)


def _sign_in(row: SignIn) -> SignInView:
    return SignInView(row.secret_hash, row.account_id, row.created_at, row.seen_at, row.network)


def _token(row: ApiToken | Row[Any]) -> TokenView:
    return TokenView(
        id=row.id,
        account=row.account_id,
        prefix=row.prefix,
        secret_hash=row.secret_hash,
        name=row.name,
        scopes=row.scopes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )
