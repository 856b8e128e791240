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
from tests.builders import SLUG, import_texts, write_static_model
from tests.faults.worker_process import ROOT
from tests.service.workers import states

MAIN = (sys.executable, "-c", "from service.cli import main; main()")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_static_model(tmp_path / "tiny", "vélo jardin école")


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
    children = Path(f"/proc/{server.pid}/task").glob("*/children")
    (pid,) = [int(pid) for task in children for pid in task.read_text().split()]
    return pid


def is_free(resources: Resources) -> bool:
    """Whether no worker beside a server lives on this data."""
    try:
        with hold_name(resources.settings.worker_folder, "serveur"):
            return True
    except Refused:
        return False


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_has_a_worker_that_begins_again_when_it_is_killed_and_ends_with_the_server(
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

    assert killed != again
    assert not Path(f"/proc/{again}").exists()


def test_a_worker_does_not_outlive_a_server_that_was_killed(here: Resources) -> None:
    with serving(here) as server:
        ask_and_wait(here, 2)
        worker = worker_of(server)
        server.kill()
        server.wait(60)
        wait_until(lambda: is_free(here))

    wait_until(lambda: not Path(f"/proc/{worker}").exists())


def test_a_server_without_a_worker_leaves_the_jobs_to_another(here: Resources) -> None:
    submit_grouping(here, GroupPlan(SLUG), Asked("Ana"))
    with serving(here, "--no-worker") as server:
        assert server.stdout is not None
        assert b"http://" in server.stdout.readline()
        assert is_free(here)
        server.send_signal(signal.SIGINT)
        server.wait(60)

    assert states(here) == ["queued"]
