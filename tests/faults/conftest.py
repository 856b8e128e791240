"""What the tests of faults share, and the table of what was tried at the end of a run.

A safety test that is skipped must be seen: the table names each fault of the list, how often it
was struck, and why it was not.
"""

import os
from collections import defaultdict
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

FAULTS = {
    "F1": "kill -9 in an import",
    "F2": "kill -9 while an index is saved",
    "F3": "kill -9 in a job",
    "F4": "disk full",
    "F5": "snapshot corrupt, truncated, empty, missing",
    "F6": "index older, newer, of another epoch",
    "F7": "two processes publish one index",
    "F8": "database locked",
    "F9": "PostgreSQL restarts under writers",
    "F10": "the clock jumps",
    "F11": "the model changed",
    "F12": "a worker dies, a poison job",
    "F13": "the same request several times at once",
    "F14": "one pairing reviewed by many at once",
    "F15": "an import in part, a client gone",
    "F16": "power lost between commit and index",
    "F17": "an older database is upgraded",
    "F18": "files, threads, memory leak",
    "F19": "kill -9 in a restore",
    "order": "all of it in any order, against the check",
    "proof": "the harness sees what it must",
}
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of faults."""
    found = defaultdict(list)
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.getreports(outcome):
            properties = getattr(report, "user_properties", [])
            fault = dict(properties).get("fault")
            if fault and (outcome != "passed" or report.when == "call"):
                found[fault].append((outcome, report))
    if not found:
        return
    terminalreporter.section("faults")
    for fault, name in FAULTS.items():
        terminalreporter.write_line(f"{fault:6}{name:45}{_summary(found[fault])}")
        for reason, tests in sorted(_skips(found[fault]).items()):
            line = f"{'':6}SKIPPED {len(tests)}: {reason}"
            terminalreporter.write_line(line, yellow=True)


def _summary(reports: list[tuple[str, pytest.TestReport]]) -> str:
    if not reports:
        return "NOT TRIED in this run"
    outcomes = [outcome for outcome, _ in reports]
    counts = [f"{outcomes.count(o)} {o}" for o in ("passed", "failed", "error") if o in outcomes]
    struck: dict[str, int] = defaultdict(int)
    for _, report in reports:
        for key, value in report.user_properties:
            if key == "struck":
                times, _, what = str(value).partition(" ")
                struck[what] += int(times)
    return ", ".join([*(counts or ["none passed"]), *(f"{n} {what}" for what, n in struck.items())])


def _skips(reports: list[tuple[str, pytest.TestReport]]) -> dict[str, set[str]]:
    skips = defaultdict(set)
    for outcome, report in reports:
        if outcome == "skipped":
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            skips[reason.removeprefix("Skipped: ")].add(report.nodeid)
    return skips
