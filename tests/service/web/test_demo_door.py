"""The demo's door without a password opens from this machine only."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.resources import open_resources
from service.settings import Settings
from service.store.accounts import NewAccount
from service.workflows.accounts import create_account
from tests.fakes import WordEncoder
from tests.service.people import FROM_HERE

SOMEONE = "admin@demo.invalid"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    resources = open_resources(Settings(data=tmp_path), WordEncoder())
    new = NewAccount(SOMEONE, "L'administration", is_admin=True, is_demo=True)
    create_account(resources, new, by=None, roles=[])
    yield TestClient(create_app(resources), headers=FROM_HERE, follow_redirects=False)
    resources.engine.dispose()


def enter(client: TestClient, **headers: str) -> int:
    form = {"email": SOMEONE}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    status: int = client.post("/connexion/demo", data=form, headers=sent).status_code
    return status


def test_who_sits_at_the_machine_enters(client: TestClient) -> None:
    assert SOMEONE in client.get("/connexion").text
    assert enter(client) == 303


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X_Real_IP", "Forwarded", "Via"])
def test_who_comes_through_a_proxy_of_the_machine_does_not(client: TestClient, name: str) -> None:
    headers = {name.replace("_", "-"): "203.0.113.9"}

    assert SOMEONE not in client.get("/connexion", headers=headers).text
    assert enter(client, **{name: "203.0.113.9"}) == 422
