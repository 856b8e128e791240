"""Workers as processes of their own, forked from one that has everything imported.

Run as a program, it is the one that forks.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from matcher.lexicon.lexicon import Lexicon, read_lexicon
from service.database import now, open_engine, write
from service.errors import Refused
from service.failpoints import arm
from service.jobs import Pace, Task, Work, Worker, work
from service.resources import Resources, open_resources
from service.settings import Settings
from service.worker import hold_name, stop_on_signals
from service.workflows.background import WORKS, tidy_uploads
from tests.fakes import WordEncoder
from tests.service.workers import make_effect

ROOT = Path(__file__).parents[2]
STEP_S = 0.02
SLOW_TO_IMPORT = ("sklearn.manifold", "scipy.optimize", "ortools.graph.python.min_cost_flow")


@dataclass(frozen=True, slots=True)
class Given:
    """What a worker process is told."""

    data: str
    url: str
    name: str = "un"
    once: bool = True
    lease_s: float = 30.0
    failpoint: str = ""
    name_wait_s: float = 3.0
    parent: int = 0


class Nursery:
    """Forks workers: each is a real process, begun in milliseconds."""

    def __init__(self, **environment: str) -> None:
        self._forker = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker_process"],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def warm(self) -> None:
        """Let it import beforehand what groupings and suggestions need."""
        self._tell(warm=True)

    def ask(self, **request: Any) -> Any:
        """One request, one answer."""
        assert self._forker.stdout is not None
        self._tell(**request)
        return json.loads(self._forker.stdout.readline())

    def _tell(self, **request: Any) -> None:
        assert self._forker.stdin is not None
        print(json.dumps(request), file=self._forker.stdin, flush=True)

    @property
    def pid(self) -> int:
        """Its number, the parent of all it forks."""
        return self._forker.pid

    def kill(self) -> None:
        """SIGKILL: what it forked is on its own."""
        self._forker.kill()
        self._forker.communicate()

    def close(self) -> None:
        """End what forks; every worker was ended before."""
        self._forker.communicate()

    @contextmanager
    def begun(self, given: Given) -> Iterator["WorkerProcess"]:
        """A worker process, killed at the end if it is not over."""
        process = WorkerProcess(self, self.ask(begin=asdict(given)))
        try:
            yield process
        finally:
            process.kill()

    def run_to_the_end(self, given: Given) -> int:
        """Let a worker do all that waits; gives how it ended, a signal as a negative number."""
        with self.begun(replace(given, once=True)) as process:
            return process.join()


@dataclass(slots=True)
class WorkerProcess:
    """A child of the one that forks, which alone may wait for it."""

    nursery: Nursery
    pid: int
    code: int | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        if self.code is None:
            self.code = self.nursery.ask(poll=self.pid)
        return self.code is None

    def kill(self) -> None:
        """SIGKILL, and wait."""
        if self.is_alive:
            os.kill(self.pid, signal.SIGKILL)
            self.join()

    def join(self) -> int:
        """Wait for its end."""
        deadline = time.monotonic() + 60
        while self.is_alive:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        assert self.code is not None
        return self.code


def be_worker(given: Given) -> None:
    """What `sociopoles worker` does, without a model and with kinds of jobs made for tests."""
    arm({"SOCIOPOLES_TESTING": "1", "SOCIOPOLES_FAILPOINT": given.failpoint})
    settings = Settings(data=Path(given.data), database_url=given.url)
    with hold_name(settings.worker_folder, given.name, wait_s=given.name_wait_s) as label:
        engine = open_engine(settings.url)
        resources = open_resources(settings, WordEncoder())
        worker = Worker(
            label=label,
            engine=engine,
            works={**WORKS, **TRIALS},
            resources=lambda: resources,
            tidy=partial(tidy_uploads, settings, engine),
            pace=Pace(poll_s=STEP_S, lease_s=given.lease_s),
            parent=given.parent,
        )
        stop_on_signals(worker)
        work(worker, once=given.once)


def _make(
    resources: Resources,
    arguments: Mapping[str, Any],
    task: Task,
    before: Callable[[Mapping[str, Any], Task], None],
) -> Mapping[str, Any]:
    if task.kept is not None:
        return task.kept
    before(arguments, task)
    with write(resources.engine) as session:
        make_effect(resources, session)
        # A long transaction: on SQLite nobody else writes meanwhile, not even a beat.
        _wait(arguments.get("hold_s", 0))
        task.keep(session, {})
    return {}


def _tell_steps(arguments: Mapping[str, Any], task: Task) -> None:
    # The first attempt is long enough to be disturbed, the others are not.
    for step in range(arguments.get("steps", 0) if task.job.attempts == 1 else 0):
        task.progress(now().isoformat(), step, arguments["steps"])
        _wait(STEP_S)


def _wait(seconds: float) -> None:
    # Not time.sleep, which libfaketime breaks.
    threading.Event().wait(seconds)


def _die(_arguments: Mapping[str, Any], _task: Task) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _forget_the_mark(
    resources: Resources, _arguments: Mapping[str, Any], _task: Task
) -> Mapping[str, Any]:
    with write(resources.engine) as session:
        make_effect(resources, session)
    return {}


TRIALS = {
    "make": Work("essai", partial(_make, before=_tell_steps)),
    "poison": Work("essai", partial(_make, before=_die)),
    "careless": Work("essai", _forget_the_mark),
}


def _fork_on_request() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "warm" in request:
            for slow in SLOW_TO_IMPORT:
                importlib.import_module(slow)
            # The words it read are remembered.
            Lexicon(read_lexicon())
            continue
        if "begin" in request:
            answer: int | None = os.fork()
            if answer == 0:
                _be_child(Given(**request["begin"]))
        else:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


def _be_child(given: Given) -> None:
    os.dup2(2, 1)
    code = 1
    try:
        be_worker(given)
        code = 0
    except Refused as refusal:
        sys.stderr.write(f"{refusal}\n")
    finally:
        os._exit(code)


if __name__ == "__main__":
    _fork_on_request()
