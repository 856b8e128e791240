"""Processes that a test starts, watches and strikes: forked from one that has all imported."""

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from service.failpoints import arm

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.faults.children"])
PATIENCE = 60.0
"""Seconds after which a process that should have ended is a failure."""


class Place(NamedTuple):
    """A data folder and the URL of its database; an empty one is SQLite in the folder."""

    folder: Path
    url: str

    @property
    def is_sqlite(self) -> bool:
        return not self.url

    def beside(self, name: str) -> Path:
        """A file for the test's own use, on another disk where the folder's is full."""
        return self.folder.with_name(f"{self.folder.name}-{name}")

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "sociopoles.sqlite3"


class Journal:
    """What a client was told is done, written before anything else happens."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def acknowledge(self, **what: Any) -> None:
        """Add one line."""
        line = json.dumps(what, ensure_ascii=False) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, line.encode())
        os.close(descriptor)

    def read(self) -> list[dict[str, Any]]:
        """What was acknowledged so far, first to last."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]

    def wait_for(self, count: int, child: "Child") -> None:
        """Until so much is acknowledged; fails if the child ends before."""
        wait_until(lambda: len(self.read()) >= count or not child.is_alive)
        if len(self.read()) < count:
            raise AssertionError(f"ended with {child.exit_code}:\n{child.complaints}")


class Child:
    """One process."""

    def __init__(self, process: ForkServerProcess, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    @property
    def exit_code(self) -> int | None:
        """As of subprocess: -9 after a kill."""
        return self._process.exitcode

    @property
    def complaints(self) -> str:
        """What it wrote to its standard error."""
        return self._log.read_text("utf-8") if self._log.exists() else ""

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self._process.kill()
        self._process.join(PATIENCE)

    def waited(self) -> int | None:
        """The code it ends with."""
        self._process.join(PATIENCE)
        return self.exit_code

    def end(self, code: int = 0) -> None:
        """Wait until it ends by itself, which must be with this code."""
        assert self.waited() == code, f"ended with {self.exit_code}:\n{self.complaints}"


class Children:
    """Starts processes, and leaves none behind."""

    def __init__(self) -> None:
        self._started: list[Child] = []

    def start(self, work: Callable[..., None], place: Place, *rest: Any, at: str = "") -> Child:
        """Run `work(place, *rest)` elsewhere; `at` is a failpoint, as `name:kill`."""
        log = place.beside(f"child-{len(self._started)}.log")
        process = CONTEXT.Process(target=_run, args=(work, log, at, (place, *rest)), daemon=True)
        process.start()
        self._started.append(Child(process, log))
        return self._started[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for child in self._started:
            child.kill()


def wait_until(is_so: Callable[[], object], patience: float = PATIENCE) -> None:
    """Look often, with little work between; fails after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"not so after {patience} s")
        time.sleep(0.002)


def _run(work: Callable[..., None], log: Path, at: str, arguments: tuple[Any, ...]) -> None:
    # Before all else: what the interpreter itself complains of goes there too.
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 2)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    arm({"SOCIOPOLES_TESTING": "1", "SOCIOPOLES_FAILPOINT": at})
    work(*arguments)
