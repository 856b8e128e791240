"""Alerts: a person keeps a question; what meets it later is listed, and told in one mail."""

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from matcher.statements import Kind
from service.access import Person, as_person
from service.catchup import catch_up
from service.database import now, read, write
from service.errors import Forbidden, NotFound, Overtaken, Refused
from service.mail import Mail, send
from service.resources import Progress, Resources
from service.store.accounts import AccountView, get_account
from service.store.queries import (
    AnswerView,
    QueryView,
    add_answers,
    add_query,
    answers_of,
    drop_query,
    get_query,
    list_queries,
    mark_looked_at,
    mark_mailed,
    owner_by_stop,
    renew_stop,
    set_by_mail,
    stop_mails_of,
)
from service.store.readings import hold_reading, note_reading
from service.store.statements import StatementView, statements_by_id
from service.workflows.answer import Query, answer
from service.workflows.show import show_statement
from service.workflows.sign_in import hash_secret
from service.workflows.still_said import said_now

LOGGER = logging.getLogger(__name__)
ANSWERS_KEPT = 10
"""Of one question at one time: what a person reads."""
WORTH_TELLING = 4.0
"""The score from which an answer is told unasked; see docs/decisions/0010-alerts.md."""
MOST_QUERIES = 50
SHOWN_IN_MAIL = 20


@dataclass(frozen=True, slots=True)
class Digest:
    """What one mail tells: an account, and the new answers of its questions."""

    account: AccountView
    told: list[tuple[QueryView, list[tuple[AnswerView, StatementView]]]]


def keep_query(
    resources: Resources, person: Person, query: Query, *, by_mail: bool
) -> dict[str, Any]:
    """Keep a question; what answers it today is listed as already seen."""
    account = _own(person)
    with read(resources.engine) as session:
        reading = note_reading(session)
        if len(list_queries(session, account)) >= MOST_QUERIES:
            raise Refused(f"Au plus {MOST_QUERIES} recherches gardées : effacez-en une d'abord.")
    mark = catch_up(resources)
    found = _find(resources, query)
    limits = {
        "sociopole": query.sociopole,
        "kinds": [str(kind) for kind in query.kinds],
        "sector": query.sector,
    }
    with write(resources.engine) as session:
        hold_reading(session, reading)
        view = QueryView(0, account, now(), query.text.strip(), limits, by_mail, 0)
        number = add_query(session, view, hash_secret(secrets.token_urlsafe(32)))
        add_answers(session, number, found, now(), is_new=False, revision=mark.revision)
        return _shown(session, get_query(session, account, number))


def show_queries(resources: Resources, person: Person) -> dict[str, Any]:
    """A person's kept questions, with how many new answers each has."""
    with read(resources.engine) as session:
        return {"queries": [_line(view) for view in list_queries(session, _own(person))]}


def show_query(resources: Resources, person: Person, number: int) -> dict[str, Any]:
    """A kept question and what meets it, the latest first; what is gone is left out."""
    with read(resources.engine) as session:
        return _shown(session, get_query(session, _own(person), number))


def change_query(
    resources: Resources,
    person: Person,
    number: int,
    *,
    by_mail: bool | None = None,
    seen: bool = False,
) -> dict[str, Any]:
    """Tell of it by mail or no longer; note that its answers were looked at."""
    with write(resources.engine) as session:
        view = get_query(session, _own(person), number)
        if by_mail is not None:
            set_by_mail(session, view.id, by_mail=by_mail)
        if seen:
            mark_looked_at(session, view.id)
        return _shown(session, get_query(session, view.account, number))


def forget_query(resources: Resources, person: Person, number: int) -> None:
    """Forget a kept question."""
    with write(resources.engine) as session:
        drop_query(session, get_query(session, _own(person), number).id)


def look_again(resources: Resources, progress: Progress | None = None) -> int:
    """Look for new answers to every kept question, as its owner may see them; returns how many."""
    mark = catch_up(resources, progress)
    with read(resources.engine) as session:
        due = [view for view in list_queries(session) if view.revision < mark.revision]
        owners = {view.account: get_account(session, view.account) for view in due}
    total = 0
    for done, view in enumerate(due, start=1):
        owner = owners[view.account]
        if owner.is_active:
            total += _look(resources, view, as_person(owner), mark.revision)
        if progress:
            progress("Recherches gardées", done, len(due))
    return total


def send_digests(
    resources: Resources, *, dry_run: bool = False, progress: Progress | None = None
) -> list[Mail]:
    """One mail to each person whose questions have new answers; returns what was, or would be.

    Without a mail server only people of the demo are told, in the log: what others did not get
    waits until there is one.
    """
    mails = []
    digests = _digests(resources)
    for done, digest in enumerate(digests):
        if progress:
            progress("Messages d'alerte", done, len(digests))
        secret = secrets.token_urlsafe(32)
        mail = _compose(resources, digest, secret)
        mails.append(mail)
        if dry_run:
            continue
        # The secret is known before the mail leaves, so that its link works from the start.
        with write(resources.engine) as session:
            renew_stop(session, digest.told[0][0].id, hash_secret(secret))
        try:
            send(resources.settings, mail)
        except Refused as refusal:
            # One address that is refused keeps nobody else from theirs.
            LOGGER.warning("digest of account %d not sent: %s", digest.account.id, refusal)
            mails.pop()
            continue
        with write(resources.engine) as session:
            for view, answers in digest.told:
                told = [found.statement for found, _ in answers]
                mark_mailed(session, view.id, told, now())
    return mails


def stop_mails(resources: Resources, secret: str) -> int:
    """Stop every alert mail of whoever got this secret; returns how many questions it was."""
    with write(resources.engine) as session:
        account = owner_by_stop(session, hash_secret(secret))
        if account is None:
            raise NotFound("Ce lien n'est plus valable : connectez-vous pour régler vos alertes.")
        return stop_mails_of(session, account)


def _look(resources: Resources, view: QueryView, owner: Person, revision: int) -> int:
    seen = resources.seen_by(owner.scope())
    with read(resources.engine) as session:
        reading = note_reading(session)
    try:
        found = _find(seen, _query(view))
    except Refused:
        # The sociopôle or the sector it names is gone, or no longer theirs.
        found = []
    try:
        with write(resources.engine) as session:
            hold_reading(session, reading)
            known = {found.statement for found in answers_of(session, view.id)}
            fresh = [(number, sentence) for number, sentence in found if number not in known]
            add_answers(session, view.id, fresh, now(), is_new=True, revision=revision)
    except Overtaken:
        # It is looked at again the next time: its revision stays behind.
        LOGGER.info("kept question %d left for the next time: a person was erased", view.id)
        return 0
    return len(fresh)


def _find(resources: Resources, query: Query) -> list[tuple[int, str]]:
    return [
        (found.view.statement.id, found.sentence)
        for found in answer(resources, query)
        if found.score >= WORTH_TELLING
    ]


def _query(view: QueryView) -> Query:
    limits: Mapping[str, Any] = view.limits
    return Query(
        view.text,
        sociopole=limits["sociopole"],
        kinds=tuple(Kind(kind) for kind in limits["kinds"]),
        sector=limits["sector"],
        k=ANSWERS_KEPT,
    )


def _digests(resources: Resources) -> list[Digest]:
    by_account: dict[int, Digest] = {}
    is_served = bool(resources.settings.smtp_url.get_secret_value())
    with read(resources.engine) as session:
        for view in list_queries(session):
            account = get_account(session, view.account)
            # In the log nobody else hears of it.
            is_reached = account.is_active and (is_served or account.is_demo)
            if not (view.by_mail and is_reached):
                continue
            waiting = [found for found in answers_of(session, view.id) if not found.is_mailed]
            views = _visible(resources, as_person(account), [f.statement for f in waiting])
            told = [(f, views[f.statement]) for f in waiting if f.statement in views]
            if told:
                by_account.setdefault(account.id, Digest(account, [])).told.append((view, told))
    return list(by_account.values())


def _visible(resources: Resources, owner: Person, ids: list[int]) -> dict[int, StatementView]:
    """What is still there, and still theirs to read."""
    with read(resources.seen_by(owner.scope()).engine) as session:
        return {view.statement.id: view for view in statements_by_id(session, ids)}


def _compose(resources: Resources, digest: Digest, secret: str) -> Mail:
    total = sum(len(answers) for _, answers in digest.told)
    address = resources.settings.public_url.rstrip("/")
    lines = [f"Bonjour {digest.account.name},", ""]
    for view, answers in digest.told:
        lines.append(f"Pour votre recherche « {_short(view.text)} » :")
        for found, statement in answers[:SHOWN_IN_MAIL]:
            lines.append(f"- {statement.statement.title} ({statement.organisation})")
            if sentence := said_now(found.sentence, statement):
                lines.append(f"  « {sentence} »")
        if len(answers) > SHOWN_IN_MAIL:
            lines.append(f"… et {len(answers) - SHOWN_IN_MAIL} autres.")
        lines.append("")
    stop = f"{address}/alertes/arret/{secret}"
    lines += [f"Les lire : {address}/", f"Ne plus recevoir ces messages : {stop}", ""]
    subject = "Une contribution nouvelle" if total == 1 else f"{total} contributions nouvelles"
    return Mail(digest.account.email, f"{subject} pour vos recherches", "\n".join(lines), stop)


def _shown(session: Session, view: QueryView) -> dict[str, Any]:
    found = answers_of(session, view.id)
    views = {v.statement.id: v for v in statements_by_id(session, [f.statement for f in found])}
    return _line(view) | {
        "answers": [
            show_statement(views[f.statement])
            | {
                "sentence": said_now(f.sentence, views[f.statement]),
                "found_at": f.at.isoformat(timespec="seconds"),
                "is_new": f.is_new,
            }
            for f in found
            if f.statement in views
        ]
    }


def _line(view: QueryView) -> dict[str, Any]:
    return {
        "id": view.id,
        "at": view.at.isoformat(timespec="seconds"),
        "text": view.text,
        "limits": dict(view.limits),
        "by_mail": view.by_mail,
        "new": view.new,
    }


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:80].rsplit(" ", 1)[0] + " …"


def _own(person: Person) -> int:
    if person.account is None:
        raise Forbidden("Connectez-vous pour garder une recherche.")
    return person.account
