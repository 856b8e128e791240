"""F18: a service that has run for long holds no more files, threads or memory than a young one."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from tests.builders import SLUG
from tests.faults.children import journal_of, open_place
from tests.faults.conftest import Served, Tally, rounds
from tests.faults.finding import fill
from tests.faults.processes import Children, Place

REQUESTS = 2_000
WARM_UP, OPENINGS = 5, 20
AT_ONCE = 4
PEOPLE = 40
GROWTH = 1.10
FEW = 5
PAGES = (
    "/api/v1/sociopoles",
    f"/api/v1/search?q=bus+du+soir&sociopole={SLUG}",
    f"/sociopoles/{SLUG}",
    "/api/v1/health",
    "/api/v1/sociopoles/atlantide/pairings",
    "/nulle-part",
)


@pytest.mark.fault("F18")
def test_two_thousand_requests_leave_no_file_no_thread_and_no_memory(
    place: Place, served: Served, tally: Tally
) -> None:
    fill(place, "avant", 60)
    client, child = served(place)

    requests = REQUESTS if place.is_sqlite else REQUESTS // 10

    def ask(number: int) -> int:
        return client.get(PAGES[number % len(PAGES)]).status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        # What is made once is made: caches, connections, threads.
        list(pool.map(ask, range(200)))
        before = held_by(child.pid)
        statuses = set(pool.map(ask, range(requests)))
        after = held_by(child.pid)

    assert statuses == {200, 404}
    assert after["files"] <= before["files"]
    assert after["threads"] <= before["threads"]
    assert after["kilobytes"] <= before["kilobytes"] * GROWTH
    tally(requests, "requests")
    tally(after["kilobytes"] - before["kilobytes"], "kB more held after them")


@pytest.mark.fault("F18")
def test_forty_people_who_come_at_once_to_a_service_just_started_are_all_served(
    place: Place, served: Served, tally: Tally
) -> None:
    fill(place, "avant", 60)
    client, child = served(place)

    with ThreadPoolExecutor(PEOPLE) as pool:
        answers = list(pool.map(lambda _: client.get(PAGES[1]), range(PEOPLE)))

    assert {answer.status_code for answer in answers} == {200}
    assert "Traceback" not in child.complaints
    tally(PEOPLE, "searches at once from cold")


@pytest.mark.fault("F18")
def test_opening_and_closing_the_application_leaves_no_file_and_no_thread(
    place: Place, children: Children, tally: Tally
) -> None:
    fill(place, "avant", 60)

    children.start(open_and_close, place, WARM_UP + rounds(OPENINGS, at_most=100)).end()

    held = journal_of(place).read()
    young, old = held[WARM_UP - 1], held[-1]
    assert old["files"] <= young["files"]
    assert old["threads"] <= young["threads"]
    # The word index takes and gives back some megabytes each time: the first and last few count.
    first, last = ([one["kilobytes"] for one in some] for some in (held[WARM_UP:-FEW], held[-FEW:]))
    assert min(last) <= max(first) * GROWTH
    tally(rounds(OPENINGS, at_most=100), "openings")


def open_and_close(place: Place, times: int) -> None:
    """The application, opened, asked and closed, so many times; notes what is held after each."""
    for _ in range(times):
        resources = open_place(place)
        with TestClient(create_app(resources)) as client:
            client.get("/api/v1/health")
            client.get("/connexion")
        resources.engine.dispose()
        del resources, client
        gc.collect()
        journal_of(place).acknowledge(**held_by("self"), alive=threading.active_count())


def held_by(process: int | str) -> dict[str, int]:
    """Open files, threads and resident memory of a process."""
    folder = Path(f"/proc/{process}")
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    return {
        "files": len(list((folder / "fd").iterdir())),
        "threads": len(list((folder / "task").iterdir())),
        "kilobytes": int(status["VmRSS"].split()[0]),
    }
