"""A key does what it was given, no more than its owner may, and until it is taken away."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from service.access import NOBODY, Permission, Role
from service.database import now, read, write
from service.errors import Forbidden
from service.resources import Resources
from service.tables import ApiToken
from service.workflows.accounts import (
    create_token,
    reset_password,
)
from tests.access.entering.ada import EMAIL, ME, PASSWORD, enter
from tests.builders import SLUG
from tests.service.people import ANIMATOR, Someone, add_person, make_key, sign_in


def with_key(app: FastAPI, secret: str) -> TestClient:
    return TestClient(app, headers={"Authorization": f"Bearer {secret}"})


def test_a_key_does_what_it_was_given_and_no_more(resources: Resources, app: FastAPI) -> None:
    reading = with_key(app, make_key(resources, ANIMATOR, Permission.READ))

    assert reading.get(f"/api/v1/sociopoles/{SLUG}").status_code == 200
    assert reading.get(f"/api/v1/sociopoles/{SLUG}/contacts").status_code == 403
    assert reading.get(ME).status_code == 403


def test_questions_are_kept_by_a_key_that_was_given_them_alone(
    resources: Resources, app: FastAPI
) -> None:
    kept = f"{ME}/queries"
    keeping = with_key(app, make_key(resources, ANIMATOR, Permission.READ, Permission.QUESTIONS))
    number = keeping.post(kept, json={"text": "garage à vélos"}).json()["id"]
    reading = with_key(app, make_key(resources, ANIMATOR, Permission.READ))

    refused = [
        reading.get(kept),
        reading.post(kept, json={"text": "jardin"}),
        reading.patch(f"{kept}/{number}", json={"by_mail": True}),
        reading.delete(f"{kept}/{number}"),
    ]

    assert {answer.status_code for answer in refused} == {403}
    [query] = keeping.get(kept).json()["queries"]
    assert (query["id"], query["by_mail"]) == (number, False)
    assert keeping.delete(f"{kept}/{number}").status_code == 204


def test_a_key_never_outgrows_its_owner(resources: Resources, app: FastAPI) -> None:
    reader = Someone("Une élue", Role.READER)
    greedy = with_key(app, make_key(resources, reader, *set(Permission) - {Permission.SELF}))

    assert greedy.get(f"/api/v1/sociopoles/{SLUG}/contacts").status_code == 403
    assert greedy.get("/api/v1/accounts").status_code == 403


def test_a_key_cannot_make_keys(client: TestClient, resources: Resources) -> None:
    sign_in(client, resources)

    answer = client.post(f"{ME}/tokens", json={"name": "tout", "scopes": ["self"]})

    assert answer.status_code == 422


def test_a_key_is_shown_once_and_taken_away_at_once(
    client: TestClient, app: FastAPI, resources: Resources
) -> None:
    sign_in(client, resources)
    made = client.post(f"{ME}/tokens", json={"name": "tableau", "scopes": ["read"]}).json()
    key = with_key(app, made["secret"])
    assert key.get("/api/v1/sociopoles").status_code == 200
    assert made["secret"] not in client.get(ME).text
    with read(resources.engine) as session:
        row = session.execute(select(ApiToken.secret_hash, ApiToken.prefix)).one()
    assert made["secret"] not in set(row)

    assert client.delete(f"{ME}/tokens/{made['id']}").status_code == 204

    assert key.get("/api/v1/sociopoles").status_code == 401


def test_a_new_password_takes_every_key_of_the_account_away_and_no_other(
    client: TestClient, app: FastAPI, resources: Resources
) -> None:
    other = with_key(app, make_key(resources, ANIMATOR, Permission.READ))
    enter(client)
    wanted = {"name": "tableau", "scopes": ["read"]}
    key = with_key(app, client.post(f"{ME}/tokens", json=wanted).json()["secret"])
    assert client.get(ME).json()["tokens"]

    new = {"old": PASSWORD, "new": "cinq autres mots encore moins devinables"}
    assert client.put(f"{ME}/password", json=new).status_code == 204

    assert key.get("/api/v1/sociopoles").status_code == 401
    assert client.get(ME).json()["tokens"] == []
    assert other.get("/api/v1/sociopoles").status_code == 200


def test_a_password_given_at_the_machine_takes_the_keys_away_too(
    client: TestClient, app: FastAPI, resources: Resources
) -> None:
    enter(client)
    wanted = {"name": "tableau", "scopes": ["read"]}
    key = with_key(app, client.post(f"{ME}/tokens", json=wanted).json()["secret"])

    reset_password(resources, EMAIL, "cinq autres mots encore moins devinables")

    assert key.get("/api/v1/sociopoles").status_code == 401


def test_who_leaves_everywhere_keeps_the_keys_of_programs(client: TestClient, app: FastAPI) -> None:
    enter(client)
    wanted = {"name": "tableau", "scopes": ["read"]}
    key = with_key(app, client.post(f"{ME}/tokens", json=wanted).json()["secret"])

    assert client.delete(f"{ME}/sessions").status_code == 204

    assert client.get(ME).status_code == 401
    assert key.get("/api/v1/sociopoles").status_code == 200


def test_an_expired_key_is_refused(resources: Resources, app: FastAPI) -> None:
    key = with_key(app, make_key(resources, ANIMATOR, Permission.READ))
    with write(resources.engine) as session:
        session.execute(update(ApiToken).values(expires_at=now()))

    assert key.get("/api/v1/sociopoles").status_code == 401


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer x", "Bearer sp_live_00000000x"])
def test_a_key_that_is_none_is_refused_even_beside_a_good_cookie(
    client: TestClient, resources: Resources, header: str
) -> None:
    sign_in(client, resources)

    assert client.get(ME, headers={"Authorization": header}).status_code == 401


def test_a_key_of_somebody_else_cannot_be_removed(
    client: TestClient, app: FastAPI, resources: Resources
) -> None:
    account = add_person(resources, Someone("Une autre"))
    assert account
    key = make_key(resources, Someone("Une autre"), Permission.READ)
    sign_in(client, resources)

    assert client.delete(f"{ME}/tokens/1").status_code == 404
    assert with_key(app, key).get("/api/v1/sociopoles").status_code == 200


def test_nobody_has_keys(resources: Resources) -> None:
    with pytest.raises(Forbidden):
        create_token(resources, NOBODY, name="x", scopes=[Permission.READ])
