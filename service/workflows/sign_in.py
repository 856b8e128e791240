"""Enter and leave: by password, by a code sent by e-mail; every other way opens its session here.

An address that is nobody's gets the same answer, in the same time, as one that is someone's.
"""

import datetime as dt
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from service.access import Permission, Person, as_person
from service.database import now, read, write
from service.errors import NotSignedIn, Refused
from service.mail import Mail, send
from service.passwords import verify_password
from service.resources import Resources
from service.settings import Settings
from service.store.accounts import (
    AccountView,
    email_key,
    find_account,
    get_account,
    mark_seen,
    password_hash_of,
    update_account,
)
from service.store.sign_ins import (
    CodeView,
    SignInView,
    add_sign_in,
    close_sign_in,
    drop_code,
    find_sign_in,
    find_token,
    mark_token_used,
    put_code,
    take_try,
    touch_sign_in,
)
from service.store.sociopoles import list_slugs
from service.workflows.set_up import DEMO_SOCIOPOLES

DEMO_SLUGS = frozenset(slug for slug, *_ in DEMO_SOCIOPOLES)
LOGGER = logging.getLogger(__name__)
IDLE = dt.timedelta(days=7)
LONGEST = dt.timedelta(days=30)
TOUCHED_EVERY = dt.timedelta(minutes=5)
"""A session in use is noted this often: not a write for every page."""
CODE_LIFE = dt.timedelta(minutes=10)
CODE_TRIES = 5
CODE_DIGITS = 6
"""Six would be guessed in months by many networks at once, and no limit by account may stop them:
it would let anybody keep the person out."""
TOKEN_HEAD = "sp_live_"  # noqa: S105 - not a secret: what every key begins with
PREFIX_LENGTH = 8
WRONG = "Adresse ou mot de passe inconnus : vérifiez-les, ou demandez un code par e-mail."
WRONG_CODE = "Ce code n'est pas le bon, ou il est trop ancien : demandez-en un nouveau."
EXPIRED = "Votre session est terminée : connectez-vous de nouveau."
BAD_TOKEN = "Cette clé n'existe pas, ou elle a été retirée ou a expiré."  # noqa: S105


class CodeAsked(NamedTuple):
    """What the browser keeps until the code is typed, and the mail to send, if to anyone."""

    browser: str
    mail: Mail | None


def sign_in_with_password(resources: Resources, *, email: str, password: str, network: str) -> str:
    """Open a session; returns its secret. Raises NotSignedIn or TooMany."""
    with resources.attempts.trying(network, email_key(email)):
        with read(resources.engine) as session:
            account = find_account(session, email)
            stored = password_hash_of(session, account.id) if account else ""
        right, renewed = verify_password(password, stored)
        if not (right and account and may_enter(account)):
            raise NotSignedIn(WRONG)
    with write(resources.engine) as session:
        if renewed:
            update_account(session, account.id, {"password_hash": renewed})
        return open_session(session, account.id, network)


def ask_code(resources: Resources, *, email: str, network: str) -> CodeAsked:
    """Make a code for this browser; the mail is None where the address is nobody's."""
    resources.attempts.count_mail(network, email_key(email))
    browser = secrets.token_urlsafe(32)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    with write(resources.engine) as session:
        account = find_account(session, email)
        known = account if account and may_enter(account) else None
        view = CodeView(
            account=known.id if known else None,
            code_hash=_hash_code(browser, code),
            expires_at=now() + CODE_LIFE,
            tries_left=CODE_TRIES,
        )
        put_code(session, hash_secret(browser), view)
    return CodeAsked(browser, _code_mail(known, code) if known else None)


def sign_in_with_code(resources: Resources, *, browser: str, code: str, network: str) -> str:
    """Open a session by the code that was mailed, in the browser that asked for it."""
    digits = "".join(code.split())
    with resources.attempts.trying(network, "code"):
        with write(resources.engine) as session:
            waiting = take_try(session, hash_secret(browser), now())
            account = None
            if waiting and hmac.compare_digest(waiting.code_hash, _hash_code(browser, digits)):
                account = get_account(session, waiting.account) if waiting.account else None
            if account and may_enter(account):
                drop_code(session, hash_secret(browser))
                return open_session(session, account.id, network)
        raise NotSignedIn(WRONG_CODE)


def open_session(session: Session, account_id: int, network: str) -> str:
    """Write an open session; returns the secret of its cookie."""
    secret, at = secrets.token_urlsafe(32), now()
    add_sign_in(session, SignInView(hash_secret(secret), account_id, at, at, network))
    mark_seen(session, account_id, at)
    return secret


def sign_out(resources: Resources, secret: str) -> None:
    """Close the session of this cookie."""
    with write(resources.engine) as session:
        close_sign_in(session, hash_secret(secret))


def person_of_session(resources: Resources, secret: str) -> Person:
    """Who a cookie is. Raises NotSignedIn where the session is closed, idle or too old."""
    key, at = hash_secret(secret), now()
    with read(resources.engine) as session:
        found = find_sign_in(session, key)
        if found is None or not _is_open(found, at):
            raise NotSignedIn(EXPIRED)
        account = get_account(session, found.account)
        is_over = account.is_demo and has_more_than_demo(session)
    if is_over or not account.is_active:
        raise NotSignedIn(EXPIRED)
    if at - found.seen_at > TOUCHED_EVERY:
        _note(resources, lambda session: touch_sign_in(session, key, at))
    return as_person(account, sign_in=key)


def person_of_token(resources: Resources, token: str) -> Person:
    """Who a key speaks for, and what it may do. Raises NotSignedIn."""
    at = now()
    prefix = token.removeprefix(TOKEN_HEAD)[:PREFIX_LENGTH]
    with read(resources.engine) as session:
        found = find_token(session, prefix) if token.startswith(TOKEN_HEAD) else None
        right = found is not None and hmac.compare_digest(found.secret_hash, hash_secret(token))
        if found is None or not right or found.expires_at <= at:
            raise NotSignedIn(BAD_TOKEN)
        account = get_account(session, found.account)
    if not may_enter(account):
        raise NotSignedIn(BAD_TOKEN)
    if found.used_at is None or at - found.used_at > TOUCHED_EVERY:
        number = found.id
        _note(resources, lambda session: mark_token_used(session, number, at))
    return as_person(account, limited_to=frozenset(Permission(s) for s in found.scopes))


def send_quietly(settings: Settings, mail: Mail) -> None:
    """Send after the answer: what fails is for the log, which says nothing of whom."""
    try:
        send(settings, mail)
    except Refused as refusal:
        LOGGER.warning("mail not sent: %s", refusal)


def hash_secret(secret: str) -> str:
    """sha256 of a long random secret: enough, since it cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _note(resources: Resources, write_it: Callable[[Session], None]) -> None:
    """Write down that someone came; a full disk or a busy database sends nobody away."""
    try:
        with write(resources.engine) as session:
            write_it(session)
    except OperationalError as error:
        LOGGER.warning("a visit was not noted: %s", error)


def has_more_than_demo(session: Session) -> bool:
    """Whether there is a sociopôle that is not of the demo: then nobody of the demo enters."""
    return not DEMO_SLUGS.issuperset(list_slugs(session))


def may_enter(account: AccountView) -> bool:
    """Whether the account enters from anywhere; the demo's have a door of their own."""
    return account.is_active and not account.is_demo


def _is_open(found: SignInView, at: dt.datetime) -> bool:
    # Nor may a time lie ahead for long: a clock that was wrong must not keep a session alive.
    return abs(at - found.seen_at) < IDLE and abs(at - found.created_at) < LONGEST


def _hash_code(browser: str, code: str) -> str:
    """Eight digits are few: keyed by the browser's secret, which is not kept."""
    return hmac.new(browser.encode(), code.encode(), "sha256").hexdigest()


def _code_mail(account: AccountView, code: str) -> Mail:
    minutes = int(CODE_LIFE.total_seconds() // 60)
    return Mail(
        account.email,
        f"{code} : votre code pour Sociopoles",
        f"Bonjour {account.name},\n\n"
        f"Votre code est {code}. Tapez-le dans la page où vous l'avez demandé ; il est valable "
        f"{minutes} minutes et ne sert qu'une fois.\n\n"
        "Si vous n'avez rien demandé, ignorez ce message : sans lui, personne n'entre.\n",
    )
