"""Who is meant by an address or a name: what else they are known by here, and who else has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.orm import Session

from service.errors import Refused
from service.rgpd.identity import Person, clean_email, words_of
from service.store.contacts import list_contacts
from service.store.forgetting_accounts import known_accounts
from service.store.territories import name_key


@dataclass(frozen=True, slots=True)
class Asking:
    """How a person is designated; `also` are other words they are known by: a phone, a surname."""

    email: str = ""
    name: str = ""
    also: tuple[str, ...] = ()
    organisation: str = ""
    orcid: str = ""
    idref: str = ""


class Known(NamedTuple):
    """Somebody who is known here, as a contact or by an account (without an organisation)."""

    name: str
    email: str
    organisation_key: str


def identify(session: Session, asking: Asking) -> tuple[Person, list[str]]:
    """The person, and what must be said of it, in French. Refused where several could be meant."""
    if not (asking.email or asking.name or asking.orcid or asking.idref):
        raise Refused("Désignez la personne : une adresse électronique, ou --name.")
    if asking.email and "@" not in asking.email:
        raise Refused(f"« {asking.email} » n'est pas une adresse électronique.")
    known = _everyone(session)
    mine = _meant(known, asking)
    names, notes = _names(mine, [k for k in known if k not in mine and k.email], asking)
    # Without an address of their own they are nobody else.
    mine += [
        k
        for k in known
        if k not in mine and not k.email and any(_same(k.name, name) for name in names)
    ]
    person = Person(
        emails=tuple(sorted({e for e in (asking.email, *(k.email for k in mine)) if e})),
        names=tuple(names),
        also=asking.also,
        seats=_seats(mine, [k for k in known if k not in mine], asking),
        orcids=(asking.orcid,) if asking.orcid else (),
        idrefs=(asking.idref,) if asking.idref else (),
    )
    return person, notes


def _everyone(session: Session) -> list[Known]:
    contacts = [Known(c.name, c.email, c.organisation_key) for c in list_contacts(session)]
    return [*contacts, *(Known(name, email, "") for name, email in known_accounts(session))]


def _meant(known: Sequence[Known], asking: Asking) -> list[Known]:
    if asking.name and not asking.email:
        named = [k for k in known if _same(k.name, asking.name)]
        emails = {clean_email(k.email) for k in named} - {""}
        if len(emails) > 1:
            raise Refused(
                f"Plusieurs personnes s'appellent « {asking.name} » : désignez-la par son adresse "
                f"({', '.join(sorted(emails))})."
            )
        return named
    email = clean_email(asking.email)
    return [k for k in known if clean_email(k.email) == email] if email else []


def _names(
    mine: Sequence[Known], others: Sequence[Known], asking: Asking
) -> tuple[list[str], list[str]]:
    names, notes = [asking.name] if asking.name else [], []
    for name in sorted({k.name for k in mine if k.name}):
        if any(_same(name, taken) for taken in names):
            continue
        if any(_same(name, other.name) for other in others):
            notes.append(
                f"Une autre personne s'appelle « {name} » : ce nom n'est cherché ni dans les "
                f"textes ni dans les décisions. Si c'est bien elle : --name « {name} »."
            )
            continue
        names.append(name)
    return names, notes


def _seats(
    mine: Sequence[Known], others: Sequence[Known], asking: Asking
) -> tuple[tuple[str, str], ...]:
    """(name, organisation) that no other person has."""
    seats = {
        (k.name, k.organisation_key)
        for k in mine
        if k.name
        and k.organisation_key
        and not any(
            o.organisation_key == k.organisation_key and _same(o.name, k.name) for o in others
        )
    }
    if asking.name and asking.organisation:
        seats.add((asking.name, name_key(asking.organisation)))
    return tuple(sorted(seats))


def _same(left: str, right: str) -> bool:
    words = sorted(word.folded for word in words_of(left))
    return bool(words) and words == sorted(word.folded for word in words_of(right))
