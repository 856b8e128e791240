"""The JSON API: sociopôles, their pairings, and answers to a query."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from matcher.assignment import Limits
from matcher.statements import Kind
from service.api import schemas
from service.resources import Resources
from service.workflows import show
from service.workflows.answer import LONGEST_QUERY, MOST_ANSWERS, answer
from service.workflows.answer import Query as Question
from service.workflows.suggest import Plan, parse_kinds, suggest


def get_resources(request: Request) -> Resources:
    """The process's resources."""
    resources: Resources = request.app.state.resources
    return resources


ResourcesDep = Annotated[Resources, Depends(get_resources)]
router = APIRouter(
    prefix="/api/v1",
    responses={404: {"model": schemas.Problem}, 422: {"model": schemas.Problem}},
)


DOCS_PAGE = """<!doctype html>
<html lang="fr">
<head>
  <meta charset="utf-8">
  <title>Sociopoles : l'API</title>
  <link rel="stylesheet" href="/static/vendor/swagger-ui.css">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="/static/vendor/swagger-ui-bundle.js"></script>
  <script src="/static/api-docs.js"></script>
</body>
</html>
"""


class RunRequest(BaseModel):
    """What a run is asked for."""

    model_config = ConfigDict(extra="forbid")
    proposals: int = Field(3, ge=1, le=50, description="au plus, par contribution")
    max_load: int = Field(5, ge=1, le=1000, description="au plus, par structure académique")
    kinds: str = Field("", examples=["problem-interest,problem-problem"])


@router.get("/sociopoles", response_model=schemas.Sociopoles)
def list_sociopoles(resources: ResourcesDep) -> dict[str, Any]:
    """All sociopôles and how many contributions of each kind."""
    return show.show_sociopoles(resources)


@router.get("/sociopoles/{slug}/pairings", response_model=schemas.Suggestions)
def get_pairings(resources: ResourcesDep, slug: str) -> dict[str, Any]:
    """The pairings of the last run, with their reasons, and the orphans."""
    return show.show_suggestions(resources, slug)


@router.post("/sociopoles/{slug}/runs", response_model=schemas.Suggestions, status_code=201)
def make_run(resources: ResourcesDep, slug: str, wanted: RunRequest) -> dict[str, Any]:
    """Propose pairings anew and return them."""
    plan = Plan(Limits(wanted.proposals, wanted.max_load), parse_kinds(wanted.kinds))
    suggest(resources, slug, plan)
    return show.show_suggestions(resources, slug)


@router.get("/search", response_model=schemas.Answers)
def search(
    resources: ResourcesDep,
    q: Annotated[str, Query(max_length=LONGEST_QUERY, examples=["isolement des aînés"])],
    sociopole: str = "",
    kind: Annotated[list[Kind] | None, Query()] = None,
    sector: str = "",
    k: Annotated[int, Query(ge=1, le=MOST_ANSWERS)] = 10,
) -> dict[str, Any]:
    """The contributions nearest to a question, each with the sentence that answers."""
    question = Question(q, sociopole=sociopole, kinds=tuple(kind or ()), sector=sector, k=k)
    return show.show_answers(answer(resources, question))


@router.get("/docs", include_in_schema=False)
def read_docs() -> HTMLResponse:
    """The API's documentation, from the packages installed here: nothing from another host."""
    return HTMLResponse(DOCS_PAGE)


@router.get("/health")
def health() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "ok"}
