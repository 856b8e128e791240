"""Who may enter, how, and what they did: accounts, roles, sign-ins, tokens, the audit trail."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.base import Number, Table


class Account(Table):
    """Someone who may enter; `version` grows at each change, so that two editors notice.

    `warned_at` when they were told that the account, unused for long, will go.
    """

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(200))
    is_admin: Mapped[bool]
    is_network_head: Mapped[bool]
    is_active: Mapped[bool]
    is_demo: Mapped[bool]
    locale: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime | None]
    warned_at: Mapped[dt.datetime | None]
    version: Mapped[int]


class Membership(Table):
    """The role of a person in one sociopôle; an association member belongs to an organisation."""

    __tablename__ = "membership"
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    sociopole_id: Mapped[int] = mapped_column(
        ForeignKey("sociopole.id"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(String(16))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)


class Identity(Table):
    """A person as an OpenID Connect provider knows them."""

    __tablename__ = "identity"
    issuer: Mapped[str] = mapped_column(String(300), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)


class SignIn(Table):
    """An open session; the cookie holds the secret, only its hash is here. Closing deletes it."""

    __tablename__ = "sign_in"
    secret_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    created_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]
    network: Mapped[str] = mapped_column(String(64))


class SignInCode(Table):
    """An eight-digit code sent by e-mail, good only in the browser that asked for it."""

    __tablename__ = "sign_in_code"
    browser_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[dt.datetime]
    tries_left: Mapped[int]


class ApiToken(Table):
    """A key for a program; `prefix` names it, the rest is only kept as a hash."""

    __tablename__ = "api_token"
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    secret_hash: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class Audit(Table):
    """Who did what that touches people, rights or whole sociopôles; rows are only ever added."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    at: Mapped[dt.datetime]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    action: Mapped[str] = mapped_column(String(40))
    sociopole_id: Mapped[int | None] = mapped_column(ForeignKey("sociopole.id"), index=True)
    about: Mapped[str] = mapped_column(String(200))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class Once(Table):
    """A request that must not be done twice, by the key its sender chose, and its answer."""

    __tablename__ = "once"
    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[dt.datetime] = mapped_column(index=True)
    status: Mapped[int | None]
    media_type: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)
