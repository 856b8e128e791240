"""Answer the other requests of a person: rectify, object, withdraw what was published."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.orm import Session

from service.database import drop_old_bytes, now, read, write
from service.errors import NotFound, Refused
from service.resources import Resources
from service.rgpd.identity import Keys, Salt, Sought, clean_email
from service.rgpd.ledger import Asked, new_line
from service.store.accounts import email_key, find_account
from service.store.audit import add_audit
from service.store.contacts import list_contacts, rewrite_contact, statements_of_contacts
from service.store.forgetting import contacts_of
from service.store.forgetting_accounts import accounts_of, rename_accounts
from service.store.personal import sign_as
from service.store.rights import find_statements, statement_names
from service.store.sociopoles import get_sociopole, lock_all_sociopoles
from service.store.territories import name_key
from service.workflows.follow import follow
from service.workflows.guard import is_withdrawn
from service.workflows.identify import Asking, identify
from service.workflows.ledger import open_ledger
from service.workflows.signing import LONGEST_EMAIL, LONGEST_NAME


@dataclass(frozen=True, slots=True)
class Which:
    """Statements by their ids, all of an organisation, all that came with an address."""

    statements: tuple[str, ...] = ()
    organisation: str = ""
    contact: str = ""


class Rectified(NamedTuple):
    """How many rows changed; whether no byte of what they were is left in the files."""

    rows: int
    clean: bool


def rectify(
    resources: Resources,
    asking: Asking,
    *,
    name: str = "",
    email: str = "",
    by: int | None = None,
) -> Rectified:
    """Give a person another name or e-mail, also where they signed.

    Their account enters by the new address. Raises NotFound where nobody is known so, Refused where
    the address is another account's.
    """
    name, email = " ".join(name.split()), email.strip()
    if not (name or email):
        raise Refused("Dites ce qui change : un nouveau nom, ou une nouvelle adresse.")
    if email and "@" not in email:
        raise Refused(f"« {email} » n'est pas une adresse électronique.")
    if len(name) > LONGEST_NAME or max(len(email), len(email_key(email))) > LONGEST_EMAIL:
        raise Refused(f"Au plus {LONGEST_NAME} caractères de nom, et {LONGEST_EMAIL} d'adresse.")
    salt = open_ledger(resources).salt
    with write(resources.engine) as session:
        lock_all_sociopoles(session)
        person, _ = identify(session, asking)
        sought = Sought(salt, salt.keys(person))
        contacts = contacts_of(session, sought)
        changed = sign_as(session, sought, name) if name else 0
        changed += _rectify_accounts(session, sought, name=name, email=email)
        for view in contacts:
            key = (view.organisation_id, name or view.name, email or view.email)
            rewrite_contact(session, view, key, now())
        if not (contacts or changed):
            raise NotFound("Personne n'est connu ainsi : « sociopoles rgpd held-on » le vérifie.")
        add_audit(session, now(), by=by, action="rights-rectify")
    tables = {"contact", "account", "decision", "group_edit", "grouping", "weights", "job"}
    clean = drop_old_bytes(resources.engine, tables)
    return Rectified(len(contacts) + changed, clean)


def object_to(resources: Resources, asking: Asking, *, by: int | None = None) -> dict[str, int]:
    """Remove a person's contacts, unpublish what came with them, and let no import bring them back.

    What they decided and their account stay: to erase these too, `erase`.
    """
    salt = open_ledger(resources).salt
    with read(resources.engine) as session:
        person, _ = identify(session, asking)
        keys = _only_at_the_door(salt.keys(person))
        ids = {view.id for view in contacts_of(session, Sought(salt, keys))}
        came = statements_of_contacts(session, ids)
        keys |= Keys(statements=_ledger_keys(session, salt, came))
    done = follow(resources, new_line(Asked.OBJECT, keys, now()), by=by)
    return {"contacts": done.tables["contact"].deleted, "unpublished": done.consents}


def allow(resources: Resources, asking: Asking, *, by: int | None = None) -> None:
    """Take a person off the list of those whom no import brings back."""
    salt = open_ledger(resources).salt
    with read(resources.engine) as session:
        person, _ = identify(session, asking)
    keys = _only_at_the_door(salt.keys(person))
    follow(resources, new_line(Asked.ALLOW, keys, now()), by=by)


def set_publication(
    resources: Resources, slug: str, which: Which, *, consent: bool, by: int | None = None
) -> int:
    """Withdraw the consent to publish, or give it again; returns how many statements changed.

    A later import does not give back what was withdrawn.
    """
    salt = open_ledger(resources).salt
    with read(resources.engine) as session:
        get_sociopole(session, slug)
        ids = find_statements(
            session,
            slug,
            public_ids=which.statements,
            organisation_key=name_key(which.organisation),
        )
        if which.contact:
            email = clean_email(which.contact)
            known = {c.id for c in list_contacts(session, slug) if clean_email(c.email) == email}
            ids |= statements_of_contacts(session, known)
        keys = Keys(statements=_ledger_keys(session, salt, ids))
    if not keys.statements:
        raise NotFound(
            "Aucune contribution n'est désignée : --statement, --organisation ou --contact."
        )
    asked = Asked.CONSENT if consent else Asked.WITHDRAW
    return follow(resources, new_line(asked, keys, now()), by=by).consents


def remember_consent(
    resources: Resources, slug: str, public_id: str, *, consent: bool, before: bool
) -> None:
    """Hold against later imports and restores what an author says of a publication."""
    with read(resources.engine) as session:
        ids = find_statements(session, slug, public_ids=[public_id])
        names = statement_names(session, ids)
        salt = open_ledger(resources).salt if before != consent else None
        known = salt and any(is_withdrawn(session, salt, name) for name in names.values())
    if (before and not consent) or (consent and known):
        set_publication(resources, slug, Which((public_id,)), consent=consent)


def _rectify_accounts(session: Session, sought: Sought, *, name: str, email: str) -> int:
    owner = find_account(session, email) if email else None
    if owner and owner.id not in accounts_of(session, sought):
        raise Refused(f"L'adresse {email} est celle d'un autre compte.")
    return rename_accounts(session, sought, name=name, email=email, key=email_key(email))


def _only_at_the_door(keys: Keys) -> Keys:
    """What an import knows a person by."""
    return Keys(emails=keys.emails, seats=keys.seats, orcids=keys.orcids, idrefs=keys.idrefs)


def _ledger_keys(session: Session, salt: Salt, ids: Collection[int]) -> frozenset[str]:
    names = statement_names(session, ids)
    return frozenset(salt.hash("statement", name) for name in names.values())
