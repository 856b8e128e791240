"""Every actor at every door: what is not theirs is not there, is not shown, and does not change."""

from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from service.resources import Resources
from tests.access.operations import ANYONE, API, MACHINES, MAY, OPERATIONS, READ, Operation
from tests.access.world import (
    EVERYONE,
    HERE,
    SECRETS,
    THERE,
    canary,
    fingerprint,
    knock,
)

EMPTY = "0" * 16


def routes_of(app: FastAPI | APIRouter) -> Iterator[APIRoute]:
    """Every route of the application, those of included routers among them."""
    for route in app.routes:
        if isinstance(route, APIRoute):
            yield route
        elif included := getattr(route, "original_router", None):
            yield from routes_of(included)


def ask(client: TestClient, operation: Operation) -> tuple[int, str]:
    answer = client.request(
        operation.method,
        operation.url,
        json=operation.body,
        data=dict(operation.form) if operation.form is not None else None,
        files=operation.files,
        follow_redirects=False,
    )
    status = answer.status_code
    # A page sends who is not signed in to sign in.
    if status == 303 and answer.headers["location"].startswith("/connexion?suite="):
        status = 401
    if status == 303 and operation.needs != ANYONE and answer.headers["location"] == "/connexion":
        status = 401
    return status, answer.text


def test_every_route_is_in_the_table(app: FastAPI) -> None:
    routes = {(method, route.path) for route in routes_of(app) for method in route.methods}

    assert routes == {(o.method, o.path.partition("?")[0]) for o in OPERATIONS}


def test_nothing_else_is_served_but_static_files_and_the_document(app: FastAPI) -> None:
    others = {
        getattr(route, "path", "")
        for route in app.routes
        if not isinstance(route, APIRoute) and not hasattr(route, "original_router")
    }

    assert others == {"/static", "/api/v1/openapi.json"}


def test_every_operation_of_the_document_is_in_the_table(app: FastAPI) -> None:
    described = {
        (method.upper(), path)
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }

    assert described == {(o.method, o.path.partition("?")[0]) for o in API}


def test_every_route_names_its_permission(app: FastAPI) -> None:
    """A route that forgets to ask who comes is refused here, and reads nothing anyway."""
    silent = [
        route.path
        for route in routes_of(app)
        if not any(hasattr(d.call, "permission") for d in route.dependant.dependencies)
    ]

    assert silent == []


@pytest.mark.parametrize("name", EVERYONE)
def test_who_may_not_is_refused_and_nothing_changes(
    world: Resources, app: FastAPI, name: str
) -> None:
    client = knock(app, world, EVERYONE[name])
    before = fingerprint(world)

    for operation in OPERATIONS:
        expected = refusal(name, operation)
        if expected is None:
            continue
        status, text = ask(client, operation)
        assert status == expected, f"{name} {operation.method} {operation.url}: {text[:300]}"
        assert not seen(text, HERE), operation

    assert fingerprint(world) == before


def refusal(name: str, operation: Operation) -> int | None:
    """The status by which this actor is refused; None where they may."""
    if operation.needs == ANYONE:
        return None
    if operation.needs == MACHINES:
        return 403
    if name in {"nobody", "dead key"}:
        return 401
    if name == "stranger" and operation.is_in_sociopole:
        return 404
    return None if operation.needs in MAY[name] else 403


@pytest.mark.parametrize("name", EVERYONE)
def test_who_may_read_sees_no_canary_that_is_not_theirs(
    world: Resources, app: FastAPI, name: str
) -> None:
    client = knock(app, world, EVERYONE[name])
    forbidden = hidden_from(name)

    for operation in OPERATIONS:
        is_asked = operation.method == "GET" and not operation.is_endless
        if not is_asked or refusal(name, operation) is not None:
            continue
        status, text = ask(client, operation)
        expected = status < 400 or (operation.may_be_absent and status == 404)
        assert expected, f"{name} {operation.url}: {text[:300]}"
        for place, what in forbidden:
            assert canary(place, what) not in text, f"{name} sees {what} of {place}: {operation}"


def hidden_from(name: str) -> set[tuple[str, str]]:
    everything = {(place, what) for place in (HERE, THERE) for what in SECRETS}
    people = {(place, what) for place in (HERE, THERE) for what in ("contact", "adresse")}
    texts = {"texte", "titre", "structure"}
    theirs: dict[str, set[tuple[str, str]]] = {
        "academic": {(HERE, what) for what in texts},
        "animator": {(HERE, what) for what in SECRETS},
        "stranger": {(THERE, what) for what in SECRETS},
        "reading key": {(HERE, what) for what in texts},
        "head": everything - people,
        "admin": everything,
    }
    return everything - theirs.get(name, set())


@pytest.mark.parametrize(
    ("name", "place"),
    [("academic", HERE), ("animator", HERE), ("stranger", THERE), ("head", HERE), ("admin", HERE)],
)
def test_who_may_see_a_canary_does_see_it(
    world: Resources, app: FastAPI, name: str, place: str
) -> None:
    """The canaries sing: a matrix of empty answers would prove nothing."""
    client = knock(app, world, EVERYONE[name])

    listed = client.get(f"/api/v1/sociopoles/{place}/statements?limit=200").text
    found = client.get(f"/api/v1/search?q={canary(place, 'texte')}&k=50").text

    assert canary(place, "texte") in listed
    assert canary(place, "texte") in found


def test_people_are_seen_by_the_animation_alone(world: Resources, app: FastAPI) -> None:
    contacts = f"/api/v1/sociopoles/{HERE}/contacts"

    seen_by = {
        name
        for name, actor in EVERYONE.items()
        if canary(HERE, "adresse") in knock(app, world, actor).get(contacts).text
    }

    assert seen_by == {"animator", "admin"}


def test_another_sociopole_answers_as_one_that_does_not_exist(
    world: Resources, app: FastAPI
) -> None:
    client = knock(app, world, EVERYONE["animator"])

    for operation in API:
        if not operation.is_in_sociopole or operation.needs == ANYONE:
            continue
        parts = (operation.method, operation.url)
        other, none = (
            client.request(parts[0], parts[1].replace(HERE, slug), json=operation.body)
            for slug in (THERE, "atlantide")
        )
        assert other.status_code == none.status_code == 404, operation
        assert other.text.replace(THERE, "?") == none.text.replace("atlantide", "?"), operation


def test_a_number_of_another_sociopole_answers_as_one_that_does_not_exist(
    world: Resources, app: FastAPI
) -> None:
    """Groupings are numbered over all sociopôles: the second is not of this one."""
    client = knock(app, world, EVERYONE["animator"])
    base = f"/api/v1/sociopoles/{HERE}/groupings"

    other, none = client.get(f"{base}/2"), client.get(f"{base}/999")

    assert (other.status_code, none.status_code) == (404, 404)
    assert other.text.replace("2", "?") == none.text.replace("999", "?")


def test_a_search_answers_with_nothing_that_is_not_published_to_who_reads_only_that(
    world: Resources, app: FastAPI
) -> None:
    for name in ("reader", "nobody"):
        client = knock(app, world, EVERYONE[name])
        path = "/api/v1/search" if READ in MAY[name] else "/api/v1/public/search"

        found = client.get(path, params={"q": "vélo garage piste"}).json()["answers"]

        assert found
        assert {answer["id"] for answer in found} <= {"publié"}


def seen(text: str, place: str) -> list[str]:
    """The canaries of a sociopôle in an answer."""
    return [what for what in SECRETS if canary(place, what) in text]
