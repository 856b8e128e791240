"""The application: routes, security headers, and errors turned into answers in one place."""

import logging
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.base import RequestResponseEndpoint

from service.api import routes
from service.errors import NotFound, Refused
from service.resources import Resources
from service.web import pages

LOGGER = logging.getLogger(__name__)
LARGEST_BODY = 1_000_000
API = "/api/"
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
    app.state.resources = resources
    app.include_router(routes.router)
    app.include_router(pages.router)
    static = Path(__file__).parent / "web" / "static"
    app.mount("/static", StaticFiles(directory=static), name="static")
    app.middleware("http")(_add_headers)
    app.add_exception_handler(Refused, _answer_refusal)
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


def _answer_refusal(request: Request, refusal: Exception) -> Response:
    status = 404 if isinstance(refusal, NotFound) else 422
    return _answer(request, str(refusal), status)


def _answer_status(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _answer(request, STATUS_WORDS.get(status, "La demande n'a pas abouti."), status)


def _answer_invalid(request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    places = ", ".join(".".join(str(part) for part in fault["loc"]) for fault in faults)
    return _answer(request, f"La demande est mal formée : {places}.", 422)


def _answer_fault(request: Request, error: Exception) -> Response:
    LOGGER.error("unhandled fault", exc_info=error)
    response = _answer(request, "Une erreur est survenue ; rien n'a été changé. Réessayez.", 500)
    # Starlette answers faults outside the other layers, so the headers are added here too.
    response.headers.update(HEADERS)
    return response


def _answer(request: Request, message: str, status: int) -> Response:
    if request.url.path.startswith(API):
        problem = {"type": "about:blank", "title": message, "status": status}
        return JSONResponse(problem, status, media_type="application/problem+json")
    return pages.render_refusal(request, message, status)
