"""What a person asks of groups, in terms of statements; what makes no sense is refused in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matcher.wishes import Action, Edit, Members
from service.errors import NotFound, Refused
from service.store.groupings import GroupingView
from service.workflows.group import State, stored_tree
from service.workflows.group_material import group_name

LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks: groups by name, statements by their id as it is shown."""

    action: Action
    groups: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    title: str = ""


def latest_of(state: State) -> GroupingView:
    """The grouping that is edited."""
    if state.latest is None:
        raise NotFound("Ce regroupement n'existe plus.")
    return state.latest


def base_of(state: State) -> GroupingView:
    """The run it goes back to."""
    return state.base or latest_of(state)


def understand(state: State, wanted: Wanted) -> Edit:
    """The edit in terms of statements, which outlive the groups. Raises Refused."""
    latest = latest_of(state)
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
    inside = np.array(sorted(position[i] for i in members if i in position), dtype=np.int64)
    halves = stored_tree(base_of(asked.state), asked.state.merges, asked.state.material).halves(
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
    entered = asked.latest.members[name]
    central = next(view.central_id for view in asked.latest.groups if view.name == name)
    living = entered & frozenset(asked.state.material.position)
    anchor = central if central in living else min(living, default=central)
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


def _group_name(latest: GroupingView, written: str) -> str:
    name = group_name(written)
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
