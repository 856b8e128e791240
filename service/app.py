"""The application: routes, security headers, and errors turned into answers in one place."""

import logging
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.base import RequestResponseEndpoint

from service.api import routes
from service.api.problems import status_of
from service.csrf import SameSiteOnly
from service.errors import Conflict, NotSignedIn, Refused, TooMany
from service.refusals import answer_refusal
from service.resources import Resources
from service.store.scope import NOTHING
from service.web import alerts, openid, pages, sign_in
from service.workflows.openid_sign_in import open_doors

LOGGER = logging.getLogger(__name__)
LARGEST_BODY = 1_000_000
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
DOCS = "/api/v1/docs"
# Swagger UI, installed with the front-end packages, styles its own elements.
DOCS_POLICY = HEADERS["Content-Security-Policy"].replace(
    "style-src 'self'", "style-src 'self' 'unsafe-inline'"
)
PAGES = (sign_in.router, openid.router, alerts.router, pages.router)
STATUS_WORDS = {404: "Cette page n'existe pas.", 405: "Cette page ne se demande pas ainsi."}


def create_app(resources: Resources) -> FastAPI:
    """The web application over these resources."""
    app = FastAPI(
        title="Sociopoles",
        description="Rapproche les problématiques d'un territoire et les savoirs.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        max_body_size=LARGEST_BODY,
    )
    # A route that forgets to ask who comes reads nothing.
    app.state.resources = resources.seen_by(NOTHING)
    app.state.doors = open_doors(resources.settings)
    for router in (*routes.ROUTERS, routes.router, *PAGES):
        app.include_router(router)
    static = Path(__file__).parent / "web" / "static"
    app.mount("/static", StaticFiles(directory=static), name="static")
    app.add_middleware(SameSiteOnly)
    app.middleware("http")(_add_headers)
    app.add_exception_handler(Refused, _answer_refused)
    app.add_exception_handler(HTTPException, _answer_status)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(Exception, _answer_fault)
    return app


async def _add_headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.url.path == DOCS:
        response.headers["Content-Security-Policy"] = DOCS_POLICY
    return response


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
    return answer_refusal(request, STATUS_WORDS.get(status, "La demande n'a pas abouti."), status)


def _answer_invalid(request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    places = ", ".join(".".join(str(part) for part in fault["loc"]) for fault in faults)
    return answer_refusal(request, f"La demande est mal formée : {places}.", 422)


def _answer_fault(request: Request, error: Exception) -> Response:
    LOGGER.error("unhandled fault", exc_info=error)
    message = "Une erreur est survenue ; rien n'a été changé. Réessayez."
    response = answer_refusal(request, message, 500)
    # Starlette answers faults outside the other layers, so the headers are added here too.
    response.headers.update(HEADERS)
    return response
