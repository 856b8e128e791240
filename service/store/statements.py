"""Statements: written by imports, read by workflows and by the indexes that follow them."""

import datetime as dt
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from matcher.statements import College, Kind, Statement, passage
from service.store.revisions import take_revisions
from service.tables import Organisation, Sociopole, StatementRow, Territory

CHUNK = 900
"""Values in one IN list: SQLite allows 999 variables in older builds."""
# Built once: putting these columns together takes as long as reading ten statements.
VIEWS: Select[*tuple[Any, ...]] = (
    select(
        StatementRow.id,
        StatementRow.kind,
        StatementRow.public_id,
        StatementRow.title,
        StatementRow.text,
        StatementRow.sector,
        StatementRow.sector_written,
        StatementRow.discipline,
        StatementRow.discipline_written,
        StatementRow.text_hash,
        Organisation.id.label("organisation_id"),
        Organisation.name.label("organisation"),
        Organisation.college,
        Sociopole.slug,
        Territory.name.label("territory"),
    )
    .join(Organisation, Organisation.id == StatementRow.organisation_id, isouter=True)
    .join(Sociopole, Sociopole.id == StatementRow.sociopole_id)
    .join(Territory, Territory.id == StatementRow.territory_id)
    .where(StatementRow.deleted.is_(False))
    .order_by(StatementRow.id)
)


@dataclass(frozen=True, slots=True)
class StatementDraft:
    """What an import says of one statement; `reference` is its key within its kind."""

    kind: str
    reference: str
    organisation_id: int | None
    title: str
    text: str
    sector_written: str
    sector: str
    discipline_written: str
    discipline: str
    territory_id: str
    consent: bool
    written_on: dt.date | None

    @property
    def text_hash(self) -> str:
        """sha256 of the passage that is embedded."""
        return hash_text(passage(self.title, self.text))


@dataclass(frozen=True, slots=True)
class StatementView:
    """A statement as it is shown, beside what the matcher needs of it."""

    statement: Statement
    public_id: str
    organisation: str
    sociopole: str
    sector_written: str
    discipline_written: str
    territory: str
    text_hash: str


class Existing(NamedTuple):
    """A statement that is already there: its number and what is to be stored of it."""

    id: int
    draft: StatementDraft


class Stored(NamedTuple):
    """A statement as its authors may edit it; `revision` is the version they read."""

    id: int
    revision: int
    deleted: bool
    public_id: str
    draft: StatementDraft


class Change(NamedTuple):
    """What the indexes need to hear of one statement."""

    id: int
    revision: int
    deleted: bool
    kind: str
    title: str
    passage: str
    text_hash: str


def hash_text(text: str) -> str:
    """sha256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def existing_statements(
    session: Session, sociopole_id: int, names: Collection[str]
) -> tuple[dict[tuple[str, str], Stored], dict[str, tuple[str, str]]]:
    """What a sociopôle holds, by (kind, reference); and (kind, reference) by public id.

    Of few `names`, references or public ids, only what bears one of them. What was taken back is
    among it: it keeps its reference and its public id.
    """
    conditions = [StatementRow.sociopole_id == sociopole_id]
    if len(names) <= CHUNK // 2:
        # With its kind, a reference is found by its index.
        of_reference = and_(StatementRow.kind.in_(list(Kind)), StatementRow.reference.in_(names))
        conditions.append(or_(of_reference, StatementRow.public_id.in_(names)))
    by_key: dict[tuple[str, str], Stored] = {}
    by_public: dict[str, tuple[str, str]] = {}
    for row in session.execute(select(StatementRow).where(*conditions)).scalars():
        by_key[row.kind, row.reference] = _stored(row)
        by_public[row.public_id] = (row.kind, row.reference)
    return by_key, by_public


def public_names(draft: StatementDraft) -> list[str]:
    """The public ids a new statement may get, the first that is free: its reference, as a rule.

    Two sheets that both number from 1 must not overwrite each other.
    """
    return [f"{draft.kind}-" * times + draft.reference for times in range(len(Kind) + 1)]


def add_statements(
    session: Session, sociopole_id: int, drafts: Sequence[StatementDraft], taken: Collection[str]
) -> None:
    """Write new statements; `taken` are the public ids in use, which stay unique."""
    if not drafts:
        return
    used = set(taken)
    rows = []
    for draft, revision in zip(drafts, take_revisions(session, len(drafts)), strict=True):
        public = next(name for name in public_names(draft) if name not in used)
        used.add(public)
        rows.append(
            asdict(draft)
            | {
                "sociopole_id": sociopole_id,
                "public_id": public,
                "text_hash": draft.text_hash,
                "revision": revision,
                "deleted": False,
            }
        )
    session.execute(insert(StatementRow), rows)


def update_statements(session: Session, changed: Sequence[Existing]) -> None:
    """Write the new drafts over the statements of these ids."""
    if not changed:
        return
    fields = [f for f in StatementDraft.__dataclass_fields__ if f not in {"kind", "reference"}]
    names = [*fields, "text_hash", "revision"]
    statement = (
        update(StatementRow.__table__)  # type: ignore[arg-type]  # a mapped class's table is a Table
        .where(StatementRow.id == bindparam("row_id"))
        .values({name: bindparam(f"new_{name}") for name in names})
    )
    revisions = take_revisions(session, len(changed))
    session.connection().execute(
        statement,
        [
            {"row_id": row_id}
            | {f"new_{field}": getattr(draft, field) for field in fields}
            | {"new_text_hash": draft.text_hash, "new_revision": revision}
            for (row_id, draft), revision in zip(changed, revisions, strict=True)
        ],
    )


def set_deleted(session: Session, statement_id: int, *, deleted: bool) -> None:
    """Delete a statement, or bring it back; the indexes hear of it by its new revision."""
    [revision] = take_revisions(session, 1)
    session.execute(
        update(StatementRow)
        .where(StatementRow.id == statement_id)
        .values(deleted=deleted, revision=revision)
    )


def find_stored(session: Session, sociopole_id: int, public_id: str) -> Stored | None:
    """One statement by its public id, deleted or not."""
    row = session.execute(
        select(StatementRow).where(
            StatementRow.sociopole_id == sociopole_id, StatementRow.public_id == public_id
        )
    ).scalar_one_or_none()
    return None if row is None else _stored(row)


def page_of_statements(
    session: Session, sociopole_id: int, kinds: Collection[str], *, after: int, limit: int
) -> list[StatementView]:
    """At most `limit` statements of a sociopôle, those after a number, by number."""
    conditions = [StatementRow.sociopole_id == sociopole_id, StatementRow.id > after]
    if kinds:
        conditions.append(StatementRow.kind.in_(list(kinds)))
    ids = session.execute(
        select(StatementRow.id)
        .where(StatementRow.deleted.is_(False), *conditions)
        .order_by(StatementRow.id)
        .limit(limit)
    ).scalars()
    return statements_by_id(session, list(ids))


def statements_of(
    session: Session, sociopole_id: int, kinds: Collection[str]
) -> list[StatementView]:
    """The statements of these kinds in one sociopôle, by id."""
    return _views(
        session, StatementRow.sociopole_id == sociopole_id, StatementRow.kind.in_(list(kinds))
    )


def statements_by_id(session: Session, ids: Sequence[int]) -> list[StatementView]:
    """The statements of these ids, in their order; ids that are gone are left out."""
    found: dict[int, StatementView] = {}
    for start in range(0, len(ids), CHUNK):
        part = StatementRow.id.in_(list(ids[start : start + CHUNK]))
        found.update({view.statement.id: view for view in _views(session, part)})
    return [found[i] for i in ids if i in found]


def text_hashes(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """The hashes of the texts of these statements, by id."""
    found: dict[int, str] = {}
    for start in range(0, len(ids), CHUNK):
        part = StatementRow.id.in_(list(ids[start : start + CHUNK]))
        rows = session.execute(select(StatementRow.id, StatementRow.text_hash).where(part))
        found.update((row.id, row.text_hash) for row in rows)
    return found


def texts_there(session: Session, hashes: Sequence[str]) -> set[str]:
    """Those of these hashes that are of a text which is still there."""
    found: set[str] = set()
    for start in range(0, len(hashes), CHUNK):
        part = StatementRow.text_hash.in_(list(hashes[start : start + CHUNK]))
        rows = session.execute(
            select(StatementRow.text_hash).where(StatementRow.deleted.is_(False), part)
        )
        found.update(rows.scalars())
    return found


def searchable_ids(
    session: Session,
    *,
    sociopole_id: int | None = None,
    kinds: Collection[str] = (),
    sector: str = "",
    since: int = 0,
) -> list[int]:
    """The ids a search may answer with, ascending; of those alone that changed after a revision.

    A sector is an RNA code, a family if it ends in 000.
    """
    conditions: list[ColumnElement[bool]] = [StatementRow.deleted.is_(False)]
    if since:
        conditions.append(StatementRow.revision > since)
    if sociopole_id is not None:
        conditions.append(StatementRow.sociopole_id == sociopole_id)
    if kinds:
        conditions.append(StatementRow.kind.in_(list(kinds)))
    if sector:
        family = sector.endswith("000")
        conditions.append(
            StatementRow.sector.startswith(sector[:3]) if family else StatementRow.sector == sector
        )
    rows = session.execute(select(StatementRow.id).where(*conditions).order_by(StatementRow.id))
    return list(rows.scalars())


def changed_ids(session: Session, *, since: int) -> list[int]:
    """The ids of what changed after a revision, deleted or not."""
    rows = session.execute(select(StatementRow.id).where(StatementRow.revision > since))
    return list(rows.scalars())


def ids_of_kind(session: Session, kind: str) -> set[int]:
    """The ids of all statements of one kind."""
    rows = session.execute(
        select(StatementRow.id).where(StatementRow.kind == kind, StatementRow.deleted.is_(False))
    )
    return set(rows.scalars())


def changes_since(session: Session, revision: int, *, limit: int) -> list[Change]:
    """The first statements changed after this revision, in the order of the changes."""
    columns = (
        StatementRow.id,
        StatementRow.revision,
        StatementRow.deleted,
        StatementRow.kind,
        StatementRow.title,
        StatementRow.text,
        StatementRow.text_hash,
    )
    rows = session.execute(
        select(*columns)
        .where(StatementRow.revision > revision)
        .order_by(StatementRow.revision)
        .limit(limit)
    )
    return [
        Change(
            row.id,
            row.revision,
            row.deleted,
            row.kind,
            row.title,
            passage(row.title, row.text),
            row.text_hash,
        )
        for row in rows
    ]


def _stored(row: StatementRow) -> Stored:
    return Stored(row.id, row.revision, row.deleted, row.public_id, _draft(row))


def _draft(row: StatementRow) -> StatementDraft:
    return StatementDraft(
        **{field: getattr(row, field) for field in StatementDraft.__dataclass_fields__}
    )


def _views(session: Session, *conditions: ColumnElement[bool]) -> list[StatementView]:
    rows = session.execute(VIEWS.where(*conditions))
    return [_view(row) for row in rows]


def _view(row: Row[Any]) -> StatementView:
    academic = row.kind in {Kind.INTEREST, Kind.COURSE}
    author = College.ACADEMIC if academic else College.ASSOCIATION
    statement = Statement(
        id=row.id,
        kind=Kind(row.kind),
        # Without an organisation a statement stands for itself: a number no organisation has.
        organisation=-row.id if row.organisation_id is None else row.organisation_id,
        college=author if row.organisation_id is None else College(row.college),
        title=row.title,
        text=row.text,
        sector=row.sector,
        discipline=row.discipline,
    )
    return StatementView(
        statement=statement,
        public_id=row.public_id,
        organisation=row.organisation or "",
        sociopole=row.slug,
        sector_written=row.sector_written,
        discipline_written=row.discipline_written,
        territory=row.territory,
        text_hash=row.text_hash,
    )
