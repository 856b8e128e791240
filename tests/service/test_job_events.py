"""A job followed as it goes: each change once, signs of life between, and nobody kept waiting."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from matcher.assignment import Limits
from service.api import jobs
from service.app import create_app
from service.resources import Resources, open_resources
from service.settings import Settings
from service.workflows.background import WORKS, Asked, submit_suggestions
from service.workflows.show_jobs import show_job
from service.workflows.suggest import Plan
from tests.builders import SLUG, import_texts
from tests.fakes import WordEncoder
from tests.service.people import sign_in
from tests.service.serving import serving
from tests.service.workers import do_all

JOBS = f"/api/v1/sociopoles/{SLUG}/jobs"
THREADS = 40
"""What answers requests that wait: as many streams, each with one, would leave none."""


@pytest.fixture
def client(resources: Resources) -> Iterator[TestClient]:
    import_texts(resources, "vélo piste", "jardin compost")
    with TestClient(create_app(resources)) as client:
        yield sign_in(client, resources)


def submit(resources: Resources) -> int:
    return submit_suggestions(resources, SLUG, Plan(Limits()), Asked("Ana"))


def do_suggestions(resources: Resources) -> None:
    do_all(resources, suggest=WORKS["suggest"].run)


def events(stream: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in re.findall(r"^data: (.*)$", stream, re.MULTILINE)]


def test_a_job_is_followed_until_it_is_over_with_signs_of_life_between(
    client: TestClient, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Semaphore(0)

    def look(*given: Any) -> dict[str, Any]:
        looked.release()
        return show_job(*given)

    monkeypatch.setattr(jobs, "EVERY_S", 0.01)
    monkeypatch.setattr(jobs, "SIGN_OF_LIFE_S", 0.03)
    number = submit(resources)
    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr("service.api.jobs.show_job", look)
        asked = pool.submit(client.get, f"{JOBS}/{number}/events")
        for _ in range(10):
            assert looked.acquire(timeout=60)
        do_suggestions(resources)
        answer = asked.result(60)

    assert answer.headers["content-type"].startswith("text/event-stream")
    told = events(answer.text)
    assert (told[0]["state"], told[-1]["state"]) == ("queued", "done")
    assert all(a != b for a, b in pairwise(told))
    assert told[-1]["result"]
    before, _, after = answer.text.partition("\n\n: \n\n")
    assert events(before) == told[:1]
    assert events(after)[-1] == told[-1]


def test_a_job_that_is_over_is_told_once(client: TestClient, resources: Resources) -> None:
    number = submit(resources)
    do_suggestions(resources)

    answer = client.get(f"{JOBS}/{number}/events")

    assert [event["state"] for event in events(answer.text)] == ["done"]
    assert client.get(f"{JOBS}/{number + 1}/events").status_code == 404


@pytest.fixture
def cookie_and_job(data: Path) -> tuple[str, int]:
    """Of somebody who is inside, and a job that nobody does."""
    resources = open_resources(Settings(data=data), WordEncoder())
    client = sign_in(TestClient(create_app(resources)), resources)
    [(name, value)] = client.cookies.items()
    number = submit(resources)
    resources.engine.dispose()
    return f"{name}={value}", number


def test_streams_that_nobody_reads_keep_nobody_waiting(
    data: Path, model: Path, cookie_and_job: tuple[str, int]
) -> None:
    cookie, number = cookie_and_job
    with serving(data, model, "--no-worker") as served, ExitStack() as stack:
        for _ in range(THREADS + 5):
            stream = socket.create_connection(("127.0.0.1", served.port), timeout=60)
            stack.enter_context(stream)
            head = f"GET {JOBS}/{number}/events HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
            stream.sendall(f"{head}Cookie: {cookie}\r\n\r\n".encode())
            # Begun, and then left.
            assert stream.recv(15) == b"HTTP/1.1 200 OK"

        assert served.ask("/api/v1/health").status == 200
        shown = served.ask(f"{JOBS}/{number}", headers={"Cookie": cookie})
        assert json.loads(shown.body)["state"] == "queued"
