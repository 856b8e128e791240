"""The application: its routes, and errors turned into answers in one place."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from fastapi.telemetry import TelemetryConfig
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from service.api import probes, routes
from service.api.description import describe_problems
from service.api.problems import status_of
from service.csrf import SameSiteOnly
from service.errors import Conflict, NotSignedIn, Refused, TooMany
from service.faults import explain_fault
from service.metrics import Metrics
from service.middleware import TOO_LARGE, Headed, TextOnly, Watched
from service.refusals import answer_refusal
from service.resources import Resources
from service.store.scope import NOTHING
from service.web import alerts, openid, pages, sign_in
from service.workflows.openid_sign_in import open_doors
from service.workflows.stay_ready import stay_ready

LOGGER = logging.getLogger(__name__)
LARGEST_BODY = 1_000_000
"""Bytes; a route that takes files says its own: `@router.post(…, max_body_size=LARGEST_FILE)`."""
# FastAPI would hand what people wrote over to a collector that the environment names.
NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, operation_spans=False)
STATUS_WORDS = {
    404: "Cette page n'existe pas.",
    405: "Cette page ne se demande pas ainsi.",
    413: TOO_LARGE,
}
PAGES = (sign_in.router, openid.router, alerts.router, pages.router)
ROUTERS = (*routes.ROUTERS, routes.router, probes.router, *PAGES)
METHOD_NOT_ALLOWED = 405


class Application(FastAPI):
    """FastAPI inside what no answer may go without."""

    def build_middleware_stack(self) -> ASGIApp:
        """Starlette puts its answers to faults and large bodies outside `add_middleware`."""
        return Watched(Headed(super().build_middleware_stack()), self.state.metrics)

    def openapi(self) -> dict[str, Any]:
        """The document of the API, written once."""
        if self.openapi_schema is None:
            describe_problems(super().openapi())
        return super().openapi()


def create_app(resources: Resources) -> FastAPI:
    """The web application over these resources."""
    app = Application(
        title="Sociopoles",
        description="Rapproche les problématiques d'un territoire et les savoirs.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        max_body_size=LARGEST_BODY,
        lifespan=_live,
        telemetry=NO_TELEMETRY,
    )
    # A route that forgets to ask who comes reads nothing.
    app.state.resources = resources.seen_by(NOTHING)
    app.state.doors = open_doors(resources.settings)
    app.state.metrics = Metrics(resources.indexes)
    for router in ROUTERS:
        app.include_router(router)
    static = Path(__file__).parent / "web" / "static"
    app.mount("/static", StaticFiles(directory=static), name="static")
    app.add_middleware(SameSiteOnly)
    app.add_middleware(TextOnly)
    app.add_exception_handler(Refused, _answer_refused)
    app.add_exception_handler(HTTPException, _answer_status)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(SQLAlchemyError, _answer_machine_fault)
    app.add_exception_handler(OSError, _answer_machine_fault)
    app.add_exception_handler(Exception, _answer_fault)
    return app


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    with stay_ready(app.state.resources.unscoped()) as wake:
        app.state.wake = wake
        yield


def _answer_refused(request: Request, refusal: Exception) -> Response:
    changes = refusal.changes if isinstance(refusal, Conflict) else ()
    response = answer_refusal(request, str(refusal), status_of(refusal), changes)
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after)
    if isinstance(refusal, NotSignedIn):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _answer_status(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    reason = error.__cause__ or error.__context__
    if status == 400 and reason:
        # A body that cannot be read: too deep, not text, a thousand fields.
        said = str(reason) if isinstance(reason, Refused) else "La demande est illisible."
        return answer_refusal(request, said, 422)
    answer = answer_refusal(request, STATUS_WORDS.get(status, "La demande n'a pas abouti."), status)
    if status == METHOD_NOT_ALLOWED:
        # Starlette names those of the first route alone that has this path.
        answer.headers["Allow"] = ", ".join(_methods_at(request.scope["path"]))
    return answer


def _methods_at(path: str) -> list[str]:
    routes = [route for router in ROUTERS for route in router.routes]
    here = (r for r in routes if isinstance(r, APIRoute) and r.path_regex.match(path))
    return sorted({method for route in here for method in route.methods or ()})


def _answer_invalid(request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    places = ", ".join(".".join(str(part) for part in fault["loc"]) for fault in faults)
    return answer_refusal(request, f"La demande est mal formée : {places}.", 422)


def _answer_machine_fault(request: Request, error: Exception) -> Response:
    fault = explain_fault(error)
    if fault is None:
        return _answer_fault(request, error)
    LOGGER.warning("%s answered %d: %s", request.method, fault.status, error)
    response = answer_refusal(request, fault.message, fault.status)
    response.headers["Retry-After"] = str(fault.retry_after)
    return response


def _answer_fault(request: Request, error: Exception) -> Response:
    LOGGER.error("unhandled fault", exc_info=error)
    return answer_refusal(request, "Une erreur est survenue ; rien n'a été changé. Réessayez.", 500)
