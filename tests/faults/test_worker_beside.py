"""`sociopoles serve` and its worker as real processes: begun, killed, ended together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.errors import Refused
from service.resources import Resources, open_resources
from service.settings import Settings
from service.worker import hold_name
from service.workflows.background import Asked, submit_grouping
from service.workflows.group import GroupPlan
from tests.builders import SLUG, import_texts
from tests.faults.worker_process import ROOT, Given, Nursery
from tests.service.conftest import Run, model, run
from tests.service.workers import states

__all__ = ["model", "run"]
"""Fixtures that these tests share with those of the command line."""
MAIN = (sys.executable, "-c", "from service.cli import main; main()")


@pytest.fixture
def here(data: Path, model: Path) -> Iterator[Resources]:
    resources = open_resources(Settings(data=data, model=str(model)))
    import_texts(resources, "un vélo", "un jardin", "une école")
    yield resources
    resources.engine.dispose()


@contextmanager
def serving(resources: Resources, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    settings = resources.settings
    environment = {
        "SOCIOPOLES_DATA": str(settings.data),
        "SOCIOPOLES_MODEL": settings.model,
        "SOCIOPOLES_PORT": "0",
    }
    server = subprocess.Popen(
        [*MAIN, "serve", *options], cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE
    )
    try:
        yield server
    finally:
        server.kill()
        server.communicate()
        wait_until(lambda: is_free(resources))


def ask_and_wait(resources: Resources, size: int) -> None:
    """Sizes that differ, so that each asks for another grouping."""
    submit_grouping(resources, GroupPlan(SLUG, size=size), Asked("Ana"))
    wait_until(lambda: set(states(resources)) == {"done"})


def worker_of(server: subprocess.Popen[bytes]) -> int:
    tasks = Path(f"/proc/{server.pid}/task").glob("*/children")
    (pid,) = [int(pid) for task in tasks for pid in task.read_text().split()]
    return pid


def is_free(resources: Resources) -> bool:
    """Whether no worker beside a server lives on this data."""
    try:
        with hold_name(resources.settings.worker_folder, "serveur", wait_s=0):
            return True
    except Refused:
        return False


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.fault("F12")
def test_the_worker_of_a_server_begins_again_when_it_is_killed_and_ends_with_it(
    here: Resources,
) -> None:
    with serving(here) as server:
        ask_and_wait(here, 2)
        killed = worker_of(server)
        os.kill(killed, signal.SIGKILL)
        ask_and_wait(here, 1)
        again = worker_of(server)
        server.terminate()
        server.wait(60)

        assert is_free(here)
        assert not Path(f"/proc/{again}").exists()
    assert killed != again


def test_a_worker_does_not_outlive_what_it_stands_beside(here: Resources) -> None:
    settings = here.settings
    beside = Nursery()
    given = Given(str(settings.data), settings.url, "serveur", once=False, parent=beside.pid)
    with beside.begun(given) as worker:
        wait_until(lambda: not is_free(here))
        beside.kill()
        wait_until(lambda: is_free(here))
        worker.code = 0


def test_a_server_told_so_has_no_worker(
    here: Resources, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = []
    monkeypatch.setattr("service.server.serve_here", lambda *_, **__: free.append(is_free(here)))
    result = run("serve", "--no-worker")

    assert (result.exit_code, free) == (0, [True])
