"""Who follows a job is asked again who they are, as long as it lasts."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Message

from matcher.assignment import Limits
from service.access import Role
from service.api import jobs
from service.resources import Resources
from service.visits import COOKIE
from service.workflows.accounts import AccountChange, RoleWanted, change_account
from service.workflows.background import Asked, cancel, submit_suggestions
from service.workflows.suggest import Plan
from tests.access.entering.ada import ME, SESSION, enter
from tests.builders import SLUG, import_texts

LONGEST_WAIT_S = 30
Happens = Callable[[TestClient, Resources, int], object]


@pytest.fixture
def number(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> int:
    """A job that nobody takes up: without a worker it lasts for ever."""
    monkeypatch.setattr(jobs, "EVERY_S", 0.01)
    monkeypatch.setattr(jobs, "WHO_S", 0.0)
    import_texts(resources, "vélo piste", "jardin compost")
    return submit_suggestions(resources, SLUG, Plan(Limits()), Asked("Ada"))


async def follow(app: FastAPI, cookie: str, number: int, then: Callable[[], object]) -> str:
    """What the stream says of a job once this has happened; TimeoutError where it never ends."""
    path = f"/api/v1/sociopoles/{SLUG}/jobs/{number}/events"
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"testserver"), (b"cookie", f"{COOKIE}={cookie}".encode())],
        "client": ("127.0.0.1", 50000),
        "server": ("testserver", 80),
    }
    said: asyncio.Queue[Message] = asyncio.Queue()
    begun = False

    async def receive() -> Message:
        nonlocal begun
        if begun:
            await asyncio.Event().wait()
        begun = True
        return {"type": "http.request"}

    stream = asyncio.create_task(app(scope, receive, said.put))
    assert (await said.get())["status"] == 200
    assert b"queued" in (await said.get())["body"]
    await asyncio.to_thread(then)
    await asyncio.wait_for(stream, LONGEST_WAIT_S)
    return b"".join(said.get_nowait()["body"] for _ in range(said.qsize())).decode()


def change(resources: Resources, ada: int, **changes: Any) -> None:
    change_account(resources, ada, AccountChange(**changes), by=None)


@pytest.mark.parametrize(
    "happens",
    [
        lambda _client, resources, ada: change(resources, ada, is_active=False),
        lambda _client, resources, ada: change(resources, ada, roles=[]),
        lambda _client, resources, ada: change(
            resources, ada, roles=[RoleWanted(SLUG, Role.READER)]
        ),
        lambda client, _resources, _ada: client.delete(SESSION),
        lambda client, _resources, _ada: client.delete(f"{ME}/sessions"),
    ],
    ids=["closed account", "no role", "lesser role", "left", "left everywhere"],
)
def test_who_may_no_longer_is_told_no_more(
    client: TestClient, app: FastAPI, resources: Resources, ada: int, number: int, happens: Happens
) -> None:
    enter(client)
    cookie = client.cookies[COOKIE]

    told = asyncio.run(follow(app, cookie, number, lambda: happens(client, resources, ada)))

    assert told == ""


def test_who_still_may_is_told_until_the_job_is_over(
    client: TestClient, app: FastAPI, resources: Resources, number: int
) -> None:
    enter(client)

    told = asyncio.run(
        follow(app, client.cookies[COOKIE], number, lambda: cancel(resources, number))
    )

    assert "cancelled" in told
