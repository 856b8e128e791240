"""Another site's page cannot act through a browser that is signed in here."""

import pytest
from fastapi import FastAPI

from service.access import Permission
from service.resources import Resources
from tests.access.operations import OPERATIONS
from tests.access.world import EVERYONE, fingerprint, knock
from tests.service.people import ANIMATOR, make_key

FOREIGN = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://testserver:8080"},
    {"origin": "https://testserver"},
    {"origin": "http://testserver.evil.example"},
    {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_nothing_that_changes_anything_is_taken_from_elsewhere(
    world: Resources, app: FastAPI, headers: dict[str, str]
) -> None:
    client = knock(app, world, EVERYONE["admin"])
    client.headers.pop("sec-fetch-site")
    before = fingerprint(world)

    for operation in OPERATIONS:
        if operation.method == "GET":
            continue
        answer = client.request(
            operation.method, operation.url, json=operation.body, headers=headers
        )
        assert answer.status_code == 403, operation

    assert fingerprint(world) == before


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_form_of_another_site_dressed_as_json_is_refused(
    world: Resources, app: FastAPI, content_type: str
) -> None:
    client = knock(app, world, EVERYONE["animator"])
    client.headers.pop("sec-fetch-site")

    answer = client.post(
        "/api/v1/sociopoles/plaine-commune/runs",
        content=b"{}",
        headers={"content-type": content_type, "origin": "https://evil.example"},
    )

    assert answer.status_code == 403


def test_a_key_beside_a_cookie_does_not_open_the_door_to_another_site(
    world: Resources, app: FastAPI
) -> None:
    client = knock(app, world, EVERYONE["animator"])
    client.headers.pop("sec-fetch-site")
    key = make_key(world, ANIMATOR, Permission.REVIEW)
    headers = {"Authorization": f"Bearer {key}", "sec-fetch-site": "cross-site"}

    path = "/api/v1/sociopoles/plaine-commune/runs"

    assert client.post(path, json={}, headers=headers).status_code == 403


def test_reading_is_never_a_change(world: Resources, app: FastAPI) -> None:
    """A GET that changed something could be sent by any image of any page."""
    client = knock(app, world, EVERYONE["admin"])
    before = fingerprint(world)

    for operation in OPERATIONS:
        if operation.method == "GET" and not operation.is_endless:
            client.get(operation.url)

    assert fingerprint(world) == before
