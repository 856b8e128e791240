"""Groups before a workshop: made, read, edited, compared; and the workshop prepared from them."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field, StrictInt

from matcher.group_size import Size
from matcher.statements import Kind
from matcher.wishes import Action
from service.api.parameters import LARGEST, Number
from service.api.problems import ANSWERS
from service.api.schemas import Body, example
from service.asked_first import AskedFirstOnce
from service.visits import Proposals, Reviewing
from service.workflows.edit_group import Who, edit_group, show_history, undo_edit
from service.workflows.group import GroupPlan, group
from service.workflows.show_groups import show_changes, show_groups
from service.workflows.understand_edit import Wanted
from service.workflows.workshop import WorkshopPlan, prepare_workshop

router = APIRouter(
    prefix="/api/v1", responses=ANSWERS, tags=["groupes"], route_class=AskedFirstOnce
)


class GroupingWanted(Body):
    """What a grouping is asked for; without a size, as many groups as recommended."""

    model_config = example({"kinds": ["problem"], "groups": 6})

    also: list[str] = Field([], max_length=50, description="d'autres sociopôles, par nom court")
    kinds: list[Kind] = Field([Kind.PROBLEM], min_length=1, max_length=4)
    size: Size | None = None
    groups: StrictInt | None = Field(None, ge=1, le=1000)


class EditWanted(Body):
    """A change of the last grouping: groups by name, contributions by their id."""

    model_config = example(
        {
            "action": "rename",
            "groups": ["G2"],
            "title": "Vieillir chez soi",
            "why": "Le titre proposé ne disait rien aux habitants.",
        }
    )

    action: Action
    groups: list[str] = Field([], max_length=50, examples=[["G2"]])
    statements: list[str] = Field([], max_length=1000, examples=[["PC-P24"]])
    title: str = Field("", max_length=300)
    why: str = Field("", max_length=2000)


class UndoWanted(Body):
    """What to take back: the last edit, or the one of this number."""

    model_config = example({"why": "Les deux groupes n'avaient rien à voir."})

    number: StrictInt | None = Field(None, ge=1, le=LARGEST)
    why: str = Field("", max_length=2000)


class WorkshopWanted(Body):
    """A workshop on these groups; as many tables as groups unless said."""

    model_config = example({"groups": ["G2", "G9"], "tables": 3, "seats": 8})

    groups: list[str] = Field(min_length=1, max_length=50, examples=[["G2", "G9"]])
    tables: StrictInt | None = Field(None, ge=1, le=200)
    seats: StrictInt = Field(8, ge=1, le=100)


@router.get("/sociopoles/{slug}/groupings/latest")
def read_latest(visit: Proposals, slug: str) -> dict[str, Any]:
    """The last grouping: groups, members, isolated contributions, advice on their number."""
    return show_groups(visit.resources, slug)


@router.get("/sociopoles/{slug}/groupings/{number}")
def read_one(visit: Proposals, slug: str, number: Number) -> dict[str, Any]:
    """An earlier grouping."""
    return show_groups(visit.resources, slug, number)


@router.get("/sociopoles/{slug}/groupings/{number}/changes/{later}")
def compare(visit: Proposals, slug: str, number: Number, later: Number) -> dict[str, Any]:
    """What became of the groups from one grouping to a later one."""
    show_groups(visit.resources, slug, number)  # both belong to the sociopôle of the path
    return show_changes(visit.resources, number, later)


@router.post("/sociopoles/{slug}/groupings", status_code=201)
def make(visit: Reviewing, slug: str, wanted: GroupingWanted) -> dict[str, Any]:
    """Group anew; what people changed is replayed."""
    plan = GroupPlan(
        slug,
        also=tuple(wanted.also),
        kinds=tuple(wanted.kinds),
        size=wanted.groups if wanted.groups is not None else wanted.size,
    )
    return show_groups(visit.resources, slug, group(visit.resources, plan, by=visit.by))


@router.get("/sociopoles/{slug}/groupings/latest/edits")
def list_edits(visit: Proposals, slug: str) -> dict[str, Any]:
    """What people changed, who, when and why; oldest first."""
    return show_history(visit.resources, slug)


@router.post("/sociopoles/{slug}/groupings/latest/edits", status_code=201)
def edit(visit: Reviewing, slug: str, wanted: EditWanted) -> dict[str, Any]:
    """Rename, merge, split, move, take out, lock or unlock; returns what the grouping became."""
    asked = Wanted(
        wanted.action,
        groups=tuple(wanted.groups),
        statements=tuple(wanted.statements),
        title=wanted.title,
    )
    made = edit_group(visit.resources, slug, asked, Who(visit.by, wanted.why))
    return show_groups(visit.resources, slug, made)


@router.post("/sociopoles/{slug}/groupings/latest/edits/undo", status_code=201)
def undo(visit: Reviewing, slug: str, wanted: UndoWanted) -> dict[str, Any]:
    """Take back an edit."""
    made = undo_edit(visit.resources, slug, Who(visit.by, wanted.why), number=wanted.number)
    return show_groups(visit.resources, slug, made)


@router.post("/sociopoles/{slug}/workshops")
def prepare(visit: Reviewing, slug: str, wanted: WorkshopWanted) -> dict[str, Any]:
    """Tables with their participants, and who has no seat and why."""
    plan = WorkshopPlan(tuple(wanted.groups), wanted.tables, wanted.seats)
    return prepare_workshop(visit.resources, slug, plan)
