"""Pairings: what a run proposes, and what people decide of it."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from matcher.assignment import Limits
from service.access import Permission
from service.api import schemas
from service.api.problems import ANSWERS
from service.api.schemas import Body
from service.once import OnceRoute
from service.visits import Proposals, Reading, Reviewing
from service.workflows import show
from service.workflows.introduced import show_introduced
from service.workflows.suggest import Plan, parse_kinds, suggest

router = APIRouter(
    prefix="/api/v1", responses=ANSWERS, tags=["rapprochements"], route_class=OnceRoute
)


class RunWanted(Body):
    """What a run is asked for."""

    proposals: int = Field(3, ge=1, le=50, description="au plus, par contribution")
    max_load: int = Field(5, ge=1, le=1000, description="au plus, par structure académique")
    kinds: str = Field("", max_length=300, examples=["problem-interest,problem-problem"])


@router.get("/sociopoles/{slug}/pairings", response_model=schemas.Suggestions)
def get_pairings(visit: Proposals, slug: str) -> dict[str, Any]:
    """The pairings of the last run, with their reasons, and the orphans."""
    return show.show_suggestions(visit.resources, slug)


@router.get("/sociopoles/{slug}/introduced", response_model=schemas.Introduced)
def list_introduced(visit: Reading, slug: str) -> dict[str, Any]:
    """The accepted pairings of one's own organisation (animation: all), both texts of each."""
    wide = visit.person.may(Permission.PROPOSALS, visit.sociopole)
    mine = None if wide else visit.person.scope().organisations
    return show_introduced(visit.resources, slug, of=mine)


@router.post("/sociopoles/{slug}/runs", response_model=schemas.Suggestions, status_code=201)
def make_run(visit: Reviewing, slug: str, wanted: RunWanted) -> dict[str, Any]:
    """Propose pairings anew and return them."""
    plan = Plan(Limits(wanted.proposals, wanted.max_load), parse_kinds(wanted.kinds))
    suggest(visit.resources, slug, plan)
    return show.show_suggestions(visit.resources, slug)
