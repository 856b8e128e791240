"""Accounts: who may enter, with which roles; their passwords and their keys."""

import datetime as dt
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.access import GRANTABLE, Permission, Person, Role
from service.database import now, read, write
from service.errors import Forbidden, NotFound, Refused
from service.passwords import hash_password, verify_password
from service.resources import Resources
from service.store.accounts import (
    AccountView,
    Member,
    NewAccount,
    add_account,
    count_admins,
    email_key,
    find_account,
    get_account,
    issuers_of,
    list_accounts,
    lock_admins,
    password_hash_of,
    set_memberships,
    update_account,
)
from service.store.audit import add_audit, list_audit
from service.store.sign_ins import (
    TokenView,
    add_token,
    close_sign_ins,
    drop_token,
    drop_tokens,
    list_sign_ins,
    list_tokens,
)
from service.store.sociopoles import get_sociopole, organisations
from service.store.territories import name_key
from service.workflows.sign_in import PREFIX_LENGTH, TOKEN_HEAD, hash_secret, open_session
from service.workflows.signing import LONGEST_EMAIL, LONGEST_NAME

EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]{2,}")
TOKEN_DAYS = 365


@dataclass(frozen=True, slots=True)
class RoleWanted:
    """A role to give in a sociopôle; `organisation` is a name, for who belongs to one."""

    sociopole: str
    role: Role
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What to change of an account; None leaves it as it is."""

    name: str | None = None
    is_active: bool | None = None
    is_admin: bool | None = None
    is_network_head: bool | None = None
    roles: Sequence[RoleWanted] | None = None


def create_account(
    resources: Resources,
    new: NewAccount,
    *,
    by: int | None,
    roles: Sequence[RoleWanted] = (),
    password: str = "",
) -> AccountView:
    """Add an account; without a password its owner enters by a code sent by e-mail."""
    check_email(new.email)
    _check_name(new.name)
    hashed = hash_password(password, new.email, new.name) if password else ""
    at = now()
    taken = f"L'adresse {new.email.strip()} a déjà un compte."
    with write(resources.engine) as session:
        _check_giver(session, by)
        if find_account(session, new.email):
            raise Refused(taken)
        fields = {name: getattr(new, name) for name in NewAccount.__dataclass_fields__}
        try:
            account_id = add_account(session, NewAccount(**fields | {"password_hash": hashed}), at)
        except IntegrityError as error:
            # Somebody added it meanwhile.
            raise Refused(taken) from error
        set_memberships(session, account_id, _members(session, roles))
        made = get_account(session, account_id)
        add_audit(session, at, by=by, action="account-created", about=f"compte {account_id}")
    return made


def change_account(
    resources: Resources,
    account_id: int,
    change: AccountChange,
    *,
    by: int | None,
    version: int | None = None,
) -> AccountView:
    """Change an account; new rights begin with a new sign-in, so its sessions are closed."""
    given = {
        name: value
        for name in ("name", "is_active", "is_admin", "is_network_head")
        if (value := getattr(change, name)) is not None
    }
    if change.name is not None:
        _check_name(change.name)
    at = now()
    with write(resources.engine) as session:
        _check_giver(session, by)
        if change.is_admin is False or change.is_active is False:
            # Two of them could take each other's right away, each still seeing the other.
            lock_admins(session)
        before = get_account(session, account_id)
        if change.roles is not None:
            set_memberships(session, account_id, _members(session, change.roles))
        after = update_account(session, account_id, given, version=version)
        if before.is_admin and not (after.is_admin and after.is_active):
            _keep_one_admin(session)
        if set(given) - {"name"} or change.roles is not None:
            close_sign_ins(session, account_id)
        add_audit(
            session,
            at,
            by=by,
            action="account-changed",
            about=f"compte {account_id}",
            changed=sorted({*given, *(["roles"] if change.roles is not None else [])}),
        )
    return after


def set_password(resources: Resources, person: Person, *, old: str, new: str, network: str) -> str:
    """Change one's own password; sessions are closed, keys taken away. A new session's secret."""
    account_id = _own(person)
    _no_demo(resources, account_id)
    with resources.attempts.trying(network, f"password {account_id}"):
        with read(resources.engine) as session:
            stored = password_hash_of(session, account_id)
        if stored and not verify_password(old, stored)[0]:
            raise Refused("L'ancien mot de passe n'est pas celui-là.")
    hashed = hash_password(new, person.email, person.name)
    with write(resources.engine) as session:
        _renew_password(session, account_id, hashed, by=account_id)
        return open_session(session, account_id, network)


def reset_password(resources: Resources, email: str, password: str) -> None:
    """Give an account a new password, from the command line of the machine."""
    with write(resources.engine) as session:
        account = find_account(session, email)
        if account is None:
            raise NotFound(f"Aucun compte n'a l'adresse {email}.")
        hashed = hash_password(password, account.email, account.name)
        _renew_password(session, account.id, hashed, by=None)


def close_all_sessions(resources: Resources, person: Person) -> None:
    """Sign a person out of every browser; keys are of programs, and stay."""
    with write(resources.engine) as session:
        close_sign_ins(session, _own(person))


def create_token(
    resources: Resources,
    person: Person,
    *,
    name: str,
    scopes: Sequence[Permission],
    days: int = TOKEN_DAYS,
) -> tuple[TokenView, str]:
    """A key for a program and its secret, which is shown this once. It never outgrows its owner."""
    account_id = _own(person)
    if not name.strip() or len(name) > LONGEST_NAME:
        raise Refused(f"Donnez à la clé un nom de 1 à {LONGEST_NAME} caractères.")
    _no_demo(resources, account_id)
    if not scopes or set(scopes) - GRANTABLE:
        raise Refused("Une clé se limite à : " + ", ".join(sorted(GRANTABLE)) + ".")
    if not 1 <= days <= TOKEN_DAYS:
        raise Refused(f"Une clé vaut de 1 à {TOKEN_DAYS} jours.")
    prefix = secrets.token_hex(PREFIX_LENGTH // 2)
    secret = f"{TOKEN_HEAD}{prefix}{secrets.token_urlsafe(24)}"
    at = now()
    view = TokenView(
        id=0,
        account=account_id,
        prefix=prefix,
        secret_hash=hash_secret(secret),
        name=name.strip(),
        scopes=sorted(set(scopes)),
        created_at=at,
        expires_at=at + dt.timedelta(days=days),
        used_at=None,
    )
    with write(resources.engine) as session:
        token_id = add_token(session, view)
        add_audit(session, at, by=account_id, action="token-created", about=f"clé {token_id}")
        made = next(token for token in list_tokens(session, account_id) if token.id == token_id)
    return made, secret


def remove_token(resources: Resources, person: Person, token_id: int) -> None:
    """Take one's own key away: it stops working at once."""
    account_id = _own(person)
    with write(resources.engine) as session:
        drop_token(session, account_id, token_id)
        add_audit(session, now(), by=account_id, action="token-removed", about=f"clé {token_id}")


def show_account(view: AccountView) -> dict[str, Any]:
    """An account as plain values."""
    return {
        "id": view.id,
        "email": view.email,
        "name": view.name,
        "is_admin": view.is_admin,
        "is_network_head": view.is_network_head,
        "is_active": view.is_active,
        "created_at": _iso(view.created_at),
        "seen_at": _iso(view.seen_at),
        "version": view.version,
        "roles": [
            {"sociopole": member.slug, "role": member.role, "organisation": member.organisation}
            for member in view.memberships.values()
        ],
    }


def show_accounts(resources: Resources, *, after: int = 0, limit: int = 50) -> dict[str, Any]:
    """Accounts by number, and where the next page starts (None at the end)."""
    with read(resources.engine) as session:
        found = list_accounts(session, after=after, limit=limit + 1)
    page = found[:limit]
    more = len(found) > limit
    return {
        "accounts": [show_account(view) for view in page],
        "next": page[-1].id if more else None,
    }


def show_own(resources: Resources, person: Person) -> dict[str, Any]:
    """One's own account, open sessions, keys, and the providers it is tied to."""
    account_id = _own(person)
    with read(resources.engine) as session:
        account = get_account(session, account_id)
        sessions, tokens = list_sign_ins(session, account_id), list_tokens(session, account_id)
        has_password = bool(password_hash_of(session, account_id))
        issuers = issuers_of(session, account_id)
    return {
        "account": show_account(account),
        "has_password": has_password,
        "identities": [
            {"provider": provider.name, "label": provider.label or provider.name}
            for provider in resources.settings.oidc
            if provider.issuer in issuers
        ],
        "sessions": [
            {
                "created_at": _iso(view.created_at),
                "seen_at": _iso(view.seen_at),
                "network": view.network,
                "current": view.secret_hash == person.sign_in,
            }
            for view in sessions
        ],
        "tokens": [show_token(token) for token in tokens],
    }


def show_token(token: TokenView) -> dict[str, Any]:
    """A key as plain values, without its secret."""
    return {
        "id": token.id,
        "prefix": f"{TOKEN_HEAD}{token.prefix}",
        "name": token.name,
        "scopes": list(token.scopes),
        "created_at": _iso(token.created_at),
        "expires_at": _iso(token.expires_at),
        "used_at": _iso(token.used_at),
    }


def show_audit(
    resources: Resources, *, before: int | None = None, limit: int = 50
) -> dict[str, Any]:
    """The audit trail, newest first, and where the next page starts."""
    with read(resources.engine) as session:
        found = list_audit(session, before=before, limit=limit + 1)
    page = found[:limit]
    return {
        "entries": [
            {
                "id": entry.id,
                "at": _iso(entry.at),
                "by": entry.by,
                "action": entry.action,
                "sociopole": entry.sociopole,
                "about": entry.about,
                "detail": dict(entry.detail),
            }
            for entry in page
        ],
        "next": page[-1].id if len(found) > limit else None,
    }


def note_export(resources: Resources, person: Person, sociopole: int | None, what: str) -> None:
    """Keep who took a file with people's names away."""
    with write(resources.engine) as session:
        add_audit(
            session, now(), by=_own(person), action="exported", sociopole=sociopole, about=what
        )


def _members(session: Session, roles: Sequence[RoleWanted]) -> Mapping[int, Member]:
    members: dict[int, Member] = {}
    for wanted in roles:
        sociopole = get_sociopole(session, wanted.sociopole)
        if sociopole.id in members:
            raise Refused(f"Un seul rôle par sociopôle ; « {wanted.sociopole} » en a deux.")
        organisation = None
        if wanted.organisation:
            found = organisations(session, sociopole.id).get(name_key(wanted.organisation))
            if found is None:
                raise NotFound(
                    f"Aucune structure « {wanted.organisation} » dans {wanted.sociopole} : "
                    "importez d'abord ses contributions, ou vérifiez le nom."
                )
            organisation = found.id
        if wanted.role == Role.ASSOCIATION and organisation is None:
            raise Refused("Le rôle « association » se donne dans une structure : nommez-la.")
        members[sociopole.id] = Member(str(wanted.role), organisation)
    return members


def _renew_password(session: Session, account_id: int, hashed: str, *, by: int | None) -> None:
    """Whoever knew the old one may have opened sessions and made keys by it: all of them go."""
    update_account(session, account_id, {"password_hash": hashed})
    close_sign_ins(session, account_id)
    keys, about = drop_tokens(session, account_id), f"compte {account_id}"
    add_audit(session, now(), by=by, action="password-changed", about=about, keys_removed=keys)


def _keep_one_admin(session: Session) -> None:
    if not count_admins(session):
        raise Refused(
            "C'est le dernier compte d'administration : donnez d'abord ce droit à un autre."
        )


def _check_giver(session: Session, by: int | None) -> None:
    """Raise Forbidden for someone of the demo: whom they let in would outlive it."""
    if by is not None and get_account(session, by).is_demo:
        raise Forbidden(
            "Dans la démonstration, personne n'ouvre ni ne change de compte : faites-le sur cette "
            "machine, par « sociopoles user »."
        )


def _no_demo(resources: Resources, account_id: int) -> None:
    """Raise Refused for someone of the demo: neither password nor key may outlive it."""
    with read(resources.engine) as session:
        if get_account(session, account_id).is_demo:
            raise Refused("Les personnes de la démonstration n'ont ni mot de passe ni clé.")


def _own(person: Person) -> int:
    if person.account is None:
        raise Forbidden("Connectez-vous pour cela.")
    return person.account


def check_email(email: str) -> None:
    """Raise Refused where this is no e-mail address."""
    # Signs that are many in one grow where two writings are compared.
    longest = max(len(email), len(email_key(email)))
    if longest > LONGEST_EMAIL or not EMAIL.fullmatch(email.strip()):
        raise Refused(f"« {email} » n'est pas une adresse e-mail.")


def _check_name(name: str) -> None:
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        raise Refused(f"Donnez un nom de 1 à {LONGEST_NAME} caractères.")


def _iso(at: dt.datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
