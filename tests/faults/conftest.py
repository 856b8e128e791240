"""What the tests of faults share; the table at the end of a run is in `table.py`."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.conftest import MakeDatabase
from tests.faults.children import opened, serve
from tests.faults.cluster import Cluster, find_postgresql, start_cluster
from tests.faults.processes import PATIENCE, Child, Children, Journal, Place
from tests.faults.tracing import Strace, find_strace
from tests.service.people import sign_in

Served = Callable[..., tuple[httpx2.Client, Child]]
Fresh = Callable[[str], Place]
"""Makes a named place with a fresh database and no indexes."""
Tally = Callable[[int, str], None]
"""Notes how often something was struck, and what it was."""


def rounds(usual: int, at_most: int = 1_000_000) -> int:
    """How often to strike: `usual`, or what FAULT_ROUNDS says (`make torture`), up to a limit."""
    wanted = int(os.environ.get("FAULT_ROUNDS", "0"))
    return min(wanted, at_most) if wanted else usual


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Say how often this test struck: it is shown in the table."""

    def note(times: int, what: str) -> None:
        request.node.user_properties.append(("struck", f"{times} {what}"))

    return note


@pytest.fixture
def children() -> Iterator[Children]:
    """Processes to strike; none outlives its test."""
    with Children() as children:
        yield children


@pytest.fixture
def fresh(make_database: MakeDatabase, tmp_path: Path) -> Fresh:
    """Places, on SQLite and PostgreSQL in turn."""

    def make(name: str) -> Place:
        folder = tmp_path / name
        folder.mkdir()
        return Place(folder, make_database(folder))

    return make


@pytest.fixture
def place(fresh: Fresh) -> Place:
    """One place."""
    return fresh("place")


@pytest.fixture
def sqlite_place(data: Path) -> Place:
    """A place on SQLite, for what has nothing to do with the database."""
    return Place(data, "")


@pytest.fixture
def served(children: Children) -> Iterator[Served]:
    """Serve a place elsewhere; a client signed in as its animator, and the process."""
    with ExitStack() as stack:

        def serve_it(place: Place, *settings: float) -> tuple[httpx2.Client, Child]:
            child = children.start(serve, place, *settings)
            port = Journal(place.beside("port.jsonl"))
            port.wait_for(1, child)
            url = f"http://127.0.0.1:{port.read()[-1]['port']}"
            client = stack.enter_context(httpx2.Client(base_url=url, timeout=PATIENCE))
            with opened(place) as resources:
                sign_in(client, resources)
            return client, child

        yield serve_it


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of our own, which may be stopped as we please."""
    found = find_postgresql()
    if isinstance(found, str):
        pytest.skip(found)
    with start_cluster(found) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def strace(tmp_path_factory: pytest.TempPathFactory) -> Strace:
    """strace, where it may be used."""
    found = find_strace(tmp_path_factory.mktemp("strace"))
    if isinstance(found, str):
        pytest.skip(found)
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the reports of a test tell which fault it is for."""
    for item in items:
        if marker := item.get_closest_marker("fault"):
            item.user_properties.append(("fault", marker.args[0]))
