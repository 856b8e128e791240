"""Refusals as problem+json (RFC 9457): the sort of problem in the caller's language, then why."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from service.errors import Conflict, Forbidden, NotFound, NotSignedIn, Refused, TooMany

MEDIA_TYPE = "application/problem+json"


class Sort(NamedTuple):
    """A sort of problem: its name in `type`, and in two languages."""

    name: str
    french: str
    english: str


SORTS: Mapping[int, Sort] = {
    400: Sort("malformed", "La demande est mal formée", "The request is malformed"),
    401: Sort("not-signed-in", "Il faut se connecter", "You need to sign in"),
    403: Sort("forbidden", "Ce n'est pas permis", "This is not allowed"),
    404: Sort("not-found", "Cela n'existe pas ici", "There is no such thing here"),
    405: Sort("method", "Cela ne se demande pas ainsi", "This is not asked for that way"),
    409: Sort("conflict", "Cela a changé entre-temps", "It has changed in the meantime"),
    413: Sort("too-large", "L'envoi est trop grand", "What was sent is too large"),
    422: Sort("refused", "La demande est refusée", "The request is refused"),
    428: Sort("version-needed", "Il faut dire quelle version", "Say which version you read"),
    429: Sort("too-many", "Trop de demandes", "Too many requests"),
    500: Sort("fault", "Une erreur est survenue", "Something went wrong"),
    503: Sort("busy", "Le service est occupé", "The service is busy"),
    507: Sort("full", "Le disque est plein", "The disk is full"),
}
STATUSES: tuple[tuple[type[Refused], int], ...] = (
    (NotSignedIn, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooMany, 429),
    (Refused, 422),
)
"""The first that fits."""


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: str = Field(examples=["/problems/not-found"])
    title: str = Field(examples=["Cela n'existe pas ici"])
    detail: str = Field(examples=["Le sociopôle « lyon » n'existe pas."])
    status: int
    changes: list[dict[str, Any]] = Field(
        default=[], description="ce qui a changé entre-temps, où c'est un conflit"
    )


ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": SORTS[status].english}
    for status in (401, 403, 404, 409, 413, 422, 429, 503, 507)
}
"""What each route may answer beside its own."""


def status_of(refusal: Exception) -> int:
    """The status by which a refusal is answered."""
    return next((status for sort, status in STATUSES if isinstance(refusal, sort)), 500)


def problem(
    request: Request, status: int, detail: str, changes: Sequence[Mapping[str, Any]] = ()
) -> Response:
    """The answer that says why a request was refused."""
    sort = SORTS.get(status, SORTS[422 if status < 500 else 500])
    body: dict[str, Any] = {
        "type": f"/problems/{sort.name}",
        "title": sort.english if prefers_english(request) else sort.french,
        "detail": detail,
        "status": status,
    }
    if changes:
        body["changes"] = list(changes)
    return JSONResponse(body, status, media_type=MEDIA_TYPE)


def prefers_english(request: Request) -> bool:
    """Whether the caller asks for English before French."""
    asked = request.headers.get("accept-language", "").casefold()
    weights: dict[str, float] = {}
    for part in asked.split(","):
        tag, _, quality = part.strip().partition(";q=")
        language = tag.partition("-")[0]
        weights.setdefault(language, _number(quality))
    return weights.get("en", 0.0) > weights.get("fr", weights.get("*", 0.0))


def _number(quality: str) -> float:
    try:
        return float(quality) if quality else 1.0
    except ValueError:
        return 0.0
