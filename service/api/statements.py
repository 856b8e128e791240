"""Contributions: read, write, correct, take back; and answers to a question."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field, StrictBool

from matcher.statements import Kind
from service.access import Permission
from service.api import schemas
from service.api.parameters import After, IfMatch, Limit, give_version
from service.api.problems import ANSWERS
from service.api.schemas import Body, example
from service.asked_first import AskedFirstOnce
from service.visits import Contributing, Reading, Visit
from service.workflows import contribute, show
from service.workflows.answer import LONGEST_QUERY, MOST_ANSWERS, answer
from service.workflows.answer import Query as Question
from service.workflows.contribute import Organisations

router = APIRouter(
    prefix="/api/v1", responses=ANSWERS, tags=["contributions"], route_class=AskedFirstOnce
)


class StatementFields(Body):
    """The fields of a contribution, written as in a sheet."""

    model_config = example({"title": "Rompre l'isolement des aînés", "consent": True})

    organisation: str | None = Field(None, max_length=300)
    title: str | None = Field(None, max_length=300)
    text: str | None = Field(None, max_length=20_000)
    sector: str | None = Field(None, max_length=300)
    discipline: str | None = Field(None, max_length=300)
    territory: str | None = Field(None, max_length=200, examples=["93066"])
    consent: StrictBool | None = Field(None, description="accord pour la publication")
    date: str | None = Field(None, max_length=10, examples=["2026-11-03"])

    def as_cells(self) -> dict[str, str]:
        """What is given, as the cells of a row."""
        given = self.model_dump(exclude_none=True, exclude={"kind"})
        return {name: _cell(value) for name, value in given.items()}


class StatementWanted(StatementFields):
    """A new contribution."""

    model_config = example(
        {
            "kind": "problem",
            "organisation": "Les Jardins partagés",
            "title": "Rompre l'isolement des aînés",
            "text": "Depuis que le bus ne passe plus, les personnes âgées ne sortent plus de chez "
            "elles. Comment aller vers celles qui ne demandent rien ?",
            "territory": "93066",
            "consent": True,
        }
    )

    kind: Kind
    text: str = Field(max_length=20_000)


@router.get("/sociopoles/{slug}/statements")
def list_statements(
    visit: Reading,
    slug: str,
    kind: Annotated[list[Kind] | None, Query()] = None,
    after: After = 0,
    limit: Limit = 50,
) -> dict[str, Any]:
    """The contributions one may read, by number; `next` starts the next page."""
    kinds = tuple(kind or ())
    return contribute.list_statements(visit.resources, slug, kinds=kinds, after=after, limit=limit)


@router.post("/sociopoles/{slug}/statements", status_code=201)
def add_statement(
    visit: Contributing, slug: str, wanted: StatementWanted, response: Response
) -> dict[str, Any]:
    """Write a contribution, for one's own organisation or (animation) for any."""
    shown = contribute.add_statement(
        visit.resources, slug, wanted.kind, wanted.as_cells(), of=_organisations(visit)
    )
    give_version(response, shown["version"])
    return shown


@router.get("/sociopoles/{slug}/statements/{public_id}")
def read_statement(visit: Reading, slug: str, public_id: str, response: Response) -> dict[str, Any]:
    """One contribution; its version is in ETag."""
    shown = contribute.read_statement(visit.resources, slug, public_id)
    give_version(response, shown["version"])
    return shown


@router.patch("/sociopoles/{slug}/statements/{public_id}")
def change_statement(
    visit: Contributing,
    slug: str,
    public_id: str,
    wanted: StatementFields,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Correct a contribution, or agree to publish it; what is not given stays."""
    shown = contribute.change_statement(
        visit.resources,
        slug,
        public_id,
        wanted.as_cells(),
        of=_organisations(visit),
        version=if_match,
    )
    give_version(response, shown["version"])
    return shown


@router.delete("/sociopoles/{slug}/statements/{public_id}", status_code=204)
def remove_statement(visit: Contributing, slug: str, public_id: str) -> None:
    """Take a contribution back; it can be restored."""
    contribute.remove_statement(visit.resources, slug, public_id, of=_organisations(visit))


@router.post("/sociopoles/{slug}/statements/{public_id}/restore", status_code=204)
def restore_statement(visit: Contributing, slug: str, public_id: str) -> None:
    """Bring back a contribution that was taken back."""
    contribute.remove_statement(
        visit.resources, slug, public_id, of=_organisations(visit), deleted=False
    )


@router.get("/search", response_model=schemas.Answers)
def search(
    visit: Reading,
    q: Annotated[str, Query(max_length=LONGEST_QUERY, examples=["isolement des aînés"])],
    sociopole: Annotated[str, Query(max_length=60)] = "",
    kind: Annotated[list[Kind] | None, Query()] = None,
    sector: Annotated[str, Query(max_length=300)] = "",
    k: Annotated[int, Query(ge=1, le=MOST_ANSWERS)] = 10,
) -> dict[str, Any]:
    """The contributions nearest to a question, each with the sentence that answers."""
    question = Question(q, sociopole=sociopole, kinds=tuple(kind or ()), sector=sector, k=k)
    return show.show_answers(answer(visit.resources, question))


def _organisations(visit: Visit) -> Organisations:
    """Those one may write for: all for who animates, else one's own."""
    if visit.person.may(Permission.REVIEW, visit.sociopole):
        return None
    return visit.person.scope().organisations


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "oui" if value else "non"
    return str(value)
