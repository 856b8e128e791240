"""Edit groups: what a person changes is a row, shown at once and replayed on each new run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from matcher.group_size import Size
from matcher.grouping import likeness_of
from matcher.wishes import Action, Edit, Members, apply, decide
from service.catchup import catch_up
from service.database import read, write
from service.errors import NotFound, Refused
from service.resources import Progress, Resources
from service.store.groupings import (
    GroupingView,
    add_edit,
    latest_grouping,
    list_edits,
    save_grouping,
)
from service.store.sociopoles import get_sociopole, lock_sociopole
from service.workflows.describe_groups import describe_groups
from service.workflows.group import GroupPlan, State, group, now, read_state, stored_tree
from service.workflows.group_material import Material, nearest_by_index, parse_kinds

LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks: groups by name, statements by their id as it is shown."""

    action: Action
    groups: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Who:
    """Who decides, and why."""

    by: str
    why: str = ""


def edit_group(
    resources: Resources,
    slug: str,
    wanted: Wanted,
    who: Who,
    progress: Progress | None = None,
) -> int:
    """Change the last grouping of a sociopôle; returns the number of what it became.

    Raises Refused where the edit makes no sense there, and changes nothing.
    """
    state = _state(resources, slug, progress)
    edit = _understand(state, _latest(state), wanted)
    return _save(resources, state, edit, who, progress)


def undo_edit(
    resources: Resources,
    slug: str,
    who: Who,
    *,
    number: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Take back the last edit, or the one of this number; returns the grouping that follows."""
    state = _state(resources, slug, progress)
    standing = [edit.number for edit in state.edits]
    if not standing or (number is not None and number not in standing):
        known = ", ".join(map(str, standing)) or "aucune"
        raise Refused(f"Rien à annuler. Modifications en vigueur : {known}.")
    undone = standing[-1] if number is None else number
    if undone > _base(state).head.last_edit:
        return _save(resources, state, undone, who, progress)
    # It took part in the run itself: only a new run can do without it.
    with write(resources.engine) as session:
        _hold(session, state)
        home = state.material.sociopole.id
        add_edit(session, sociopole_id=home, at=now(), by=who.by, why=who.why, undoes=undone)
    return group(resources, _plan(_latest(state)), by=who.by, progress=progress)


def show_history(resources: Resources, slug: str) -> dict[str, Any]:
    """Every edit of a sociopôle's groups, undoings among them, oldest first."""
    with read(resources.engine) as session:
        edits = list_edits(session, get_sociopole(session, slug).id)
    return {
        "sociopole": slug,
        "edits": [
            {
                "id": edit.id,
                "at": edit.at.isoformat(timespec="seconds"),
                "by": edit.by,
                "why": edit.why,
                "action": edit.action,
                "title": edit.content.get("title", ""),
                "undoes": edit.undoes,
                "undone": edit.undone,
            }
            for edit in edits
        ],
    }


def _state(resources: Resources, slug: str, progress: Progress | None) -> State:
    catch_up(resources, progress)
    with read(resources.engine) as session:
        latest = latest_grouping(session, get_sociopole(session, slug).id)
    if latest is None:
        raise NotFound(f"Aucun regroupement encore : lancez « sociopoles group {slug} ».")
    settings = latest.head.settings
    return read_state(resources, settings["sociopoles"], parse_kinds(",".join(settings["kinds"])))


def _latest(state: State) -> GroupingView:
    if state.latest is None:
        raise NotFound("Ce regroupement n'existe plus.")
    return state.latest


def _understand(state: State, latest: GroupingView, wanted: Wanted) -> Edit:
    """The edit in terms of statements, which outlive the groups. Raises Refused."""
    names = [_group_name(latest, name) for name in wanted.groups]
    ids = frozenset(_statement(state, latest, written) for written in wanted.statements)
    edit = _RULES[wanted.action](_Asked(state, latest, names, ids, wanted.title))
    return replace(edit, number=state.last_edit + 1)


@dataclass(frozen=True, slots=True)
class _Asked:
    """An edit as it is asked, on the grouping it is asked of: group names and statement ids."""

    state: State
    latest: GroupingView
    names: Sequence[str]
    ids: Members
    title: str

    @property
    def name(self) -> str:
        """The one group it names."""
        if len(self.names) != 1:
            raise Refused("Nommez un groupe, et un seul.")
        return self.names[0]

    @property
    def statement(self) -> int:
        """The one statement it names."""
        if len(self.ids) != 1:
            raise Refused("Désignez une contribution, et une seule.")
        return min(self.ids)


def _rename(asked: _Asked) -> Edit:
    name = asked.name
    clean = " ".join(asked.title.split())
    if not clean or len(clean) > LONGEST_TITLE:
        raise Refused(f"Donnez un titre de 1 à {LONGEST_TITLE} caractères.")
    taken = {view.title.casefold(): view.name for view in asked.latest.groups if view.name != name}
    if other := taken.get(clean.casefold()):
        raise Refused(f"Le groupe {other} porte déjà ce titre : choisissez-en un autre.")
    return Edit(0, Action.RENAME, (asked.latest.members[name],), title=clean)


def _merge(asked: _Asked) -> Edit:
    if len(set(asked.names)) < 2:
        raise Refused("Nommez au moins deux groupes à réunir, par exemple G1 et G2.")
    _refuse_locked(asked.latest, asked.names)
    return Edit(
        0, Action.MERGE, tuple(asked.latest.members[name] for name in dict.fromkeys(asked.names))
    )


def _split(asked: _Asked) -> Edit:
    name = asked.name
    _refuse_locked(asked.latest, asked.names)
    members = asked.latest.members[name]
    if asked.ids:
        if not asked.ids < members:
            raise Refused(
                f"Désignez une partie des contributions du groupe {name}, et d'elles seules."
            )
        return Edit(0, Action.SPLIT, (asked.ids, members - asked.ids))
    position = asked.state.material.position
    inside = np.array(sorted(position[i] for i in members), dtype=np.int64)
    halves = stored_tree(_base(asked.state), asked.state.merges, asked.state.material).halves(
        inside
    )
    if halves is None:
        raise Refused(
            f"L'arbre ne distingue rien dans le groupe {name} : désignez les contributions à "
            "mettre à part (--statement)."
        )
    views = asked.state.material.views
    left, right = (frozenset(views[i].statement.id for i in half.tolist()) for half in halves)
    return Edit(0, Action.SPLIT, (left, right) if len(left) <= len(right) else (right, left))


def _move(asked: _Asked) -> Edit:
    name, statement = asked.name, asked.statement
    source = _name_of(asked.latest, statement)
    if source == name:
        raise Refused(f"Cette contribution est déjà dans le groupe {name}.")
    _refuse_locked(asked.latest, [name, *([source] if source else [])])
    left = asked.latest.members[source] if source else frozenset()
    anchor = next(view.central_id for view in asked.latest.groups if view.name == name)
    entered = asked.latest.members[name]
    return Edit(0, Action.MOVE, (left, entered), statement=statement, anchor=anchor)


def _take_out(asked: _Asked) -> Edit:
    statement = asked.statement
    source = _name_of(asked.latest, statement)
    if not source:
        raise Refused("Cette contribution n'est dans aucun groupe.")
    _refuse_locked(asked.latest, [source])
    return Edit(0, Action.TAKE_OUT, (asked.latest.members[source],), statement=statement)


def _lock(asked: _Asked) -> Edit:
    name = asked.name
    _refuse_locked(asked.latest, asked.names)
    return Edit(0, Action.LOCK, (asked.latest.members[name],))


def _unlock(asked: _Asked) -> Edit:
    name = asked.name
    if name not in _locked(asked.latest):
        raise Refused(f"Le groupe {name} n'est pas verrouillé.")
    return Edit(0, Action.UNLOCK, (asked.latest.members[name],))


_RULES: dict[Action, Callable[[_Asked], Edit]] = {
    Action.RENAME: _rename,
    Action.MERGE: _merge,
    Action.SPLIT: _split,
    Action.MOVE: _move,
    Action.TAKE_OUT: _take_out,
    Action.LOCK: _lock,
    Action.UNLOCK: _unlock,
}


def _base(state: State) -> GroupingView:
    return state.base or _latest(state)


def _save(
    resources: Resources,
    state: State,
    new: Edit | int,
    who: Who,
    progress: Progress | None,
) -> int:
    """Store an edit, or the undoing of the edit of this number, and the grouping it makes."""
    latest, base = _latest(state), _base(state)
    if isinstance(new, Edit):
        edits = [*state.edits, new]
    else:
        edits = [edit for edit in state.edits if edit.number != new]
    known = {place.statement_id for place in base.places}
    material = _only(state.material, known)
    still = frozenset(material.position)
    order = sorted(base.members.items(), key=lambda item: int(item[0][1:]))
    made_since = [edit for edit in edits if edit.number > base.head.last_edit]
    parts = [part & still for part in apply([m for _, m in order], made_since)]
    described = describe_groups(
        resources,
        material,
        [part for part in parts if part],
        rows=likeness_of(material.texts, material.vectors, nearest=nearest_by_index),
        tree=stored_tree(base, state.merges, material),
        decided=decide(edits).among(still),
        known=latest.members | {name: m for name, m in order if m in parts},
        before=latest,
        progress=progress,
    )
    with write(resources.engine) as session:
        _hold(session, state)
        number = add_edit(
            session,
            sociopole_id=material.sociopole.id,
            at=now(),
            by=who.by,
            why=who.why,
            edit=new if isinstance(new, Edit) else None,
            undoes=None if isinstance(new, Edit) else new,
        )
        head = replace(
            latest.head,
            base_id=base.id,
            at=now(),
            by=who.by,
            last_edit=number,
            lost_titles=described.lost_titles,
            merges=None,
        )
        return save_grouping(session, head, described.groups, described.places)


def _hold(session: Session, state: State) -> None:
    """Refuse where another person changed these groups since they were read."""
    home = state.material.sociopole.id
    lock_sociopole(session, home)
    latest = latest_grouping(session, home)
    if latest is None or latest.id != _latest(state).id:
        raise Refused(
            "Quelqu'un vient de modifier ces groupes : regardez-les de nouveau, puis recommencez."
        )


def _only(material: Material, known: set[int]) -> Material:
    kept = [i for i, view in enumerate(material.views) if view.statement.id in known]
    return replace(
        material, views=[material.views[i] for i in kept], vectors=material.vectors[kept]
    )


def _plan(latest: GroupingView) -> GroupPlan:
    settings = latest.head.settings
    size = settings["size"]
    return GroupPlan(
        settings["sociopoles"][0],
        tuple(settings["sociopoles"][1:]),
        parse_kinds(",".join(settings["kinds"])),
        Size(size) if isinstance(size, str) else size,
    )


def _group_name(latest: GroupingView, written: str) -> str:
    name = f"G{written.strip().lstrip('gG')}"
    if name not in latest.members:
        known = ", ".join(view.name for view in latest.groups[:12]) or "aucun"
        raise NotFound(f"Le groupe « {written} » n'existe pas. Groupes : {known}.")
    return name


def _statement(state: State, latest: GroupingView, written: str) -> int:
    """The statement of this id, or of `sociopôle:id` where two sociopôles have the same."""
    slug, _, rest = written.partition(":")
    placed = {place.statement_id for place in latest.places}
    found = [
        view
        for view in state.material.views
        if view.statement.id in placed
        and (view.public_id == written or (view.sociopole, view.public_id) == (slug, rest))
    ]
    if not found:
        raise NotFound(f"La contribution « {written} » n'est pas dans ce regroupement.")
    if len(found) > 1:
        choices = ", ".join(f"{view.sociopole}:{view.public_id}" for view in found)
        raise Refused(f"« {written} » désigne plusieurs contributions : {choices}.")
    return found[0].statement.id


def _name_of(latest: GroupingView, statement: int) -> str:
    return next(place.name for place in latest.places if place.statement_id == statement)


def _locked(latest: GroupingView) -> set[str]:
    return {view.name for view in latest.groups if view.locked}


def _refuse_locked(latest: GroupingView, names: Sequence[str]) -> None:
    if locked := sorted(set(names) & _locked(latest)):
        raise Refused(
            f"Le groupe {locked[0]} est verrouillé : ouvrez-le d'abord "
            "(« sociopoles edit-group unlock »)."
        )
