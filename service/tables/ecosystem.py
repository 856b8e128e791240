"""What a sociopôle holds: territories, organisations, contributions, imports."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.base import Number, Table


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
    """A person, kept apart from the organisation; `informed_at` when told of it (art. 14)."""

    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("organisation_id", "name", "email"),)
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(320))
    added_at: Mapped[dt.datetime]
    touched_at: Mapped[dt.datetime]
    informed_at: Mapped[dt.datetime | None]


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
    """The vector of a text by one model: float32 bytes, kept so that nothing is embedded twice.

    `sentences` are those of its sentences, one after the other, as float16; None until embedded.
    """

    __tablename__ = "vector"
    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    text_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    row: Mapped[bytes] = mapped_column(LargeBinary)
    sentences: Mapped[bytes | None] = mapped_column(LargeBinary)


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
