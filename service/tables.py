"""The tables. Only this file and the store know mapped classes."""

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Number = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers its rows only for INTEGER keys."""


class Table(DeclarativeBase):
    """Base of all tables; constraints are named so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Revision(Table):
    """The one counter that numbers every change, and the database's random epoch."""

    __tablename__ = "revision"
    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(Number)
    epoch: Mapped[str] = mapped_column(String(32))


class Territory(Table):
    """An administrative area; `id` is `level:code`, since one code may name two levels."""

    __tablename__ = "territory"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    level: Mapped[str] = mapped_column(String(16))
    code: Mapped[str] = mapped_column(String(16), index=True)
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200), index=True)
    population: Mapped[int | None]
    former_codes: Mapped[str] = mapped_column(String(200))


class TerritoryParent(Table):
    """A territory lies in another; levels nest and overlap, so there are several parents."""

    __tablename__ = "territory_parent"
    child_id: Mapped[str] = mapped_column(ForeignKey("territory.id"), primary_key=True)
    parent_id: Mapped[str] = mapped_column(ForeignKey("territory.id"), primary_key=True, index=True)


class Sociopole(Table):
    """One local ecosystem."""

    __tablename__ = "sociopole"
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    territory_id: Mapped[str] = mapped_column(ForeignKey("territory.id"))


class Organisation(Table):
    """An association, lab, public body or company of one sociopôle."""

    __tablename__ = "organisation"
    __table_args__ = (UniqueConstraint("sociopole_id", "name_key"),)
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    sociopole_id: Mapped[int] = mapped_column(ForeignKey("sociopole.id"))
    name: Mapped[str] = mapped_column(String(300))
    name_key: Mapped[str] = mapped_column(String(300))
    college: Mapped[str] = mapped_column(String(16))


class Contact(Table):
    """A person, kept apart from the organisation."""

    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("organisation_id", "name", "email"),)
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(320))


class KnownRelation(Table):
    """Two organisations that already know each other; the lower id comes first."""

    __tablename__ = "known_relation"
    left_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    right_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    since: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(String(300))


class StatementRow(Table):
    """One text put in by an organisation; deleting keeps the row, so that indexes hear of it."""

    __tablename__ = "statement"
    __table_args__ = (
        UniqueConstraint("sociopole_id", "kind", "reference"),
        UniqueConstraint("sociopole_id", "public_id"),
        Index("ix_statement_sociopole_id_kind", "sociopole_id", "kind"),
    )
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    sociopole_id: Mapped[int] = mapped_column(ForeignKey("sociopole.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[str] = mapped_column(String(16))
    reference: Mapped[str] = mapped_column(String(200))
    public_id: Mapped[str] = mapped_column(String(220))
    title: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    sector_written: Mapped[str] = mapped_column(String(300))
    sector: Mapped[str] = mapped_column(String(16))
    discipline_written: Mapped[str] = mapped_column(String(300))
    discipline: Mapped[str] = mapped_column(String(32))
    territory_id: Mapped[str] = mapped_column(ForeignKey("territory.id"))
    consent: Mapped[bool]
    written_on: Mapped[dt.date | None]
    text_hash: Mapped[str] = mapped_column(String(64), index=True)
    revision: Mapped[int] = mapped_column(Number, index=True)
    deleted: Mapped[bool]


class Vector(Table):
    """The vector of a text by one model: float32 bytes, kept so that nothing is embedded twice."""

    __tablename__ = "vector"
    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    text_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    row: Mapped[bytes] = mapped_column(LargeBinary)


class Import(Table):
    """A file that was taken in, with its report and the columns it was read by."""

    __tablename__ = "import"
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    sociopole_id: Mapped[int] = mapped_column(ForeignKey("sociopole.id"))
    at: Mapped[dt.datetime]
    file_name: Mapped[str] = mapped_column(String(300))
    file_hash: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    columns: Mapped[dict[str, Any]] = mapped_column(JSON)
    report: Mapped[dict[str, Any]] = mapped_column(JSON)


class Run(Table):
    """One making of pairings: its settings and what stayed without an answer."""

    __tablename__ = "run"
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    sociopole_id: Mapped[int] = mapped_column(ForeignKey("sociopole.id"), index=True)
    at: Mapped[dt.datetime]
    revision: Mapped[int] = mapped_column(Number)
    fingerprint: Mapped[str] = mapped_column(String(64))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)


class Pairing(Table):
    """A pair proposed by a run, with its bars and the evidence."""

    __tablename__ = "pairing"
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True)
    left_id: Mapped[int] = mapped_column(ForeignKey("statement.id"))
    right_id: Mapped[int] = mapped_column(ForeignKey("statement.id"))
    score: Mapped[float]
    bars: Mapped[dict[str, Any]] = mapped_column(JSON)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    alternates: Mapped[list[int]] = mapped_column(JSON)


class Orphan(Table):
    """A statement a run found no adequate pairing for, and why."""

    __tablename__ = "orphan"
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    statement_id: Mapped[int] = mapped_column(ForeignKey("statement.id"), primary_key=True)
    why: Mapped[str] = mapped_column(Text)


class LexiconRow(Table):
    """What one sociopôle says of a term of the bridge lexicon: its own words, or that it is off.

    `term_key` is the usual term in lower case; `say` and `terms` hold several forms, one a line.
    """

    __tablename__ = "lexicon"
    sociopole_id: Mapped[int] = mapped_column(ForeignKey("sociopole.id"), primary_key=True)
    term_key: Mapped[str] = mapped_column(String(200), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    say: Mapped[str] = mapped_column(Text)
    terms: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime]


class Grouping(Table):
    """One making of groups, or what an edit made of the one before (`base_id`).

    `content` is the hash of what was grouped, `last_edit` the last edit replayed in it. `merges`
    is the tree, `[node, node, height]` a merge; what an edit made shares the tree of its base.
    """

    __tablename__ = "grouping"
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    sociopole_id: Mapped[int] = mapped_column(ForeignKey("sociopole.id"), index=True)
    base_id: Mapped[int | None] = mapped_column(ForeignKey("grouping.id"))
    at: Mapped[dt.datetime]
    by: Mapped[str] = mapped_column(String(200))
    revision: Mapped[int] = mapped_column(Number)
    fingerprint: Mapped[str] = mapped_column(String(64))
    content: Mapped[str] = mapped_column(String(64))
    last_edit: Mapped[int] = mapped_column(Number)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    advice: Mapped[dict[str, Any]] = mapped_column(JSON)
    lost_titles: Mapped[list[str]] = mapped_column(JSON)
    merges: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))


class GroupRow(Table):
    """One group of a grouping, under a name that follows it from run to run."""

    __tablename__ = "grouping_group"
    grouping_id: Mapped[int] = mapped_column(ForeignKey("grouping.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    rank: Mapped[int]
    title: Mapped[str] = mapped_column(String(300))
    titled_by_person: Mapped[bool]
    terms: Mapped[list[str]] = mapped_column(JSON)
    central_id: Mapped[int] = mapped_column(ForeignKey("statement.id"))
    transversality: Mapped[float]
    local: Mapped[bool]
    stability: Mapped[str] = mapped_column(String(16))
    locked: Mapped[bool]
    partners: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class GroupPlace(Table):
    """Where a statement stands in a grouping: in a group, or isolated (`name` empty)."""

    __tablename__ = "grouping_place"
    grouping_id: Mapped[int] = mapped_column(ForeignKey("grouping.id"), primary_key=True)
    statement_id: Mapped[int] = mapped_column(ForeignKey("statement.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(16))
    nearest: Mapped[str] = mapped_column(String(16))
    strength: Mapped[float]
    leaf: Mapped[int]
    x: Mapped[float]
    y: Mapped[float]


class GroupEdit(Table):
    """What a person decided of groups; rows are only ever added, an undo is one more."""

    __tablename__ = "group_edit"
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    sociopole_id: Mapped[int] = mapped_column(ForeignKey("sociopole.id"), index=True)
    at: Mapped[dt.datetime]
    by: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(16))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("group_edit.id"))


class Decision(Table):
    """What a person said of pairings; rows are only ever added, an undo is one more.

    `pairs` are `[left, right, left hash, right hash]`: one row for all that was decided at once.
    The hashes are of the texts that were read: a text that changed since may be read again.
    """

    __tablename__ = "decision"
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    sociopole_id: Mapped[int] = mapped_column(ForeignKey("sociopole.id"), index=True)
    at: Mapped[dt.datetime]
    by: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(32))
    words: Mapped[str] = mapped_column(Text)
    until: Mapped[dt.date | None]
    pairs: Mapped[list[Any]] = mapped_column(JSON)
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
