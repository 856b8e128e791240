"""What has been kept for long enough, and its removal."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from service.store.contacts import delete_contacts
from service.store.decisions import Say, list_decisions
from service.store.forgetting_accounts import (
    empty_account,
    inactive_accounts,
    is_needed,
    warned_before,
)
from service.store.statements import CHUNK
from service.tables import (
    Account,
    Audit,
    Contact,
    Grouping,
    GroupPlace,
    GroupRow,
    Import,
    Job,
    Orphan,
    Pairing,
    Run,
    Sociopole,
    StatementContact,
    StatementRow,
    Table,
)

DETAILS = ("errors", "tied", "persons")
"""Parts of an import's report that speak of single lines."""


def purge_contacts(session: Session, before: dt.datetime, paired_before: dt.datetime) -> int:
    """Remove contacts that nothing happened with, later where a pairing of theirs stands."""
    last, paired = _last_said(session)
    own = defaultdict(set)
    for link in session.execute(select(StatementContact)).scalars():
        own[link.contact_id].add(link.statement_id)
    of_organisation = defaultdict(set)
    for row in session.execute(select(StatementRow.id, StatementRow.organisation_id)):
        of_organisation[row.organisation_id].add(row.id)
    stale = set()
    for contact in session.execute(select(Contact)).scalars():
        statements = own[contact.id] or of_organisation[contact.organisation_id]
        times = [contact.touched_at, *(last[s] for s in statements if s in last)]
        limit = paired_before if statements & paired else before
        if max(times) < limit:
            stale.add(contact.id)
    delete_contacts(session, stale)
    return len(stale)


def purge_runs(session: Session, before: dt.datetime) -> int:
    """Remove old runs with their pairings; the last of each sociopôle stays."""
    last = select(func.max(Run.id)).group_by(Run.sociopole_id)
    found = select(Run.id).where(Run.at < before, Run.id.not_in(last))
    old = list(session.execute(found).scalars())
    for table in (Pairing, Orphan):
        _delete(session, table, "run_id", old)
    _delete(session, Run, "id", old)
    return len(old)


def purge_groupings(session: Session, before: dt.datetime) -> int:
    """Remove old groupings; the last of each sociopôle stays, and what it was made from."""
    rows = session.execute(
        select(Grouping.id, Grouping.base_id, Grouping.sociopole_id, Grouping.at).order_by(
            Grouping.id
        )
    ).all()
    bases = {row.id: row.base_id for row in rows}
    last = {row.sociopole_id: row.id for row in rows}
    kept: set[int] = set()
    for row in rows:
        number = row.id if row.at >= before or row.id in last.values() else None
        while number is not None and number not in kept:
            kept.add(number)
            number = bases[number]
    old = [row.id for row in rows if row.id not in kept]
    for table in (GroupPlace, GroupRow):
        _delete(session, table, "grouping_id", old)
    # What was made from another goes before it.
    _delete(session, Grouping, "id", [number for number in old if bases[number] is not None])
    _delete(session, Grouping, "id", [number for number in old if bases[number] is None])
    return len(old)


def purge_import_reports(session: Session, before: dt.datetime) -> int:
    """Keep the counts of old imports, not what single lines held."""
    changed = 0
    for row in session.execute(select(Import.id, Import.report).where(Import.at < before)).all():
        details = [name for name in DETAILS if row.report.get(name)]
        emptied = row.report | {name: type(row.report[name])() for name in details}
        if emptied != row.report:
            session.execute(update(Import).where(Import.id == row.id).values(report=emptied))
            changed += 1
    return changed


def purge_jobs(session: Session, before: dt.datetime) -> int:
    """Remove jobs that ended long ago, with their reports."""
    gone = delete(Job).where(Job.finished_at < before).returning(Job.id)
    return len(session.execute(gone).all())


def purge_audit(session: Session, before: dt.datetime) -> int:
    """Remove old entries of the audit trail, and the emptied accounts that nothing speaks of."""
    gone = session.execute(delete(Audit).where(Audit.at < before).returning(Audit.id)).all()
    spoken_of = select(Audit.account_id).where(Audit.account_id.is_not(None))
    session.execute(delete(Account).where(Account.email == "", Account.id.not_in(spoken_of)))
    return len(gone)


def purge_accounts(session: Session, before: dt.datetime, warned: dt.datetime) -> int:
    """Empty accounts that nobody used for so long, once their owner was told and had the time.

    The last administrators stay, whatever their age.
    """
    told = warned_before(session, warned)
    emptied = 0
    for number, *_ in inactive_accounts(session, before):
        if number in told and not is_needed(session, number):
            empty_account(session, number)
            emptied += 1
    return emptied


def _last_said(session: Session) -> tuple[dict[int, dt.datetime], set[int]]:
    """When something was last decided of each statement, and those accepted or in contact."""
    last: dict[int, dt.datetime] = {}
    paired: set[int] = set()
    for sociopole in session.execute(select(Sociopole.id)).scalars():
        for decision in list_decisions(session, sociopole):
            touched = {s for pair in decision.pairs for s in (pair.left, pair.right)}
            last |= dict.fromkeys(touched, decision.at)
            if decision.action in {Say.ACCEPT, Say.IN_CONTACT} and not decision.undone:
                paired |= touched
    return last, paired


def _delete(session: Session, table: type[Table], column: str, numbers: Collection[int]) -> None:
    for part in _parts(sorted(numbers)):
        session.execute(delete(table).where(getattr(table, column).in_(part)))


def _parts(numbers: list[int]) -> Iterable[list[int]]:
    return (numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK))
