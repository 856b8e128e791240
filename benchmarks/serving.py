"""`sociopoles serve` as a process of its own, asked over HTTP, and what its processes hold."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import Request, urlopen

from benchmarks.task import REPOSITORY

PATIENCE = 900
READY_IN_A_ROW = 8


class Served(NamedTuple):
    """A service that answers, and how long it took to be ready."""

    port: int
    process: "subprocess.Popen[bytes]"
    ready_after: float

    @property
    def api(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.port}/api/v1"


@contextmanager
def serving(folder: Path, model: str) -> Iterator[Served]:
    """`sociopoles serve` with two web processes, until it is ready; ended in good order."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = os.environ | {"SOCIOPOLES_MODEL": model, "SOCIOPOLES_LOG_LEVEL": "warning"}
    command = (sys.executable, "-c", "from service.cli import main; main()")
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--data", str(folder), "serve", "--port", str(port), "--workers", "2"],
        env=environment,
        cwd=REPOSITORY,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/readyz")
        yield Served(port, process, time.perf_counter() - start)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait(url: str) -> None:
    """Until several answers in a row say ready: each web process is asked in turn."""
    deadline, good = time.monotonic() + PATIENCE, 0
    while good < READY_IN_A_ROW:
        try:
            with urlopen(url, timeout=PATIENCE) as answer:
                good = good + 1 if answer.status == 200 else 0
        except URLError:
            good = 0
            time.sleep(0.1)
        if time.monotonic() > deadline:
            raise SystemExit("the service does not get ready")


def get(url: str, token: str) -> Any:  # noqa: ANN401 - JSON
    """What this address answers."""
    request = Request(url, headers={"Authorization": f"Bearer {token}"})
    with urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def post_file(url: str, token: str, sheet: Path, **fields: str) -> Any:  # noqa: ANN401 - JSON
    """Send a file with these fields beside it."""
    boundary = uuid.uuid4().hex
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{sheet.name}"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    body = head.encode() + sheet.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
    }
    with urlopen(Request(url, body, headers, method="POST"), timeout=PATIENCE) as answer:
        return json.load(answer)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Look twice a second."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        time.sleep(0.5)
        if time.monotonic() > deadline:
            raise SystemExit("waited in vain")


def peaks(process: int) -> list[float]:
    """The most memory that a process and each of its children ever held, in MB."""
    family, found = [process], []
    while family:
        number = family.pop()
        here = Path(f"/proc/{number}")
        status = (here / "status").read_text("utf-8")
        line = next((part for part in status.splitlines() if part.startswith("VmHWM:")), "")
        found.append(int(line.split()[1]) / 1024 if line else 0.0)
        for task in here.glob("task/*/children"):
            family += [int(child) for child in task.read_text("utf-8").split()]
    return sorted(found, reverse=True)
