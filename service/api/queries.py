"""Questions one keeps, and what meets them since."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field, StrictBool

from matcher.statements import Kind
from service.api.parameters import Number
from service.api.problems import ANSWERS
from service.api.schemas import Body, example
from service.asked_first import AskedFirstOnce
from service.visits import Questions
from service.workflows import alerts
from service.workflows.answer import LONGEST_QUERY
from service.workflows.answer import Query as Question

router = APIRouter(
    prefix="/api/v1", responses=ANSWERS, tags=["recherches gardées"], route_class=AskedFirstOnce
)


class QueryWanted(Body):
    """A question to keep."""

    model_config = example(
        {"text": "isolement des aînés en habitat dense", "kinds": ["problem"], "by_mail": True}
    )

    text: str = Field(max_length=LONGEST_QUERY, examples=["isolement des aînés en habitat dense"])
    sociopole: str = Field("", max_length=60)
    kinds: list[Kind] = Field([Kind.PROBLEM], max_length=4)
    sector: str = Field("", max_length=300)
    by_mail: StrictBool = Field(
        False, description="accord pour recevoir ce qui est nouveau par e-mail"
    )


class QueryChange(Body):
    """What to change of it."""

    model_config = example({"seen": True})

    by_mail: StrictBool | None = None
    seen: StrictBool = Field(False, description="ses réponses ont été regardées")


@router.get("/me/queries")
def list_queries(visit: Questions) -> dict[str, Any]:
    """One's kept questions, each with how many new answers."""
    return alerts.show_queries(visit.resources, visit.person)


@router.post("/me/queries", status_code=201)
def keep(visit: Questions, wanted: QueryWanted) -> dict[str, Any]:
    """Keep a question."""
    question = Question(
        wanted.text,
        sociopole=wanted.sociopole,
        kinds=tuple(wanted.kinds),
        sector=wanted.sector,
        k=alerts.ANSWERS_KEPT,
    )
    return alerts.keep_query(visit.resources, visit.person, question, by_mail=wanted.by_mail)


@router.get("/me/queries/{number}")
def read_one(visit: Questions, number: Number) -> dict[str, Any]:
    """A kept question and what meets it, the latest first."""
    return alerts.show_query(visit.resources, visit.person, number)


@router.patch("/me/queries/{number}")
def change(visit: Questions, number: Number, wanted: QueryChange) -> dict[str, Any]:
    """Be told by mail or no longer; note that the answers were looked at."""
    return alerts.change_query(
        visit.resources, visit.person, number, by_mail=wanted.by_mail, seen=wanted.seen
    )


@router.delete("/me/queries/{number}", status_code=204)
def forget(visit: Questions, number: Number) -> None:
    """Forget a kept question."""
    alerts.forget_query(visit.resources, visit.person, number)
