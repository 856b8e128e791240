"""The service's log: one line an event on standard error, and nothing that tells of a person.

Of a request: its id, method, route template, status and duration. Never its path, query, body,
headers or address. Of a fault: its type and where it happened, never its message, which may quote
what somebody wrote.
"""

import datetime as dt
import json
import logging
import re
import secrets
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from traceback import extract_tb
from typing import Any, TextIO

from service.settings import Settings

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
WELL_FORMED_ID = re.compile(r"[0-9a-fA-F-]{16,64}")
"""What proxies and traces make: no room for a name or an address."""
CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160))}
CONTROLS |= {0x2028: "\\u2028", 0x2029: "\\u2029"}
DEEPEST = 12


def configure_logs(settings: Settings, stream: TextIO | None = None) -> None:
    """Log to standard error, for people on a terminal and as JSON lines elsewhere."""
    stream = stream or sys.stderr
    wants_json = settings.log_format == "json"
    if settings.log_format == "auto":
        wants_json = not stream.isatty()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if wants_json else TextLines())
    handler.addFilter(_is_said_once)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # Other loggers are heard from warnings up: some of them would say what was asked of whom.
    logging.getLogger("service").setLevel(settings.log_level.upper())
    logging.getLogger("uvicorn").setLevel("INFO" if wants_json else "WARNING")


def take_request_id(asked: str) -> str:
    """The id under which this request is logged: the one asked for where it is well formed."""
    identity = asked if WELL_FORMED_ID.fullmatch(asked) else secrets.token_hex(16)
    REQUEST_ID.set(identity)
    return identity


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if identity := REQUEST_ID.get():
            line["request"] = identity
        line |= getattr(record, "event", {})
        if record.exc_info and record.exc_info[1]:
            line["fault"] = list(describe_fault(record.exc_info[1]))
        # Escaped to ASCII: no sign of another script can end or forge a line.
        return json.dumps(line, ensure_ascii=True, default=str)


class TextLines(logging.Formatter):
    """For a terminal: time, level, what happened; further lines are set in, so pass for none."""

    def format(self, record: logging.LogRecord) -> str:
        time = _time(record).astimezone().strftime("%H:%M:%S")
        event = getattr(record, "event", {})
        words = " ".join(str(value) for value in event.values()) or record.getMessage()
        if record.levelno >= logging.WARNING and (identity := REQUEST_ID.get()):
            words += f" ({identity})"
        lines = f"{time} {record.levelname:<7} {words}".split("\n")
        if record.exc_info and record.exc_info[1]:
            lines += describe_fault(record.exc_info[1])
        return "\n  ".join(line.translate(CONTROLS) for line in lines)


def describe_fault(error: BaseException) -> Iterator[str]:
    """The types of an error and of its causes, each with where it happened."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield f"{type(current).__module__}.{type(current).__qualname__}"
        for frame in extract_tb(current.__traceback__)[-DEEPEST:]:
            yield f"  {_short(frame.filename)}:{frame.lineno} {frame.name}"
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )


def _is_said_once(record: logging.LogRecord) -> bool:
    """Leave out uvicorn's account of a fault that the application has logged."""
    return not (record.name == "uvicorn.error" and record.exc_info)


def _time(record: logging.LogRecord) -> dt.datetime:
    return dt.datetime.fromtimestamp(record.created, dt.UTC)


def _short(file: str) -> str:
    """The end of a path: enough to find the line, nothing of the machine."""
    return "/".join(Path(file).parts[-3:])
