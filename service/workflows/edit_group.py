"""Edit groups: what a person changes is a row, shown at once and replayed on each new run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from matcher.group_size import Size
from matcher.grouping import likeness_of
from matcher.wishes import Action, Edit, apply, decide
from service.catchup import catch_up
from service.database import now, read, write
from service.errors import NotFound, Refused
from service.resources import Progress, Resources
from service.store.groupings import (
    GroupingView,
    add_edit,
    latest_grouping,
    list_edits,
    save_grouping,
    standing_edits,
)
from service.store.readings import hold_reading
from service.store.sociopoles import lock_sociopole, sociopole_id
from service.workflows.describe_groups import describe_groups
from service.workflows.group import (
    GroupPlan,
    State,
    group,
    state_in,
    stored_tree,
)
from service.workflows.group_material import Material, nearest_by_index, parse_kinds
from service.workflows.signing import check_author
from service.workflows.understand_edit import Wanted, base_of, latest_of, understand

LONGEST_WHY = 2000
MOVING = {Action.MERGE, Action.SPLIT, Action.MOVE, Action.TAKE_OUT}
LOCKED_SINCE = (
    "Un groupe que cela changerait est verrouillé depuis : ouvrez-le d'abord "
    "(« sociopoles edit-group unlock »)."
)


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
    _check(who)
    state = _state(resources, slug, progress)
    edit = understand(state, wanted)
    return _save(resources, state, _Change([*state.edits, edit], who, edit=edit), progress)


def undo_edit(
    resources: Resources,
    slug: str,
    who: Who,
    *,
    number: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Take back the last edit, or the one of this number; returns the grouping that follows.

    An undoing has a number too: to take it back is to do again what it undid.
    """
    _check(who)
    state = _state(resources, slug, progress)
    home = state.material.sociopole.id
    with read(resources.engine) as session:
        rows = {view.id: view for view in list_edits(session, home)}
        wanted = number if number is not None else max((e.number for e in state.edits), default=0)
        if wanted not in rows or rows[wanted].undone:
            known = ", ".join(str(i) for i, view in rows.items() if not view.undone) or "aucune"
            raise Refused(f"Rien à annuler. Modifications en vigueur : {known}.")
        edits = standing_edits(session, home, undoing=wanted)
    first = rows[wanted]
    while first.undoes is not None:
        first = rows[first.undoes]
    if first.id > base_of(state).head.last_edit:
        return _save(resources, state, _Change(edits, who, undoes=wanted), progress)
    # It took part in the run itself, or would: only a new run can tell.
    touched = frozenset(i for group in first.content["groups"] for i in group)
    if first.action in MOVING and any(m & touched for m in decide(edits).locked):
        raise Refused(LOCKED_SINCE)
    with write(resources.engine) as session:
        _hold(session, state)
        add_edit(session, sociopole_id=home, at=now(), by=who.by, why=who.why, undoes=wanted)
    return group(resources, _plan(latest_of(state)), by=who.by, progress=progress)


def show_history(resources: Resources, slug: str) -> dict[str, Any]:
    """Every edit of a sociopôle's groups, undoings among them, oldest first."""
    with read(resources.engine) as session:
        edits = list_edits(session, sociopole_id(session, slug))
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


def _check(who: Who) -> None:
    check_author(who.by)
    if len(who.why) > LONGEST_WHY:
        raise Refused(f"La raison compte au plus {LONGEST_WHY} caractères.")


def _state(resources: Resources, slug: str, progress: Progress | None) -> State:
    catch_up(resources, progress)
    with read(resources.engine) as session:
        latest = latest_grouping(session, sociopole_id(session, slug))
        if latest is None:
            raise NotFound(f"Aucun regroupement encore : lancez « sociopoles group {slug} ».")
        settings = latest.head.settings
        kinds = parse_kinds(",".join(settings["kinds"]))
        return state_in(resources, session, settings["sociopoles"], kinds)


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to be stored: the edits that stand then, and the new one or the one taken back."""

    edits: Sequence[Edit]
    who: Who
    edit: Edit | None = None
    undoes: int | None = None


def _save(resources: Resources, state: State, change: _Change, progress: Progress | None) -> int:
    """Store a change and the grouping it makes of the run it was made on."""
    latest, base = latest_of(state), base_of(state)
    material = _only(state.material, {place.statement_id for place in base.places})
    still = frozenset(material.position)
    decided = decide(change.edits, still)
    order = sorted(base.members.items(), key=lambda item: int(item[0][1:]))
    made_since = [edit for edit in change.edits if edit.number > base.head.last_edit]
    parts = [part & still for part in apply([m for _, m in order], made_since)]
    if any(locked not in parts for locked in decided.locked):
        raise Refused(LOCKED_SINCE)
    described = describe_groups(
        resources,
        material,
        [part for part in parts if part],
        rows=likeness_of(material.texts, material.vectors, nearest=nearest_by_index),
        tree=stored_tree(base, state.merges, material),
        decided=decided,
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
            by=change.who.by,
            why=change.who.why,
            edit=change.edit,
            undoes=change.undoes,
        )
        head = replace(
            latest.head,
            base_id=base.id,
            at=now(),
            by=change.who.by,
            last_edit=number,
            lost_titles=described.lost_titles,
            merges=None,
        )
        return save_grouping(session, head, described.groups, described.places)


def _hold(session: Session, state: State) -> None:
    """Refuse where these groups were changed, or a person erased, since they were read."""
    home = state.material.sociopole.id
    lock_sociopole(session, home)
    hold_reading(session, state.reading)
    latest = latest_grouping(session, home)
    if latest is None or latest.id != latest_of(state).id:
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
