"""Enter through an identity provider; tie what it says of a person to an account, and untie it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from joserfc.jwk import OctKey
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.access import Person
from service.database import now, write
from service.errors import NotFound, Refused
from service.openid.accounts import account_of, tie, uninvited
from service.openid.dance_cookie import open_key, seal, unseal
from service.openid.provider import Provider
from service.openid.sign_in import (
    Dance,
    Identity,
    finish_sign_in,
    open_providers,
    start_sign_in,
)
from service.resources import Resources
from service.settings import Settings
from service.store.accounts import (
    NewAccount,
    account_of_identity,
    add_account,
    find_account,
    get_account,
    lock_account,
    subject_of,
    tie_identity,
    untie_identities,
)
from service.store.audit import add_audit
from service.store.sign_ins import close_sign_ins
from service.workflows.accounts import check_email
from service.workflows.sign_in import may_enter, open_session

RETURN = "/connexion/retour"
OTHER_PERSON = (
    "Cette demande de relier un compte n'est pas celle de la personne connectée ici : "
    "connectez-vous, puis recommencez."
)
AT_ONCE = "Cette identité vient d'être reliée ailleurs au même moment : recommencez."


@dataclass(frozen=True, slots=True)
class Door:
    """A provider, where it sends people back to, and the key of what their browser keeps."""

    provider: Provider
    back: str
    key: OctKey


class StoredAccounts:
    """The accounts of the database by number, inside one transaction; changes are audited."""

    def __init__(self, session: Session, provider: Provider) -> None:
        self._session, self._provider = session, provider

    def tied_to(self, issuer: str, subject: str) -> int | None:
        """The account of this identity."""
        found = account_of_identity(self._session, issuer, subject)
        return found.id if found else None

    def subject_of(self, account: int, issuer: str) -> str | None:
        """As whom this provider knows an account, which nobody else ties meanwhile."""
        lock_account(self._session, account)
        return subject_of(self._session, account, issuer)

    def invited_as(self, email: str) -> int | None:
        """The account that an administrator opened under this address."""
        found = find_account(self._session, email)
        return found.id if found and not found.is_demo else None

    def tie(self, account: int, issuer: str, subject: str) -> None:
        """Write that this identity opens this account."""
        tie_identity(self._session, account, issuer, subject)
        self._note(account, "identity-tied")

    def create(self, identity: Identity) -> int:
        """Open an account that has no role yet."""
        check_email(identity.email)
        if find_account(self._session, identity.email):
            raise uninvited(self._provider)
        name = identity.name or identity.email.partition("@")[0]
        made = add_account(self._session, NewAccount(identity.email, name), now())
        self._note(made, "account-created")
        return made

    def _note(self, account: int, action: str) -> None:
        _note(self._session, account, action, self._provider.chosen.name, by=account)


def open_doors(settings: Settings) -> Mapping[str, Door]:
    """The providers of the settings by name; nothing is asked of them yet. Raises Refused."""
    providers = open_providers(settings)
    if not providers:
        return {}
    key, here = open_key(settings.data), settings.public_url.rstrip("/")
    return {
        name: Door(provider, f"{here}{RETURN}/{name}", key) for name, provider in providers.items()
    }


def leave_for(door: Door, *, then: str, account: int | None = None) -> tuple[str, str]:
    """The provider's address, and what the browser keeps meanwhile. Raises Refused.

    With an `account`, who comes back is tied to it instead of entering.
    """
    url, dance = start_sign_in(door.provider, door.back, account=account, then=then)
    return url, seal(door.key, dance)


def read_dance(door: Door, sealed: str) -> Dance:
    """What the browser kept. Raises Refused."""
    return unseal(door.key, sealed)


def enter(
    resources: Resources, door: Door, dance: Dance, params: Mapping[str, str], *, network: str
) -> str:
    """Open a session to who comes back; returns its secret. Raises Refused or TooMany."""
    identity = _identify(resources, door, dance, params, network)
    return let_in(resources, door.provider, identity, network=network)


def let_in(resources: Resources, provider: Provider, identity: Identity, *, network: str) -> str:
    """Open a session of the account that this identity opens; returns its secret."""
    with _one_at_a_time(), write(resources.engine) as session:
        account = account_of(provider, identity, StoredAccounts(session, provider))
        if not may_enter(get_account(session, account)):
            raise uninvited(provider)
        return open_session(session, account, network)


def link(
    resources: Resources,
    door: Door,
    dance: Dance,
    params: Mapping[str, str],
    *,
    person: Person,
    network: str,
) -> None:
    """Tie who comes back to the account that asked for it, which is signed in here still."""
    if not person.sign_in or person.account is None or person.account != dance.account:
        raise Refused(OTHER_PERSON)
    identity = _identify(resources, door, dance, params, network)
    tie_to(resources, door.provider, identity, person.account)


def tie_to(resources: Resources, provider: Provider, identity: Identity, account_id: int) -> None:
    """Let an identity open this account. Raises Refused."""
    with _one_at_a_time(), write(resources.engine) as session:
        if get_account(session, account_id).is_demo:
            raise Refused("Les personnes de la démonstration ne se relient à aucun fournisseur.")
        tie(identity, account_id, StoredAccounts(session, provider))


def unlink(resources: Resources, account_id: int, name: str, *, network: str) -> str:
    """Forget an identity of one's own; other sessions are closed. The secret of the one left."""
    issuer = _issuer_of(resources.settings, name)
    with write(resources.engine) as session:
        _untie(session, account_id, issuer, name, by=account_id)
        return open_session(session, account_id, network)


def unlink_from_here(resources: Resources, email: str, name: str) -> None:
    """Forget someone's identity, from the command line of the machine; sessions are closed."""
    issuer = _issuer_of(resources.settings, name)
    with write(resources.engine) as session:
        account = find_account(session, email)
        if account is None:
            raise NotFound(f"Aucun compte n'a l'adresse {email}.")
        _untie(session, account.id, issuer, name, by=None)


def _identify(
    resources: Resources, door: Door, dance: Dance, params: Mapping[str, str], network: str
) -> Identity:
    # Counted by network alone: there is nothing to guess, but the provider is asked each time.
    with resources.attempts.trying(network, dance.state):
        return finish_sign_in(door.provider, dance, params, door.back)


def _issuer_of(settings: Settings, name: str) -> str:
    for provider in settings.oidc:
        if provider.name == name:
            return provider.issuer
    raise NotFound(f"Aucun fournisseur d'identité « {name} » n'est réglé ici.")


def _untie(session: Session, account_id: int, issuer: str, name: str, *, by: int | None) -> None:
    # A code by e-mail still opens the account: this is never the last way in.
    if not untie_identities(session, account_id, issuer):
        raise NotFound("Ce compte n'est pas relié à ce fournisseur.")
    close_sign_ins(session, account_id)
    _note(session, account_id, "identity-untied", name, by=by)


def _note(session: Session, account_id: int, action: str, provider: str, *, by: int | None) -> None:
    about = f"compte {account_id}"
    add_audit(session, now(), by=by, action=action, about=about, provider=provider)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two returns at once would write the same row: the second is refused."""
    try:
        yield
    except IntegrityError as error:
        raise Refused(AT_ONCE) from error
