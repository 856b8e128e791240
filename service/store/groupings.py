"""Groupings, their groups, where each statement stands, and what people decided of them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from matcher.wishes import Action, Edit
from service.errors import NotFound
from service.store.undoing import find_undone
from service.tables import GroupEdit, Grouping, GroupPlace, GroupRow, Sociopole


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group as it is stored; `partners` are `{"statement", "strength"}`, nearest first."""

    name: str
    rank: int
    title: str
    titled_by_person: bool
    terms: Sequence[str]
    central_id: int
    transversality: float
    local: bool
    stability: str
    locked: bool
    partners: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PlaceView:
    """Where a statement stands: `name` of its group, empty for none; coordinates for a picture."""

    statement_id: int
    name: str
    nearest: str
    strength: float
    leaf: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class GroupingHead:
    """What a grouping was made of, without its groups."""

    sociopole_id: int
    base_id: int | None
    at: dt.datetime
    by: str
    revision: int
    fingerprint: str
    content: str
    last_edit: int
    settings: Mapping[str, Any]
    advice: Mapping[str, Any]
    lost_titles: Sequence[str]
    merges: Sequence[Any] | None


@dataclass(frozen=True, slots=True)
class GroupingView:
    """A grouping: its number, what it was made of, groups by rank, places by statement."""

    id: int
    head: GroupingHead
    groups: Sequence[GroupView]
    places: Sequence[PlaceView]

    @property
    def members(self) -> dict[str, frozenset[int]]:
        """The statements of each group, by its name."""
        found: dict[str, set[int]] = {group.name: set() for group in self.groups}
        for place in self.places:
            if place.name:
                found[place.name].add(place.statement_id)
        return {name: frozenset(ids) for name, ids in found.items()}


@dataclass(frozen=True, slots=True)
class EditView:
    """One edit as it is listed: `undone` where a later one took it back."""

    id: int
    at: dt.datetime
    by: str
    why: str
    action: str
    content: Mapping[str, Any]
    undoes: int | None
    undone: bool


def save_grouping(
    session: Session,
    head: GroupingHead,
    groups: Sequence[GroupView],
    places: Sequence[PlaceView],
) -> int:
    """Write a grouping whole; returns its number."""
    row = Grouping(**{field: getattr(head, field) for field in GroupingHead.__dataclass_fields__})
    session.add(row)
    session.flush()
    if groups:
        session.execute(insert(GroupRow), [_row(group, row.id) for group in groups])
    if places:
        session.execute(insert(GroupPlace), [_row(place, row.id) for place in places])
    return row.id


def latest_grouping(session: Session, sociopole_id: int) -> GroupingView | None:
    """The last grouping of a sociopôle."""
    found = session.execute(
        select(Grouping.id)
        .where(Grouping.sociopole_id == sociopole_id)
        .order_by(Grouping.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return None if found is None else get_grouping(session, found)


def get_grouping(session: Session, number: int) -> GroupingView:
    """One grouping by its number. Raises NotFound."""
    row = session.get(Grouping, number)
    if row is None:
        raise NotFound(f"Le regroupement {number} n'existe pas.")
    fields = {field: getattr(row, field) for field in GroupingHead.__dataclass_fields__}
    groups = session.execute(
        select(GroupRow).where(GroupRow.grouping_id == number).order_by(GroupRow.rank)
    ).scalars()
    columns = [getattr(GroupPlace, field) for field in PlaceView.__dataclass_fields__]
    places = session.execute(
        select(*columns).where(GroupPlace.grouping_id == number).order_by(GroupPlace.statement_id)
    )
    return GroupingView(
        number,
        GroupingHead(**fields),
        [
            GroupView(**{field: getattr(g, field) for field in GroupView.__dataclass_fields__})
            for g in groups
        ],
        [PlaceView(*place) for place in places],
    )


def slug_of_grouping(session: Session, number: int) -> str:
    """The sociopôle a grouping is of. Raises NotFound."""
    slug = session.execute(
        select(Sociopole.slug)
        .join(Grouping, Grouping.sociopole_id == Sociopole.id)
        .where(Grouping.id == number)
    ).scalar_one_or_none()
    if slug is None:
        raise NotFound(f"Le regroupement {number} n'existe pas.")
    return slug


def tree_of(session: Session, grouping: GroupingView) -> Sequence[Any]:
    """The merges of the tree a grouping was cut from."""
    if grouping.head.merges is not None:
        return grouping.head.merges
    return (
        session.execute(
            select(Grouping.merges).where(Grouping.id == grouping.head.base_id)
        ).scalar_one()
        or []
    )


def add_edit(  # noqa: PLR0913 - the columns of one row
    session: Session,
    *,
    sociopole_id: int,
    at: dt.datetime,
    by: str,
    why: str,
    edit: Edit | None = None,
    undoes: int | None = None,
) -> int:
    """Write an edit, or the undoing of one; returns its number."""
    row = GroupEdit(
        sociopole_id=sociopole_id,
        at=at,
        by=by,
        why=why,
        action=str(edit.action) if edit else "undo",
        content=_content(edit) if edit else {},
        undoes_id=undoes,
    )
    session.add(row)
    session.flush()
    return row.id


def standing_edits(session: Session, sociopole_id: int, undoing: int | None = None) -> list[Edit]:
    """The edits of a sociopôle that nobody took back, in their order.

    As they would stand once the row `undoing` is taken back too, if given.
    """
    return [
        Edit(
            number=view.id,
            action=Action(view.action),
            groups=tuple(frozenset(group) for group in view.content["groups"]),
            title=view.content["title"],
            statement=view.content["statement"],
            anchor=view.content["anchor"],
        )
        for view in list_edits(session, sociopole_id, undoing)
        if not view.undone and view.action != "undo"
    ]


def last_edit(session: Session, sociopole_id: int) -> int:
    """The number of the last edit of a sociopôle, 0 where there is none."""
    return (
        session.execute(
            select(func.max(GroupEdit.id)).where(GroupEdit.sociopole_id == sociopole_id)
        ).scalar_one()
        or 0
    )


def list_edits(session: Session, sociopole_id: int, undoing: int | None = None) -> list[EditView]:
    """Every edit of a sociopôle, undoings among them, in their order; an undoing may be undone."""
    rows = list(
        session.execute(
            select(GroupEdit).where(GroupEdit.sociopole_id == sociopole_id).order_by(GroupEdit.id)
        ).scalars()
    )
    undone = find_undone([(row.id, row.undoes_id) for row in rows], undoing)
    return [
        EditView(
            row.id,
            row.at,
            row.by,
            row.why,
            row.action,
            row.content,
            row.undoes_id,
            row.id in undone,
        )
        for row in rows
    ]


def _content(edit: Edit) -> dict[str, Any]:
    return {
        "groups": [sorted(group) for group in edit.groups],
        "title": edit.title,
        "statement": edit.statement,
        "anchor": edit.anchor,
    }


def _row(view: GroupView | PlaceView, grouping_id: int) -> dict[str, Any]:
    return asdict(view) | {"grouping_id": grouping_id}
