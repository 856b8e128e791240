"""What every request goes through, from outside in: log and counts, headers, text that is text.

Pure ASGI: no task and no copy a request. `Watched` and `Headed` stand around the whole application,
so that no answer goes without them, not even that of a fault or of a body too large.
"""

import email.message
import logging
import re
import time
from collections.abc import Callable, Mapping

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers, MutableHeaders
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

FORM_TYPE, PARTS_TYPE = b"application/x-www-form-urlencoded", b"multipart/form-data"
UTF_8 = frozenset({b"utf-8", b"utf8"})
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
        identity = take_request_id(_header(scope, "x-request-id"))
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
        content_type = _header(scope, "content-type")
        kind, options = parse_options_header(content_type)
        is_whole = kind != PARTS_TYPE
        is_broken = _judge(content_type) if is_whole else Parts(options).are_broken

        async def receive_text() -> Message:
            message = await (_whole(receive) if is_whole else receive())
            if is_broken and is_broken(message.get("body", b"")):
                raise Refused(NOT_TEXT)
            return message

        await self.app(scope, receive_text if is_broken else receive, send)


class Parts:
    """Looks at a form of several parts as it passes by: fields are text, files hold anything.

    It is cut as Starlette cuts it after us, by the same parser.
    """

    def __init__(self, options: Mapping[bytes, bytes]) -> None:
        # Starlette would read fields by any codec of Python's that the sender names.
        self._is_broken = options.get(b"charset", b"utf-8").lower() not in UTF_8
        self._is_file = False
        self._name = self._value = b""
        self._boundary = options.get(b"boundary", b"")
        self._parser: MultipartParser | None = None
        self._is_over = False

    def are_broken(self, more: bytes) -> bool:
        """Whether a field holds what is no text, in what came up to here."""
        try:
            if not self._is_over:
                self._parser = self._parser or self._open()
                self._parser.write(more)
        except FormParserError:
            # Starlette will say the same of these bytes.
            self._is_over = True
        return self._is_broken

    def _open(self) -> MultipartParser:
        return MultipartParser(
            self._boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._read_name,
                "on_header_value": self._read_value,
                "on_header_end": self._end_header,
                "on_part_data": self._read_data,
            },
        )

    def _begin(self) -> None:
        self._is_file = False

    def _read_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _read_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._is_file = b"filename" in parse_options_header(self._value)[1]
            self._is_broken |= b"\0" in self._value
        self._name = self._value = b""

    def _read_data(self, data: bytes, start: int, end: int) -> None:
        self._is_broken |= not self._is_file and data.find(b"\0", start, end) >= 0


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


def _judge(content_type: str) -> Callable[[bytes], bool] | None:
    """What tells, of a body of this type, that it holds what is no text."""
    if parse_options_header(content_type)[0] == FORM_TYPE:
        return _is_broken_form
    # As FastAPI tells what it reads as JSON.
    message = email.message.Message()
    message["content-type"] = content_type
    subtype = message.get_content_subtype()
    is_json = subtype == "json" or subtype.endswith("+json")
    return _is_broken_json if is_json and message.get_content_maintype() == "application" else None


def _is_broken_json(body: bytes) -> bool:
    try:
        # Python's own reader of JSON would take halves of characters.
        body.decode()
    except UnicodeDecodeError:
        return True
    # Raw, it stands in no JSON, but Python's reader takes UTF-16, which is full of it.
    return b"\0" in body or (b"\\u" in body and bool(NOT_TEXT_IN_JSON.match(body)))


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


def _header(scope: Scope, name: str) -> str:
    """The first header of this name, which is the one that everybody else reads."""
    return Headers(scope=scope).get(name, "")
