"""What every request goes through, from outside in: log and counts, headers, text that is text.

Pure ASGI: no task and no copy a request. `Watched` and `Headed` stand around the whole application,
so that no answer goes without them, not even that of a fault or of a body too large.
"""

import logging
import re
import time
from collections.abc import Callable

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Refused
from service.logs import take_request_id
from service.metrics import Metrics
from service.refusals import answer_refusal

LOGGER = logging.getLogger(__name__)
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "object-src 'none'"
)
DOCS = "/api/v1/docs"
# Swagger UI, installed with the front-end packages, styles its own elements.
DOCS_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
HTTPS_ONLY = "max-age=31536000"
"""Seconds: a year. Sent over https alone, since it would lock plain addresses out."""
STATIC = "/static/"
STATIC_CACHE = "public, max-age=3600"
PROBES = frozenset({"/healthz", "/readyz", "/metrics", "/static"})
"""Logged at debug level only: asked for every few seconds, and tell nothing."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "-"
FOUND = frozenset({200, 206, 304})

JSON_TYPE = re.compile(rb"application/(?:[\w.-]+\+)?json", re.IGNORECASE)
FORM_TYPE = re.compile(rb"application/x-www-form-urlencoded", re.IGNORECASE)
HIGH, LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# Escapes are walked over one by one, so that "\\\\u0000" is read as a backslash and five signs.
NOT_TEXT_IN_JSON = re.compile(
    rb"(?:[^\\]++|\\[^u]|\\u(?!0000|[dD][89a-fA-F])|" + HIGH + LOW + rb")*+\\u", re.DOTALL
)
NOT_TEXT = "La demande contient un caractère qui n'est pas du texte (NUL, ou moitié de caractère)."
TOO_LARGE = "Cet envoi est trop volumineux : partagez-le en plusieurs, ou importez un fichier."


class Watched:
    """Gives each request its id, logs it and counts it."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        identity = take_request_id(_header(scope, b"x-request-id").decode("latin-1"))
        start, status = time.perf_counter(), 500

        async def send_watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = identity
            await send(message)

        try:
            await self.app(scope, receive, send_watched)
        finally:
            self._note(scope, status, time.perf_counter() - start)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # Whoever asks chooses these words: only those that are known are kept.
        method = scope["method"] if scope["method"] in METHODS else NO_ROUTE
        route = route_template(scope)
        self.metrics.count_request(method, route, status, seconds)
        level = logging.DEBUG if route in PROBES else logging.INFO
        event = {"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 1)}
        LOGGER.log(level, "request", extra={"event": event})


class Headed:
    """Adds the headers of security, and answers in our words where Starlette has its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_replaced = False

        async def send_headed(message: Message) -> None:
            nonlocal is_replaced
            if is_replaced:
                return
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if message["status"] == 413 and _is_plain(headers):
                    ours = answer_refusal(Request(scope), TOO_LARGE, 413)
                    await ours(scope, receive, send_headed)
                    is_replaced = True
                    return
                _add_headers(headers, scope, message["status"])
            await send(message)

        await self.app(scope, receive, send_headed)


class TextOnly:
    """Refuses NUL and halves of characters: PostgreSQL takes no NUL, UTF-8 no half."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if "\0" in scope["path"] or _is_broken_form(scope["query_string"]):
            await answer_refusal(Request(scope), NOT_TEXT, 422)(scope, receive, send)
            return
        is_broken = _judge(_header(scope, b"content-type"))

        async def receive_text() -> Message:
            message = await _whole(receive)
            if is_broken and is_broken(message.get("body", b"")):
                raise Refused(NOT_TEXT)
            return message

        await self.app(scope, receive_text if is_broken else receive, send)


def route_template(scope: Scope) -> str:
    """The route that answered, as it is declared: never what was asked for."""
    # The context knows the prefixes under which a router was included.
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    declared = getattr(route, "path", None)
    return str(declared or scope.get("root_path") or NO_ROUTE)


def _add_headers(headers: MutableHeaders, scope: Scope, status: int) -> None:
    if scope["path"] == DOCS:
        headers["Content-Security-Policy"] = DOCS_POLICY
    if scope["path"].startswith(STATIC) and status in FOUND:
        headers["Cache-Control"] = STATIC_CACHE
    if scope.get("scheme") == "https":
        headers["Strict-Transport-Security"] = HTTPS_ONLY
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


def _judge(content_type: bytes) -> Callable[[bytes], bool] | None:
    """What tells, of a body of this type, that it holds what is no text; files may hold it."""
    if JSON_TYPE.match(content_type):
        return _is_broken_json
    return _is_broken_form if FORM_TYPE.match(content_type) else None


def _is_broken_json(body: bytes) -> bool:
    try:
        # Python's own reader of JSON would take halves of characters.
        body.decode()
    except UnicodeDecodeError:
        return True
    return b"\\u" in body and bool(NOT_TEXT_IN_JSON.match(body))


def _is_broken_form(body: bytes) -> bool:
    return b"\0" in body or b"%00" in body


async def _whole(receive: Receive) -> Message:
    """The body in one message; it is kept whole anyway, and its size is limited."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return {"type": "http.request", "body": b"".join(parts), "more_body": False}


def _is_plain(headers: MutableHeaders) -> bool:
    return headers.get("content-type", "").startswith("text/plain")


def _header(scope: Scope, name: bytes) -> bytes:
    found: dict[bytes, bytes] = dict(scope["headers"])
    return found.get(name, b"")
