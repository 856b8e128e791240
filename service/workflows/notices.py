"""Tell academics that they are kept here, within a month of the import (art. 14)."""

import calendar
import datetime as dt
from collections.abc import Collection
from pathlib import Path
from typing import Any

from matcher.statements import College
from service import rgpd
from service.database import now, read, write
from service.errors import NotFound
from service.resources import Resources
from service.rgpd.durations import DURATIONS
from service.rgpd.identity import clean_email
from service.rgpd.register import UNKNOWN
from service.store.contacts import ContactView, list_contacts, mark_informed
from service.store.sociopoles import get_sociopole

TEMPLATE = Path(rgpd.__file__).parent / "avis.txt"
SOURCE = "un fichier reçu par l'équipe d'animation"


def show_notices(
    resources: Resources, slug: str, *, source: str = "", today: dt.date | None = None
) -> dict[str, Any]:
    """Who must be told, by when, and the mail to each, soonest first."""
    today = today or now().date()
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        waiting = _waiting(list_contacts(session, slug))
    settings = resources.settings
    template = TEMPLATE.read_text("utf-8")
    shared = {
        "sociopole": sociopole.name,
        "controller": settings.controller or UNKNOWN.format("SOCIOPOLES_CONTROLLER"),
        "contact": settings.privacy_contact or UNKNOWN.format("SOCIOPOLES_PRIVACY_CONTACT"),
        "duration": DURATIONS["contact"].said,
        "source": source or SOURCE,
    }
    return {
        "sociopole": slug,
        "notices": [
            {
                "name": contact.name,
                "email": contact.email,
                "organisation": contact.organisation,
                "added_on": contact.added_at.date().isoformat(),
                "due_on": due_on(contact.added_at).isoformat(),
                "late": due_on(contact.added_at) < today,
                "mail": template.format(
                    **shared,
                    name=contact.name or "à vous",
                    organisation=contact.organisation,
                    added_on=f"{contact.added_at:%d/%m/%Y}",
                ),
            }
            for contact in waiting
        ],
    }


def mark_sent(resources: Resources, slug: str, emails: Collection[str] = ()) -> int:
    """Note that these academics were told, or all who wait; returns how many."""
    wanted = {clean_email(email) for email in emails}
    with write(resources.engine) as session:
        get_sociopole(session, slug)
        waiting = _waiting(list_contacts(session, slug))
        unknown = wanted - {clean_email(contact.email) for contact in waiting}
        if unknown:
            raise NotFound(f"Personne n'attend d'avis à cette adresse : {', '.join(unknown)}.")
        told = [c for c in waiting if not wanted or clean_email(c.email) in wanted]
        mark_informed(session, {contact.id for contact in told}, now())
    return len(told)


def due_on(added_at: dt.datetime) -> dt.date:
    """The last day to tell somebody: the same day of the next month."""
    added = added_at.date()
    year, month = divmod(added.year * 12 + added.month, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(added.day, last_day))


def _waiting(contacts: list[ContactView]) -> list[ContactView]:
    waiting = [c for c in contacts if c.college == College.ACADEMIC and c.informed_at is None]
    return sorted(waiting, key=lambda contact: (contact.added_at, contact.id))
