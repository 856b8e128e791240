"""A worker as a process: its name, its end, and the one that runs beside the web server."""

import datetime as dt
import fcntl
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from service.errors import Refused
from service.jobs import Worker
from service.settings import Settings

LOGGER = logging.getLogger(__name__)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
NICE = 10
"""How far the worker beside the web processes stands back for them."""
NAME_WAIT_S = 3.0
STOP_WAIT_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0


def clock_of_the_machine() -> dt.datetime:
    """The time that people here read on the wall."""
    return dt.datetime.now().astimezone()


@dataclass(slots=True)
class Nightly:
    """Asks for each day's work once the clock has come to this hour; hour 24 never comes.

    Where several workers do, or the clock goes back, `ask` is called again for the same day.
    """

    hour: int
    ask: Callable[[dt.date], object]
    clock: Callable[[], dt.datetime] = clock_of_the_machine
    _asked: dt.date | None = field(default=None)

    def __call__(self) -> None:
        """Ask, unless it is too early or this day's was asked for."""
        here = self.clock()
        if here.hour >= self.hour and here.date() != self._asked:
            self.ask(here.date())
            self._asked = here.date()


@contextmanager
def hold_name(folder: Path, name: str, *, wait_s: float = NAME_WAIT_S) -> Iterator[str]:
    """Be the one worker of this name; gives its label. Raises Refused where another stays.

    The lock goes with the process, however it dies: what is still marked with the label of
    someone who holds the name anew was left by a worker that is dead.
    """
    if not NAME.fullmatch(name):
        raise Refused(
            f"« {name} » n'est pas un nom d'exécutant : des lettres sans accent, des chiffres, "
            "et « _ », « . » ou « - »."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("ab") as lock:
        _lock(lock.fileno(), name, wait_s)
        yield f"{name}@{socket.gethostname()}"


def stop_on_signals(worker: Worker) -> None:
    """Let Ctrl+C and the system's request to end stop a worker at its next step."""

    def ask(_number: int, _frame: object) -> None:
        worker.asked_to_stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)


@contextmanager
def worker_beside(settings: Settings, name: str) -> Iterator[None]:
    """Keep one worker process running beside this one: begun again if it dies, ended with it."""
    command = (
        sys.executable,
        # Nothing is imported from the folder that one happens to be in.
        "-P",
        "-c",
        # Whoever asks a question comes first, from the first import on.
        f"import os; os.nice({NICE}); from service.cli import main; main()",
        *("worker", "--name", name, "--parent", str(os.getpid())),
    )
    before = signal.signal(signal.SIGTERM, _leave)
    keeper = _Keeper(command, os.environ | _same_program(settings))
    try:
        yield
    finally:
        keeper.end()
        signal.signal(signal.SIGTERM, before)


class _Keeper:
    """Runs a command again and again, later each time it dies young, until it is ended."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self._command = command
        self._environment = environment
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Ask the process to end, and wait for it."""
        self._over.set()
        if self._process is not None:
            _end(self._process)
        self._thread.join()

    def _keep(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._over.is_set():
            begun = time.monotonic()
            # A session of its own: Ctrl+C in the terminal is for the server, which ends it.
            self._process = subprocess.Popen(  # noqa: S603 - this program itself
                self._command, env=self._environment, start_new_session=True
            )
            if self._over.is_set():
                _end(self._process)
            code = self._process.wait()
            if time.monotonic() - begun > LONGEST_PAUSE_S:
                pause = FIRST_PAUSE_S
            if not self._over.is_set():
                LOGGER.warning("the worker ended with %d, and begins again", code)
                self._over.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)


def _same_program(settings: Settings) -> dict[str, str]:
    """What makes a child use this code and this data, whatever else is installed."""
    code = str(Path(__file__).parents[1])
    paths = os.pathsep.join(filter(None, (code, os.environ.get("PYTHONPATH"))))
    return {"SOCIOPOLES_DATA": str(settings.data.absolute()), "PYTHONPATH": paths}


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WAIT_S)
    except subprocess.TimeoutExpired:
        # In the middle of a long sum: what it was at is undone, and taken up next time.
        process.kill()
        process.wait()


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _lock(descriptor: int, name: str, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            # One that lost its server needs a moment to notice.
            if time.monotonic() > deadline:
                raise Refused(
                    f"Un exécutant du nom de « {name} » tourne déjà : donnez un autre --name."
                ) from error
            time.sleep(0.1)
        else:
            return
