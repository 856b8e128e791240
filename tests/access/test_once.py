"""Idempotency-Key: whatever is sent again under the same key is done once, and answered again."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from service.access import Permission, Role
from service.app import create_app
from service.database import read
from service.resources import Resources
from service.tables import Once, Run, StatementRow
from service.workflows.accounts import AccountChange, RoleWanted, change_account
from tests.builders import SLUG, import_texts
from tests.service.people import ADMIN, ANIMATOR, Someone, add_person, client_of, make_key, sign_in

STATEMENTS = f"/api/v1/sociopoles/{SLUG}/statements"
RUNS = f"/api/v1/sociopoles/{SLUG}/runs"
NEW = {"kind": "problem", "organisation": "Asso", "text": "un garage à vélos"}


@pytest.fixture
def client(resources: Resources) -> Iterator[TestClient]:
    import_texts(resources, "vélo piste", "jardin compost")
    with TestClient(create_app(resources)) as client:
        yield sign_in(client, resources)


def count(resources: Resources, table: type[Run] | type[Once] | type[StatementRow]) -> int:
    with read(resources.engine) as session:
        return int(session.execute(select(func.count()).select_from(table)).scalar_one())


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


def test_the_same_request_again_is_answered_again_and_not_done_again(
    client: TestClient, resources: Resources
) -> None:
    first = client.post(RUNS, json={}, headers=key("a"))
    again = client.post(RUNS, json={}, headers=key("a"))

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert count(resources, Run) == 1


def test_another_key_or_none_does_it_again(client: TestClient, resources: Resources) -> None:
    for headers in (key("a"), key("b"), {}):
        assert client.post(RUNS, json={}, headers=headers).status_code == 201

    assert count(resources, Run) == 3


def test_one_key_for_two_requests_is_refused(client: TestClient, resources: Resources) -> None:
    client.post(RUNS, json={}, headers=key("a"))

    other = client.post(RUNS, json={"proposals": 1}, headers=key("a"))
    elsewhere = client.post(STATEMENTS, json=NEW, headers=key("a"))

    assert (other.status_code, elsewhere.status_code) == (422, 422)
    assert count(resources, Run) == 1


def test_two_people_may_choose_the_same_key(client: TestClient, resources: Resources) -> None:
    other = client_of(create_app(resources), resources, Someone("Une autre"))

    for who in (client, other):
        assert who.post(RUNS, json={}, headers=key("a")).status_code == 201

    assert count(resources, Run) == 2


def test_what_was_refused_may_be_sent_again_under_its_key(
    client: TestClient, resources: Resources
) -> None:
    bad = client.post(STATEMENTS, json=NEW | {"territory": "atlantide"}, headers=key("a"))
    good = client.post(STATEMENTS, json=NEW, headers=key("a"))

    assert (bad.status_code, good.status_code) == (422, 201)
    assert count(resources, Once) == 1


def send(client: TestClient, content: str, *, boundary: str, quoted: str = "") -> httpx2.Response:
    """A file of needs as a browser sends it, cut by this word."""
    parts = [
        ("Content-Disposition: form-data; name=kind", "problem"),
        ('Content-Disposition: form-data; name="file"; filename="besoins.csv"', content),
    ]
    cut = "".join(f"--{boundary}\r\n{head}\r\n\r\n{body}\r\n" for head, body in parts)
    said = {
        "Content-Type": f"multipart/form-data; boundary={quoted}{boundary}{quoted}; charset=utf-8"
    }
    where = f"/api/v1/sociopoles/{SLUG}/imports"
    return client.post(where, content=f"{cut}--{boundary}--\r\n".encode(), headers=key("a") | said)


def test_a_file_sent_again_is_known_though_each_sending_cuts_it_otherwise(
    client: TestClient, resources: Resources
) -> None:
    sheet = "id;text\n71;une cantine\n72;un atelier\n"
    first = send(client, sheet, boundary="f00dbeef")
    again = send(client, sheet, boundary="WebKitFormBoundary7MA4", quoted='"')
    other = send(client, sheet.replace("atelier", "verger"), boundary="f00dbeef")

    assert (first.status_code, first.json()["created"]) == (200, 2)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]
    assert count(resources, StatementRow) == 4
    assert count(resources, Once) == 1


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_key_without_measure_is_refused(client: TestClient, name: str) -> None:
    assert client.post(RUNS, json={}, headers=key(name)).status_code == 422


@pytest.mark.fault("F13")
def test_twenty_at_once_are_done_once(client: TestClient, resources: Resources) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: client.post(STATEMENTS, json=NEW, headers=key("z")), range(20))
        )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert count(resources, StatementRow) == 3
    assert count(resources, Once) == 1


def test_a_secret_is_not_kept_for_whoever_asks_again(
    resources: Resources,
) -> None:
    client = client_of(create_app(resources), resources, ADMIN)
    wanted = {"name": "clé", "scopes": ["read"]}

    first = client.post("/api/v1/me/tokens", json=wanted, headers=key("a")).json()
    again = client.post("/api/v1/me/tokens", json=wanted, headers=key("a")).json()

    assert first["secret"]
    assert again == first | {"secret": None}
    with read(resources.engine) as session:
        kept = json.loads(session.execute(select(Once.body)).scalar_one())
    assert kept["secret"] is None


def test_who_has_left_is_not_answered_again(client: TestClient) -> None:
    client.post(RUNS, json={}, headers=key("a"))
    client.delete("/api/v1/session")

    assert client.post(RUNS, json={}, headers=key("a")).status_code in {401, 403}


def by_key(resources: Resources, *scopes: Permission) -> TestClient:
    bearer = {"Authorization": f"Bearer {make_key(resources, ANIMATOR, *scopes)}"}
    return TestClient(create_app(resources), headers=bearer)


def test_a_key_that_may_not_ask_is_not_answered_again(
    client: TestClient, resources: Resources
) -> None:
    client.post(RUNS, json={}, headers=key("a"))

    answer = by_key(resources, Permission.READ).post(RUNS, json={}, headers=key("a"))

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("roles", "status"), [([], 404), ([RoleWanted(SLUG, Role.READER)], 403)], ids=["none", "less"]
)
def test_who_lost_the_role_is_not_answered_again(
    client: TestClient, resources: Resources, roles: list[RoleWanted], status: int
) -> None:
    client.post(RUNS, json={}, headers=key("a"))
    account = add_person(resources)
    change_account(resources, account, AccountChange(roles=roles), by=None)
    sign_in(client, resources)

    assert client.post(RUNS, json={}, headers=key("a")).status_code == status


def test_who_may_ask_but_reads_less_than_then_is_not_answered_again(
    client: TestClient, resources: Resources
) -> None:
    """A key without the contacts must not be answered what held them."""
    client.post(RUNS, json={}, headers=key("a"))
    reviewing = by_key(resources, Permission.READ, Permission.REVIEW)

    answers = [reviewing.post(RUNS, json={}, headers=key(name)) for name in ("a", "b", "b")]

    assert [answer.status_code for answer in answers] == [422, 201, 201]
    assert answers[2].content == answers[1].content
    assert count(resources, Run) == 2


def test_two_requests_at_once_under_one_key_are_not_answered_alike(
    client: TestClient,
) -> None:
    texts = [NEW | {"text": f"un garage à vélos {number}"} for number in range(8)]
    with ThreadPoolExecutor(len(texts)) as pool:
        answers = list(
            pool.map(lambda new: client.post(STATEMENTS, json=new, headers=key("z")), texts)
        )

    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 7
