"""The demo's people enter by its own door, from this machine only, and by no other."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update

from service.access import Permission, as_person
from service.app import create_app
from service.database import read, write
from service.resources import Resources, open_resources
from service.settings import Settings
from service.store.accounts import NewAccount
from service.store.sociopoles import add_sociopole
from service.store.territories import load_territories
from service.tables import Account, ApiToken
from service.workflows.accounts import create_account, create_token
from service.workflows.set_up import DEMO_SOCIOPOLES
from tests.builders import TERRITORIES
from tests.fakes import WordEncoder
from tests.service.people import FROM_HERE

SOMEONE = "admin@demo.invalid"
SESSION, ME = "/api/v1/session", "/api/v1/me"
ADA, PASSWORD = "ada@exemple.fr", "quatre mots pas devinables"


@pytest.fixture
def resources(tmp_path: Path) -> Iterator[Resources]:
    resources = open_resources(Settings(data=tmp_path), WordEncoder())
    with write(resources.engine) as session:
        load_territories(session, TERRITORIES)
    add_sociopole_named(resources, DEMO_SOCIOPOLES[0][0])
    new = NewAccount(SOMEONE, "L'administration", is_admin=True, is_demo=True)
    create_account(resources, new, by=None, roles=[])
    yield resources
    resources.engine.dispose()


@pytest.fixture
def client(resources: Resources) -> TestClient:
    return TestClient(
        create_app(resources),
        base_url="http://127.0.0.1:8000",
        client=("127.0.0.1", 50000),
        headers=FROM_HERE,
        follow_redirects=False,
    )


def add_sociopole_named(resources: Resources, slug: str) -> None:
    with write(resources.engine) as session:
        add_sociopole(session, slug=slug, name=slug, territory_id="ept:200057867")


def become_of_the_demo(resources: Resources) -> None:
    """Whoever has an account is of the demo from now on."""
    with write(resources.engine) as session:
        session.execute(update(Account).values(is_demo=True))


def enter(client: TestClient, **headers: str) -> int:
    form = {"email": SOMEONE}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    status: int = client.post("/connexion/demo", data=form, headers=sent).status_code
    return status


def test_who_sits_at_the_machine_enters(client: TestClient) -> None:
    assert SOMEONE in client.get("/connexion").text
    assert enter(client) == 303
    assert client.get(ME).status_code == 200


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X_Real_IP", "Forwarded", "Via"])
def test_who_comes_through_a_proxy_of_the_machine_does_not(client: TestClient, name: str) -> None:
    headers = {name.replace("_", "-"): "203.0.113.9"}

    assert SOMEONE not in client.get("/connexion", headers=headers).text
    assert enter(client, **{name: "203.0.113.9"}) == 422


def test_nobody_of_the_demo_gives_themself_a_password_or_a_key(
    client: TestClient, resources: Resources
) -> None:
    enter(client)

    password = client.put(f"{ME}/password", json={"old": "", "new": PASSWORD})
    key = client.post(f"{ME}/tokens", json={"name": "tableau", "scopes": ["read"]})

    for answer in (password, key):
        assert answer.status_code == 422
        assert "démonstration" in answer.json()["detail"]
    with read(resources.engine) as session:
        assert list(session.execute(select(Account.password_hash)).scalars()) == [""]
        assert session.execute(select(func.count()).select_from(ApiToken)).scalar_one() == 0


def test_nobody_of_the_demo_enters_by_a_password(client: TestClient, resources: Resources) -> None:
    who = {"email": ADA, "password": PASSWORD}
    create_account(resources, NewAccount(who["email"], "Ada"), by=None, password=PASSWORD)
    before = client.post(SESSION, json=who).status_code
    become_of_the_demo(resources)

    assert (before, client.post(SESSION, json=who).status_code) == (204, 401)


def test_nobody_of_the_demo_enters_by_a_code(
    client: TestClient, resources: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    create_account(resources, NewAccount(ADA, "Ada"), by=None)
    client.post(f"{SESSION}/codes", json={"email": ADA})
    [code] = re.findall(r"objet : (\d+) :", caplog.text)
    become_of_the_demo(resources)

    late = client.post(f"{SESSION}/code", json={"code": code})
    asked = client.post(f"{SESSION}/codes", json={"email": SOMEONE})

    assert (late.status_code, asked.status_code) == (401, 202)
    assert re.findall(r"objet : (\d+) :", caplog.text) == [code]


def test_nobody_of_the_demo_enters_by_a_key(client: TestClient, resources: Resources) -> None:
    ada = create_account(resources, NewAccount(ADA, "Ada", is_admin=True), by=None)
    _, secret = create_token(resources, as_person(ada), name="clé", scopes=[Permission.READ])
    bearer = {"Authorization": f"Bearer {secret}"}
    before = client.get("/api/v1/sociopoles", headers=bearer).status_code
    become_of_the_demo(resources)

    assert (before, client.get("/api/v1/sociopoles", headers=bearer).status_code) == (200, 401)


def test_who_is_inside_is_put_out_once_there_is_more_than_the_demo(
    client: TestClient, resources: Resources
) -> None:
    enter(client)
    add_sociopole_named(resources, DEMO_SOCIOPOLES[1][0])
    with_another_of_the_demo = client.get(ME).status_code
    add_sociopole_named(resources, "le-notre")

    assert (with_another_of_the_demo, client.get(ME).status_code) == (200, 401)
    assert enter(client) == 422
    assert SOMEONE not in client.get("/connexion").text


@pytest.mark.parametrize("host", ["localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_the_machine_has_several_names(client: TestClient, host: str) -> None:
    assert enter(client, Host=host) == 303


@pytest.mark.parametrize("host", ["pirate.example:8000", "pirate.example", "127.0.0.1.pirate.fr"])
def test_a_page_of_elsewhere_whose_name_leads_here_does_not(client: TestClient, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}

    assert SOMEONE not in client.get("/connexion", headers=headers).text
    assert enter(client, **headers) == 422


def test_nobody_is_let_in_for_good_by_the_demo(client: TestClient) -> None:
    enter(client)
    new = {"email": "voleur@exemple.fr", "name": "Un voleur", "is_admin": True}
    [own] = client.get("/api/v1/accounts").json()["accounts"]

    answers = [
        client.post("/api/v1/accounts", json=new),
        client.patch(f"/api/v1/accounts/{own['id']}", json={"name": "Autre nom"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert client.get("/api/v1/accounts").json()["accounts"] == [own]
