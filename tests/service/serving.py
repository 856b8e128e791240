"""The service as a process of its own, for tests that need its port, its memory or its streams."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-c", "from service.cli import main; main()")
PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Served:
    """A service that answers on this port of this machine."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own."""
        url = f"http://127.0.0.1:{self.port}{path}"
        request = Request(url, body, headers or {}, method=method)
        try:
            with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
                return Answer(answer.status, _lower(answer.headers), answer.read())
        except HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers), error.read())

    def stop(self) -> int:
        """Ask it to end; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(data: Path, model: Path, *options: str, **settings: str) -> Iterator[Served]:
    """`sociopoles serve` on these data; its log is `serve.log` beside them."""
    port = free_port()
    log = data.parent / f"serve-{port}.log"
    environment = os.environ | {"SOCIOPOLES_MODEL": str(model), "SOCIOPOLES_LOG_FORMAT": "json"}
    environment |= {f"SOCIOPOLES_{name.upper()}": value for name, value in settings.items()}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*COMMAND, "--data", str(data), "serve", "--port", str(port), *options],
            env=environment,
            cwd=ROOT,
            stdout=stream,
            stderr=stream,
        )
    served = Served(port, process, log)
    try:
        _wait_until_ready(served)
        yield served
    finally:
        if process.poll() is None:
            served.stop()


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_ready(served: Served) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and served.process.poll() is None:
        try:
            if served.ask("/readyz").status == 200:
                return
        except (URLError, ConnectionError):
            pass
        time.sleep(0.05)
    raise AssertionError(served.log.read_text("utf-8"))


def _lower(headers: object) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}  # type: ignore[attr-defined]
