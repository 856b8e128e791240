"""What is logged, and what never is."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from service.logs import REQUEST_ID, configure_logs, take_request_id
from service.settings import Settings

SECRET = "canari-3b1c@exemple.example"  # noqa: S105 - what must not be found again
FORGED = 'vrai"}\r\n{"level": "error", "message": "faux"}\u2028\u0085\x1b[31m'
OURS, THEIRS = logging.getLogger("service.essai"), logging.getLogger("ailleurs")


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("", "service", "uvicorn")]
    before = [(logger, logger.handlers[:], logger.level) for logger in loggers]
    token = REQUEST_ID.set("")
    yield
    REQUEST_ID.reset(token)
    for logger, handlers, level in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)


class Terminal(io.StringIO):
    """A stream that a person reads."""

    def isatty(self) -> bool:
        return True


def start(stream: io.StringIO | None = None, **settings: Any) -> io.StringIO:
    stream = stream or io.StringIO()
    configure_logs(Settings(**settings), stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]


def fail() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise RuntimeError(f"refusé à {SECRET}") from error


def test_a_line_is_one_json_object_with_its_time_and_request() -> None:
    stream = start()
    identity = take_request_id("")

    OURS.info("fait", extra={"event": {"status": 200}})

    [line] = lines(stream)
    assert (line["message"], line["level"], line["status"]) == ("fait", "info", 200)
    assert line["request"] == identity
    assert line["time"].endswith("+00:00")


def test_no_text_can_forge_a_line_for_machines() -> None:
    stream = start(log_format="json")

    OURS.warning("reçu %s", FORGED)

    assert len(stream.getvalue().splitlines()) == len(lines(stream)) == 1
    assert stream.getvalue().isascii()


def test_no_text_can_forge_a_line_for_people() -> None:
    stream = start(log_format="text")

    OURS.warning("reçu %s", FORGED)

    first, *others = stream.getvalue().splitlines()
    assert "WARNING reçu vrai" in first
    # What follows is set in, and holds nothing that moves the cursor.
    assert all(line.startswith("  ") and line.isprintable() for line in others)


@pytest.mark.parametrize("format_", ["json", "text"])
def test_a_fault_says_where_and_never_what_was_written(format_: str) -> None:
    stream = start(log_format=format_)

    try:
        fail()
    except RuntimeError:
        OURS.exception("une panne")

    written = stream.getvalue()
    assert SECRET not in written
    assert "builtins.RuntimeError" in written
    assert "builtins.ValueError" in written
    assert "service/test_logs.py:" in written
    assert " fail" in written


def test_a_fault_is_said_once_though_the_server_says_it_again() -> None:
    stream = start()

    try:
        fail()
    except RuntimeError:
        OURS.exception("une panne")
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")

    assert [line["logger"] for line in lines(stream)] == ["service.essai"]


def test_others_are_heard_only_when_something_is_wrong() -> None:
    stream = start(log_level="debug")

    for logger in (OURS, THEIRS):
        logger.debug("un détail")
        logger.info("une adresse")
        logger.warning("un souci")

    heard = [(line["logger"], line["level"]) for line in lines(stream)]
    assert heard == [
        ("service.essai", "debug"),
        ("service.essai", "info"),
        ("service.essai", "warning"),
        ("ailleurs", "warning"),
    ]


@pytest.mark.parametrize(
    ("level", "heard"),
    [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)],
)
def test_the_level_is_that_of_the_settings(level: str, heard: int) -> None:
    stream = start(log_level=level)

    OURS.debug("a")
    OURS.info("b")
    OURS.warning("c")
    OURS.error("d")

    assert len(lines(stream)) == heard


def test_people_read_text_on_a_terminal_and_machines_read_json() -> None:
    terminal, pipe = start(Terminal()), None
    OURS.info("request", extra={"event": {"method": "GET", "route": "/x", "status": 200}})
    pipe = start()
    OURS.info("request", extra={"event": {"method": "GET", "route": "/x", "status": 200}})

    assert terminal.getvalue().rstrip().endswith("INFO    GET /x 200")
    assert lines(pipe)[0]["route"] == "/x"


@pytest.mark.parametrize(
    "asked", ["0123456789abcdef" * 2, "3F2504E0-4F89-11D3-9A0C-0305E82C3301", "0" * 64]
)
def test_the_request_id_of_a_proxy_is_kept(asked: str) -> None:
    assert take_request_id(asked) == asked


@pytest.mark.parametrize(
    "asked", ["", "court", SECRET, "0" * 65, "0" * 20 + "\n", "mot-de-passe-secret", "é" * 20]
)
def test_a_request_id_that_could_say_something_is_replaced(asked: str) -> None:
    given = take_request_id(asked)

    assert given != asked
    assert len(given) == 32
