"""What is proposed, and what people said of it: runs, pairings, groups, decisions."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.base import Number, Table


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
    __table_args__ = (Index("ix_pairing_left_id_right_id", "left_id", "right_id"),)
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

    `pairs` are `[left, right, left hash, right hash, bars, model]`: one row for all that was
    decided at once. The hashes are of the texts that were read: a text that changed since may be
    read again. `filter` is what chose the pairings, null where they were named one by one.
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
    filter: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
