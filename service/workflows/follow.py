"""Follow what the ledger says: in every table, in the files, in the indexes; once a line."""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from indexes.snapshot import SnapshotRefused, clear
from service.catchup import catch_up, publish_now, read_snapshot
from service.database import drop_old_bytes, now, read, write
from service.resources import Resources
from service.rgpd.identity import Salt, Sought
from service.rgpd.ledger import Asked, Ledger, Line
from service.store.audit import add_audit
from service.store.contacts import delete_contacts, statements_of_contacts
from service.store.forgetting import contacts_of, forget_stray_vectors
from service.store.holdings import Forgetting, Forgotten, Mention
from service.store.jobs import give_back_all, uploads_in_use
from service.store.personal import TABLES, forget_person, mentions_of
from service.store.revisions import current_mark, take_revisions
from service.store.rights import (
    mark_cleaned,
    note_request,
    noted_requests,
    set_consent,
    statement_names,
)
from service.store.sociopoles import lock_all_sociopoles
from service.store.statements import hash_text
from service.workflows.copies import remove_copies
from service.workflows.ledger import open_ledger

LOGGER = logging.getLogger(__name__)
PUBLISH_ATTEMPTS, WAIT_SECONDS = 20, 0.25


@dataclass(slots=True)
class Followed:
    """What following some lines did."""

    lines: int = 0
    tables: dict[str, Forgotten] = field(default_factory=dict)
    mentions: list[Mention] = field(default_factory=list)
    consents: int = 0
    vectors: int = 0
    files: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    clean: bool = True


def follow(
    resources: Resources, line: Line, *, dry_run: bool = False, by: int | None = None
) -> Followed:
    """Write a line in the ledger, then do what it says; on a trial, say what it would do."""
    # What a person may ask was checked before; what is asked reaches every table.
    resources = resources.unscoped()
    ledger = open_ledger(resources)
    if dry_run:
        done = Followed()
        with write(resources.engine) as session:
            _apply(session, ledger.salt, line, done)
            session.rollback()
        return done
    # The ledger first: should we die here, the next start does what it says.
    ledger.add(line)
    return follow_all(resources, ledger, [line], by=by)


def follow_pending(resources: Resources) -> int:
    """Do what the ledger says and this database has not done; returns how many lines.

    Also what was done but for the cleaning: the process died, or somebody was reading.
    """
    ledger = open_ledger(resources)
    lines = ledger.lines()
    if not lines:
        return 0
    with read(resources.engine) as session:
        noted = {line.id for line in noted_requests(session)}
    pending = [line for line in lines if line.id not in noted]
    follow_all(resources, ledger, pending)
    return len(pending)


def follow_all(
    resources: Resources, ledger: Ledger, lines: Sequence[Line], *, by: int | None = None
) -> Followed:
    """Do what these lines say, each in a transaction, then leave no byte behind."""
    done = Followed()
    for line in lines:
        with write(resources.engine) as session:
            _apply(session, ledger.salt, line, done)
            note_request(session, line)
            about = f"demande {line.id[:8]}"
            add_audit(session, now(), by=by, action=f"rights-{line.asked}", about=about)
    clean_up(resources, done)
    return done


def clean_up(resources: Resources, done: Followed) -> None:
    """Leave no byte of whoever left, in copies, database and indexes, unless it was done."""
    with read(resources.engine) as session:
        lines = noted_requests(session, uncleaned=True)
        needed = uploads_in_use(session)
    if not lines:
        return
    salt = open_ledger(resources).salt
    for line in lines:
        found = remove_copies(resources.settings.data, Sought(salt, line.keys), needed)
        for name, is_removed in found:
            (done.files if is_removed else done.waiting).append(name)
    clean(resources, TABLES, done)
    done.clean = done.clean and not done.waiting
    if any(line.asked == Asked.ERASE for line in lines):
        done.clean = rebuild_indexes(resources) and done.clean
    if done.clean:
        with write(resources.engine) as session:
            mark_cleaned(session, now())


def clean(resources: Resources, tables: Iterable[str], done: Followed) -> None:
    """Leave no byte of what went, in the database and in the indexes."""
    labels = [*resources.sectors.entries, *resources.disciplines.entries]
    with write(resources.engine) as session:
        done.vectors += forget_stray_vectors(session, {hash_text(e.label) for e in labels})
    changed = {*tables, "vector"} if done.vectors else set(tables)
    done.clean = drop_old_bytes(resources.engine, changed)


def rebuild_indexes(resources: Resources) -> bool:
    """Build the indexes from nothing and publish them; no older snapshot stays."""
    indexes = resources.indexes
    with indexes.lock:
        if not _are_cleared(resources.settings.index_folder):
            return False
        # Epoch "" is no database's: the indexes start over from nothing.
        indexes.epoch = ""
        catch_up(resources)
        for _ in range(PUBLISH_ATTEMPTS):
            # Also of no statement: another process must not publish what it knew before.
            if _is_published(resources):
                return True
            publish_now(resources)
            time.sleep(WAIT_SECONDS)
    return False


def _are_cleared(folder: Path) -> bool:
    for _ in range(PUBLISH_ATTEMPTS):
        try:
            if clear(folder):
                return True
        except OSError as error:
            LOGGER.warning("old indexes not removed: %s", error)
        time.sleep(WAIT_SECONDS)
    return False


def _apply(session: Session, salt: Salt, line: Line, done: Followed) -> None:
    lock_all_sociopoles(session)
    if line.asked == Asked.ERASE:
        # What others read before this they may not write after it: see store.readings.
        take_revisions(session, 1)
        give_back_all(session, now())
    done.lines += 1
    if line.keys.statements:
        ids = _statements_of(session, salt, line)
        done.consents += set_consent(session, ids, consent=line.asked == Asked.CONSENT)
    sought = Sought(salt, line.keys)
    if line.asked == Asked.OBJECT:
        ids = {view.id for view in contacts_of(session, sought)}
        done.consents += set_consent(session, statements_of_contacts(session, ids), consent=False)
        delete_contacts(session, ids)
        _add(done, {"contact": Forgotten(deleted=len(ids))})
    if line.asked == Asked.ERASE:
        done.mentions += mentions_of(session, sought)
        _add(done, forget_person(session, Forgetting(sought, line.mask_texts)))


def _statements_of(session: Session, salt: Salt, line: Line) -> set[int]:
    return {
        number
        for number, name in statement_names(session).items()
        if salt.hash("statement", name) in line.keys.statements
    }


def _add(done: Followed, tables: dict[str, Forgotten]) -> None:
    for table, forgotten in tables.items():
        before = done.tables.get(table, Forgotten())
        done.tables[table] = Forgotten(*(a + b for a, b in zip(before, forgotten, strict=True)))


def _is_published(resources: Resources) -> bool:
    with read(resources.engine) as session:
        mark = current_mark(session)
    try:
        return read_snapshot(resources, mark).revision >= resources.indexes.revision
    except (SnapshotRefused, OSError):
        return False
