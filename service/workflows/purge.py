"""Purge: what has been kept for as long as was promised goes, every night or when asked."""

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from service.database import now, read, write
from service.errors import Refused
from service.mail import Mail, send
from service.resources import Resources
from service.rgpd.durations import DURATIONS
from service.store.forgetting_accounts import inactive_accounts, mark_warned
from service.store.jobs import uploads_in_use
from service.store.once import drop_old
from service.store.retention import (
    purge_accounts,
    purge_audit,
    purge_contacts,
    purge_groupings,
    purge_import_reports,
    purge_jobs,
    purge_runs,
)
from service.store.sign_ins import drop_expired
from service.workflows.copies import UPLOADS, copies
from service.workflows.follow import Followed, clean, clean_up
from service.workflows.sign_in import IDLE, LONGEST

LOGGER = logging.getLogger(__name__)
SUBJECT = "Votre compte Sociopôles va être supprimé"
Limits = Mapping[str, dt.datetime]
"""By name of a duration: what is older goes; and `now`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What goes, for which duration, and the tables it is taken from."""

    what: str
    duration: str
    tables: tuple[str, ...]
    run: Callable[[Session, Limits], int]


RULES: tuple[Rule, ...] = (
    Rule(
        "contacts",
        "contact",
        ("contact", "statement_contact"),
        lambda session, limits: purge_contacts(
            session, limits["contact"], limits["paired_contact"]
        ),
    ),
    Rule(
        "détails des imports",
        "import_report",
        ("import",),
        lambda session, limits: purge_import_reports(session, limits["import_report"]),
    ),
    Rule(
        "tâches de fond",
        "import_report",
        ("job",),
        lambda session, limits: purge_jobs(session, limits["import_report"]),
    ),
    Rule(
        "passages",
        "run",
        ("run", "pairing", "orphan"),
        lambda session, limits: purge_runs(session, limits["run"]),
    ),
    Rule(
        "regroupements",
        "run",
        ("grouping", "grouping_group", "grouping_place"),
        lambda session, limits: purge_groupings(session, limits["run"]),
    ),
    Rule(
        "comptes inutilisés",
        "account",
        (
            "account",
            "sign_in",
            "api_token",
            "identity",
            "membership",
            "saved_query",
            "saved_answer",
        ),
        lambda session, limits: purge_accounts(
            session, limits["account"], limits["account_notice"]
        ),
    ),
    Rule(
        "sessions, codes et clés expirés",
        "session",
        ("sign_in", "sign_in_code", "api_token"),
        lambda session, limits: drop_expired(
            session,
            limits["now"],
            idle_before=limits["now"] - IDLE,
            made_before=limits["now"] - LONGEST,
        ),
    ),
    Rule(
        "réponses gardées",
        "answer_kept",
        ("once",),
        lambda session, limits: drop_old(session, limits["answer_kept"]),
    ),
    Rule(
        "journal d'audit",
        "audit",
        ("audit",),
        lambda session, limits: purge_audit(session, limits["audit"]),
    ),
)


def purge(
    resources: Resources, *, dry_run: bool = False, at: dt.datetime | None = None
) -> dict[str, Any]:
    """Remove what has been kept for long enough; on a trial, only count it."""
    at = at or now()
    limits = {name: duration.before(at) for name, duration in DURATIONS.items()} | {"now": at}
    warned = warn_owners(resources, limits, dry_run=dry_run)
    with write(resources.engine) as session:
        counts = {rule: rule.run(session, limits) for rule in RULES}
        if dry_run:
            session.rollback()
    files = _old_files(resources, limits)
    done = Followed()
    if not dry_run:
        for path in files:
            path.unlink(missing_ok=True)
        tables = {table for rule, count in counts.items() if count for table in rule.tables}
        clean_up(resources, done)
        if done.clean:
            clean(resources, tables, done)
    return {
        "dry_run": dry_run,
        "removed": [
            {"what": rule.what, "count": count, "kept": DURATIONS[rule.duration].said}
            for rule, count in counts.items()
        ],
        "files": [str(path.relative_to(resources.settings.data)) for path in files] + done.files,
        "vectors": done.vectors,
        "files_clean": done.clean,
        "warned": warned,
    }


def warn_owners(resources: Resources, limits: Limits, *, dry_run: bool) -> int:
    """Tell owners of accounts unused for nearly as long that these will go; returns how many.

    An e-mail that does not leave is tried again the next night: nobody goes without having heard.
    """
    if not (dry_run or resources.settings.smtp_url.get_secret_value()):
        # In the log nobody hears of it.
        LOGGER.warning("no mail server: owners of unused accounts were not told, none will go")
        return 0
    with read(resources.engine) as session:
        inactive = inactive_accounts(session, limits["account_warning"])
    due = [(number, email) for number, email, is_warned in inactive if not is_warned]
    told = []
    for number, email in () if dry_run else due:
        try:
            send(resources.settings, Mail(email, SUBJECT, _warning(resources)))
        except Refused as refusal:
            LOGGER.warning("account %d not warned: %s", number, refusal)
        else:
            told.append(number)
    if told:
        with write(resources.engine) as session:
            mark_warned(session, told, limits["now"])
    return len(due) if dry_run else len(told)


def _warning(resources: Resources) -> str:
    return (
        "Bonjour,\n\nVotre compte n'a pas servi depuis bientôt deux ans. Pour le garder, "
        f"connectez-vous dans les 30 jours : {resources.settings.public_url}\n\nSinon il sera "
        "supprimé, avec vos recherches gardées ; ce que vous avez décidé reste.\n"
    )


def _old_files(resources: Resources, limits: Limits) -> list[Path]:
    with read(resources.engine) as session:
        needed = uploads_in_use(session)
    return [
        path
        for path in copies(resources.settings.data, UPLOADS)
        if path.name not in needed and _changed_at(path) < limits["upload"]
    ]


def _changed_at(path: Path) -> dt.datetime:
    return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).replace(tzinfo=None)
