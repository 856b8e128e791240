"""Who may not is refused before what they send is read, however much it is."""

import asyncio
from collections.abc import Mapping

import pytest
from fastapi import FastAPI

from service.resources import Resources
from tests.access.operations import ANYONE, MACHINES, OPERATIONS, Operation
from tests.access.test_matrix import refusal
from tests.access.world import EVERYONE, knock

SENT = [operation for operation in OPERATIONS if operation.method in {"POST", "PUT", "PATCH"}]


async def send_without_end(
    app: FastAPI, operation: Operation, headers: Mapping[str, str]
) -> tuple[int, int]:
    """The status of the answer, and how often the body was asked for before it."""
    asked, statuses = 0, []

    async def receive() -> dict[str, object]:
        nonlocal asked
        asked += 1
        assert asked < 100, "this would be read for ever"
        return {"type": "http.request", "body": b" " * 100, "more_body": True}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(int(str(message["status"])))

    path, _, query = operation.url.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": operation.method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    await app(scope, receive, send)  # type: ignore[arg-type]
    return statuses[0], asked


@pytest.mark.parametrize("name", EVERYONE)
@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data; boundary=b", "text/plain"]
)
def test_what_is_sent_by_who_may_not_is_never_read(
    world: Resources,
    app: FastAPI,
    name: str,
    once: bool,  # noqa: FBT001 - pytest passes it by name
    content_type: str,
) -> None:
    client = knock(app, world, EVERYONE[name])
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)
    headers = {**client.headers, "Content-Type": content_type, "Host": "testserver"}
    headers |= {"Cookie": cookies} if cookies else {}
    headers |= {"Idempotency-Key": "clé-1".encode().hex()} if once else {}

    tried = 0
    for operation in SENT:
        if operation.needs in {ANYONE, MACHINES} or refusal(name, operation) is None:
            continue
        status, asked = asyncio.run(send_without_end(app, operation, headers))
        # A page leads whoever is not signed in to where one signs in.
        expected = {401: {401, 303}}.get(refused := refusal(name, operation), {refused})
        assert (status in expected, asked) == (True, 0), operation
        tried += 1
    assert tried > 0 or name == "admin"
