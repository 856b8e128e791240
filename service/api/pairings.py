"""Pairings: what a run proposes, and what people decide of it."""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field, StrictFloat, StrictInt

from matcher.assignment import Limits
from service.access import Permission
from service.api import schemas
from service.api.parameters import LARGEST, IfMatch, Limit, Number
from service.api.problems import ANSWERS
from service.api.schemas import Body, example
from service.asked_first import AskedFirstOnce
from service.errors import Refused
from service.store.decisions import Say
from service.store.proposed import Filter
from service.visits import Proposals, Reading, Reviewing
from service.workflows import show
from service.workflows.decide import Choice, Said, decide, show_decisions, undo_decision
from service.workflows.introduced import show_introduced
from service.workflows.learn_weights import (
    apply_weights,
    reset_weights,
    show_learning,
    undo_weights,
)
from service.workflows.list_pairings import list_pairings
from service.workflows.suggest import Plan, parse_kinds, suggest

router = APIRouter(
    prefix="/api/v1", responses=ANSWERS, tags=["rapprochements"], route_class=AskedFirstOnce
)


class RunWanted(Body):
    """What a run is asked for."""

    model_config = example({"proposals": 3, "max_load": 5, "kinds": "problem-interest"})

    proposals: StrictInt = Field(3, ge=1, le=50, description="au plus, par contribution")
    max_load: StrictInt = Field(5, ge=1, le=1000, description="au plus, par structure académique")
    kinds: str = Field("", max_length=300, examples=["problem-interest,problem-problem"])


class FilterWanted(Body):
    """Pairings by what was said of them, kinds, sector, and least value of each bar."""

    state: str = Field("", max_length=20, examples=["undecided"])
    kinds: str = Field("", max_length=60, examples=["problem-interest"])
    sector: str = Field("", max_length=300)
    least: dict[str, StrictFloat] = Field({}, examples=[{"meaning": 0.6}])

    def as_filter(self) -> Filter:
        """The filter, its kinds read."""
        pairs = parse_kinds(self.kinds) if self.kinds else ()
        if len(pairs) > 1:
            raise Refused("Une seule paire de natures, par exemple problem-interest.")
        kinds = pairs[0] if pairs else None
        return Filter(state=self.state, kinds=kinds, sector=self.sector, least=self.least)


class DecisionWanted(Body):
    """What a person says of a pairing."""

    model_config = example(
        {"action": "set-aside", "reason": "too-far", "words": "Trop loin pour s'y rendre."}
    )

    action: Say = Field(examples=["accept"])
    reason: str = Field("", max_length=32, examples=["too-far"])
    words: str = Field("", max_length=2000)
    until: dt.date | None = None

    def as_said(self, by: str) -> Said:
        """What is said, by whom."""
        if self.action == Say.UNDO:
            raise Refused("Pour annuler : POST …/decisions/{numéro}/undo.")
        return Said(self.action, by, self.reason, self.words, self.until)


class DecisionOnMany(DecisionWanted):
    """The same of several: by their ids, or all that a filter selects in the run looked at."""

    model_config = example(
        {
            "action": "accept",
            "words": "Vu en comité de pilotage.",
            "filter": {"state": "undecided", "least": {"meaning": 0.6}},
        }
    )

    pairings: list[str] = Field([], max_length=1000, examples=[["12-34"]])
    filter: FilterWanted | None = None
    run: StrictInt | None = Field(None, ge=1, le=LARGEST)
    expected: dict[str, StrictInt] | None = Field(None, examples=[{"12-34": 0}])


class WeightsWanted(Body):
    """What to do with the weights."""

    model_config = example({"action": "reset"})

    action: Literal["apply", "reset", "undo"]


@router.get("/sociopoles/{slug}/runs/latest", response_model=schemas.Suggestions)
def read_latest_run(visit: Proposals, slug: str) -> dict[str, Any]:
    """The pairings of the last run, with their reasons, and the orphans."""
    return show.show_suggestions(visit.resources, slug)


@router.get("/sociopoles/{slug}/pairings")
def list_by_filter(  # noqa: PLR0913 - FastAPI takes each part of a request as an argument
    visit: Proposals,
    slug: str,
    state: Annotated[str, Query(max_length=20, examples=["undecided"])] = "",
    kinds: Annotated[str, Query(max_length=60, examples=["problem-interest"])] = "",
    sector: Annotated[str, Query(max_length=300)] = "",
    least: Annotated[list[str] | None, Query(max_length=4, examples=[["meaning:0.6"]])] = None,
    after: Annotated[str | None, Query(max_length=60)] = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """The pairings that a filter lets through, each with its id and version, in pages."""
    wanted = FilterWanted(state=state, kinds=kinds, sector=sector, least=_least(least or []))
    return list_pairings(visit.resources, slug, wanted.as_filter(), after=after, limit=limit)


@router.get("/sociopoles/{slug}/decisions")
def list_decisions(visit: Proposals, slug: str) -> dict[str, Any]:
    """Everything that was decided of pairings, oldest first."""
    return show_decisions(visit.resources, slug)


@router.post("/sociopoles/{slug}/decisions", status_code=201)
def decide_many(visit: Reviewing, slug: str, wanted: DecisionOnMany) -> dict[str, Any]:
    """Decide on pairings named by their ids, or on all that a filter selects: one undo for all."""
    by_filter = wanted.filter.as_filter() if wanted.filter else None
    choice = Choice(ids=tuple(wanted.pairings), filter=by_filter, run=wanted.run)
    number = decide(
        visit.resources, slug, choice, wanted.as_said(visit.by), expected=wanted.expected
    )
    return {"decision": number}


@router.post("/sociopoles/{slug}/pairings/{pairing}/decisions", status_code=201)
def decide_one(
    visit: Reviewing,
    slug: str,
    pairing: Annotated[str, Path(max_length=40, examples=["12-34"])],
    wanted: DecisionWanted,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Decide on one pairing; If-Match is its version, and 409 says what was decided meanwhile."""
    expected = None if if_match is None else {pairing: if_match}
    said = wanted.as_said(visit.by)
    number = decide(visit.resources, slug, Choice(ids=(pairing,)), said, expected=expected)
    return {"decision": number}


@router.post("/sociopoles/{slug}/decisions/{number}/undo", status_code=201)
def undo(visit: Reviewing, slug: str, number: Number) -> dict[str, Any]:
    """Take back a decision, for all it was about."""
    return {"decision": undo_decision(visit.resources, slug, by=visit.by, number=number)}


@router.get("/sociopoles/{slug}/weights")
def read_weights(visit: Proposals, slug: str) -> dict[str, Any]:
    """What the bars count for: by default, in force, as decisions teach; and what would change."""
    return show_learning(visit.resources, slug)


@router.post("/sociopoles/{slug}/weights", status_code=201)
def put_weights(visit: Reviewing, slug: str, wanted: WeightsWanted) -> dict[str, Any]:
    """Put the learnt weights in force, the default ones, or those that were before."""
    act = {"apply": apply_weights, "reset": reset_weights, "undo": undo_weights}[wanted.action]
    act(visit.resources, slug, visit.by)
    return show_learning(visit.resources, slug)


@router.get("/sociopoles/{slug}/introduced", response_model=schemas.Introduced)
def list_introduced(visit: Reading, slug: str) -> dict[str, Any]:
    """The accepted pairings of one's own organisation (animation: all), both texts of each."""
    wide = visit.person.may(Permission.PROPOSALS, visit.sociopole)
    mine = None if wide else visit.person.scope().organisations
    return show_introduced(visit.resources, slug, of=mine)


def _least(written: list[str]) -> dict[str, float]:
    """Read « meaning:0.6 »."""
    found = {}
    for text in written:
        bar, _, value = text.partition(":")
        try:
            found[bar] = float(value)
        except ValueError as error:
            raise Refused(f"« {text} » : écrivez par exemple meaning:0.6.") from error
    return found


@router.post("/sociopoles/{slug}/runs", response_model=schemas.Suggestions, status_code=201)
def make_run(visit: Reviewing, slug: str, wanted: RunWanted) -> dict[str, Any]:
    """Propose pairings anew and return them."""
    plan = Plan(Limits(wanted.proposals, wanted.max_load), parse_kinds(wanted.kinds))
    suggest(visit.resources, slug, plan)
    return show.show_suggestions(visit.resources, slug)
