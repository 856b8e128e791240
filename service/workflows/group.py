"""Group statements before a workshop: which problems cross sectors, which stand alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from matcher.group_size import Advice, Size
from matcher.grouping import Grouping, Stage, find_groups
from matcher.statements import Kind
from matcher.tree import Tree
from matcher.wishes import Decided, Edit, Members, as_positions, decide
from service.catchup import catch_up
from service.database import now, read, write
from service.errors import Refused
from service.resources import Keep, Progress, Resources
from service.store.groupings import (
    GroupingHead,
    GroupingView,
    get_grouping,
    last_edit,
    latest_grouping,
    save_grouping,
    standing_edits,
    tree_of,
)
from service.store.readings import Reading, hold_reading, note_reading
from service.store.sociopoles import lock_sociopole
from service.workflows.describe_groups import describe_groups
from service.workflows.group_material import Material, gather, nearest_by_index
from service.workflows.signing import check_author

MOST_ASKED = 2000
STAGES = {
    Stage.LIKENESS: "Comparaison des contributions",
    Stage.TREE: "Rapprochement de proche en proche",
    Stage.SIZE: "Choix du nombre de groupes",
}


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """What a grouping is asked for; `also` are further sociopôles, `size` a word or a number."""

    sociopole: str
    also: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = (Kind.PROBLEM,)
    size: Size | int | None = None

    def __post_init__(self) -> None:
        """Refuse a number of groups that nobody could read."""
        if isinstance(self.size, int) and not 1 <= self.size <= MOST_ASKED:
            raise Refused(f"Demandez de 1 à {MOST_ASKED} groupes (reçu : {self.size}).")

    def as_settings(self) -> dict[str, Any]:
        """The plan as it is kept with the grouping."""
        slugs = dict.fromkeys((self.sociopole, *sorted(self.also)))
        return {
            "sociopoles": list(slugs),
            "kinds": [str(kind) for kind in self.kinds],
            "size": str(self.size) if isinstance(self.size, Size) else self.size,
        }


def group(
    resources: Resources,
    plan: GroupPlan,
    *,
    by: str,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> int:
    """Make and store a grouping; returns its number.

    Raises Overtaken, and stores nothing, where a person was erased meanwhile.

    Where nothing changed since the last one (texts, settings, model, edits), that one is the
    answer. Every edit that stands is replayed. Nothing is stored before all is done.
    """
    check_author(by)
    while True:
        mark = catch_up(resources, progress)
        state = read_state(resources, plan.as_settings()["sociopoles"], plan.kinds)
        head = _head(resources, plan, state, by=by, revision=mark.revision)
        before = state.latest
        if before and _is_same(before.head, head) and before.head.settings == head.settings:
            return before.id
        tree = None
        if state.base and _is_same(state.base.head, head):
            tree = stored_tree(state.base, state.merges, state.material)
        decided = decide(state.edits, frozenset(state.material.position))
        found = _find(state.material, plan, decided, tree, progress)
        described = describe_groups(
            resources,
            state.material,
            parts_of(found, state.material),
            rows=found.rows,
            tree=found.tree,
            decided=decided,
            known=before.members if before else {},
            progress=progress,
        )
        merges = zip(found.tree.merges.tolist(), found.tree.heights.tolist(), strict=True)
        head = replace(
            head,
            advice=_advice(found),
            lost_titles=described.lost_titles,
            merges=[[*nodes, height] for nodes, height in merges],
        )
        with write(resources.engine) as session:
            # An edit made meanwhile must not be lost behind a grouping that does not know it.
            lock_sociopole(session, state.material.sociopole.id)
            hold_reading(session, state.reading)
            if last_edit(session, state.material.sociopole.id) == state.last_edit:
                number = save_grouping(session, head, described.groups, described.places)
                if keep:
                    keep(session, {"grouping": number})
                return number


@dataclass(frozen=True, slots=True)
class State:
    """What is known before a grouping or an edit: `base` is the run that `latest` goes back to."""

    material: Material
    edits: Sequence[Edit]
    last_edit: int
    latest: GroupingView | None
    base: GroupingView | None
    merges: Sequence[Any]
    reading: Reading


def read_state(resources: Resources, slugs: Sequence[str], kinds: Sequence[Kind]) -> State:
    """Read what a grouping of these sociopôles stands on."""
    with read(resources.engine) as session:
        return state_in(resources, session, slugs, kinds)


def state_in(
    resources: Resources, session: Session, slugs: Sequence[str], kinds: Sequence[Kind]
) -> State:
    """The same, in one state of the database with what else is read from it."""
    material = gather(resources, session, slugs, kinds)
    home = material.sociopole.id
    latest = base = latest_grouping(session, home)
    if latest and latest.head.base_id:
        base = get_grouping(session, latest.head.base_id)
    return State(
        material,
        standing_edits(session, home),
        last_edit(session, home),
        latest,
        base,
        tree_of(session, base) if base else [],
        note_reading(session),
    )


def stored_tree(grouping: GroupingView, merges: Sequence[Any], material: Material) -> Tree:
    """The tree of a stored grouping, for the statements of `material`."""
    leaf_of = {place.statement_id: place.leaf for place in grouping.places}
    return Tree(
        np.array([leaf_of.get(v.statement.id, -1) for v in material.views], dtype=np.int64),
        np.array([merge[:2] for merge in merges], dtype=np.int64).reshape(-1, 2),
        np.array([merge[2] for merge in merges], dtype=np.float64),
    )


def parts_of(found: Grouping, material: Material) -> list[Members]:
    """The groups as sets of statement ids."""
    ids = np.array([view.statement.id for view in material.views], dtype=np.int64)
    return [frozenset(ids[found.group == g].tolist()) for g in range(found.n_groups)]


def _is_same(one: GroupingHead, other: GroupingHead) -> bool:
    """Whether two groupings are of the same texts, by the same model, after the same edits."""
    scope = ("sociopoles", "kinds")
    return (one.content, one.fingerprint, one.last_edit) == (
        other.content,
        other.fingerprint,
        other.last_edit,
    ) and all(one.settings[name] == other.settings[name] for name in scope)


def _head(
    resources: Resources, plan: GroupPlan, state: State, *, by: str, revision: int
) -> GroupingHead:
    return GroupingHead(
        sociopole_id=state.material.sociopole.id,
        base_id=None,
        at=now(),
        by=by,
        revision=revision,
        fingerprint=resources.encoder.fingerprint,
        content=state.material.content,
        last_edit=state.last_edit,
        settings=plan.as_settings(),
        advice={},
        lost_titles=[],
        merges=None,
    )


def _find(
    material: Material,
    plan: GroupPlan,
    decided: Decided,
    tree: Tree | None,
    progress: Progress | None,
) -> Grouping:
    tell = progress or (lambda *_: None)
    return find_groups(
        material.texts,
        material.vectors,
        size=plan.size,
        decided=as_positions(decided, material.position),
        nearest=nearest_by_index,
        tree=tree,
        tell=lambda stage, done, total: tell(STAGES[stage], done, total),
    )


def _advice(found: Grouping) -> dict[str, Any]:
    def plain(advice: Advice) -> dict[str, Any]:
        return {"groups": advice.groups, "why": str(advice.why)}

    return {"recommended": plain(found.advice), "asked": plain(found.asked)}
