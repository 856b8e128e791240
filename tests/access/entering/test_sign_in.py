"""Entering and leaving: nobody learns who has an account, and a door that is shut stays shut."""

import datetime as dt
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from service.attempts import PER_ACCOUNT
from service.database import now, read, write
from service.resources import Resources
from service.tables import SignIn
from service.visits import COOKIE, SECURE_COOKIE
from service.workflows.accounts import (
    AccountChange,
    change_account,
)
from service.workflows.sign_in import IDLE, LONGEST
from tests.access.entering.ada import EMAIL, ME, PASSWORD, SESSION, enter
from tests.service.people import ANIMATOR, FROM_HERE, add_person, sign_in


def test_a_password_opens_a_session_and_leaving_closes_it(client: TestClient, ada: int) -> None:
    assert client.get(ME).status_code == 401
    assert enter(client) == 204
    assert client.get(ME).json()["account"]["id"] == ada
    old = client.cookies[COOKIE]

    assert client.delete(SESSION).status_code == 204

    client.cookies.set(COOKIE, old)
    assert client.get(ME).status_code == 401


def test_the_address_may_be_written_otherwise(client: TestClient) -> None:
    assert enter(client, f"  {EMAIL.upper()} ") == 204


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "un autre mot de passe"),
        (EMAIL, ""),
        (EMAIL, PASSWORD[:-1]),
        ("personne@exemple.fr", PASSWORD),
        ("' OR 1=1--", PASSWORD),
        ("\u202eada@exemple.fr", PASSWORD),
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(
    client: TestClient, email: str, password: str
) -> None:
    answer = client.post(SESSION, json={"email": email, "password": password})

    assert answer.status_code == 401
    assert answer.json()["detail"].startswith("Adresse ou mot de passe inconnus")
    assert COOKIE not in client.cookies


def test_an_account_without_a_password_is_not_entered_by_an_empty_one(
    resources: Resources, client: TestClient
) -> None:
    add_person(resources)

    assert enter(client, ANIMATOR.email, "") == 401


def test_after_ten_failures_even_the_right_password_waits(client: TestClient) -> None:
    statuses = [enter(client, EMAIL, "faux") for _ in range(PER_ACCOUNT.amount)]

    answer = client.post(SESSION, json={"email": EMAIL, "password": PASSWORD})

    assert set(statuses) == {401}
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_passwords_tried_at_once_are_no_more_than_those_tried_in_turn(client: TestClient) -> None:
    with ThreadPoolExecutor(3 * PER_ACCOUNT.amount) as pool:
        tries = [pool.submit(enter, client, EMAIL, "faux") for _ in range(3 * PER_ACCOUNT.amount)]

    assert [one.result() for one in tries].count(401) == PER_ACCOUNT.amount


def test_who_knows_the_password_is_never_made_to_wait(client: TestClient) -> None:
    assert {enter(client) for _ in range(2 * PER_ACCOUNT.amount)} == {204}


def test_failures_of_one_account_do_not_lock_another(client: TestClient) -> None:
    for _ in range(PER_ACCOUNT.amount):
        enter(client, "autre@exemple.fr")

    assert enter(client) == 204


def test_an_unknown_address_takes_as_long_as_a_known_one(client: TestClient) -> None:
    """Not a limit in seconds: the two are compared with each other, alternated."""
    enter(client, "premier@exemple.fr")
    times: dict[str, list[float]] = {EMAIL: [], "personne@exemple.fr": []}
    for _ in range(4):
        for email, spent in times.items():
            start = time.process_time()
            enter(client, email, "faux mot de passe")
            spent.append(time.process_time() - start)
    known, unknown = (statistics.median(spent) for spent in times.values())

    assert 0.5 < known / unknown < 2


def test_a_session_changes_its_secret_at_each_entrance(client: TestClient) -> None:
    enter(client)
    first = client.cookies[COOKIE]
    enter(client)

    assert client.cookies[COOKIE] != first


def test_who_enters_again_leaves_no_session_open_behind(client: TestClient) -> None:
    enter(client)
    former = client.cookies[COOKIE]
    assert enter(client, EMAIL, "faux") == 401
    assert client.get(ME).status_code == 200

    form = {"email": EMAIL, "password": PASSWORD}
    assert client.post("/connexion", data=form, follow_redirects=False).status_code == 303

    assert len(client.get(ME).json()["sessions"]) == 1
    client.cookies.clear()
    client.cookies.set(COOKIE, former)
    assert client.get(ME).status_code == 401


def test_who_enters_as_another_leaves_no_session_of_the_first_open(
    resources: Resources, client: TestClient
) -> None:
    sign_in(client, resources)
    former = client.cookies[COOKIE]
    enter(client)

    client.cookies.clear()
    client.cookies.set(COOKIE, former)
    assert client.get(ME).status_code == 401


def test_a_session_in_another_browser_stays_open(app: FastAPI) -> None:
    here, elsewhere = (TestClient(app, headers=FROM_HERE) for _ in range(2))
    enter(elsewhere)
    enter(here)
    enter(here)

    assert len(elsewhere.get(ME).json()["sessions"]) == 2


@pytest.mark.parametrize(("base", "name"), [("http", COOKIE), ("https", SECURE_COOKIE)])
def test_the_cookie_is_for_this_host_alone_and_not_for_scripts(
    app: FastAPI, base: str, name: str
) -> None:
    client = TestClient(app, base_url=f"{base}://testserver", headers=FROM_HERE)

    answer = client.post(SESSION, json={"email": EMAIL, "password": PASSWORD})

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{name}=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert ("Secure" in cookie.split("; ")) == (base == "https")
    assert "Domain" not in cookie


def test_over_https_a_cookie_under_the_plain_name_is_nobody(app: FastAPI) -> None:
    plain = TestClient(app, headers=FROM_HERE)
    enter(plain)
    secure = TestClient(app, base_url="https://testserver", headers=FROM_HERE)
    secure.cookies.set(COOKIE, plain.cookies[COOKIE])

    assert secure.get(ME).status_code == 401


def test_only_hashes_of_secrets_are_kept(resources: Resources, client: TestClient) -> None:
    enter(client)
    with read(resources.engine) as session:
        stored = session.execute(select(SignIn.secret_hash)).scalars().all()

    assert client.cookies[COOKIE] not in stored


@pytest.mark.parametrize(
    "change",
    [
        AccountChange(is_active=False),
        AccountChange(roles=[]),
        AccountChange(is_network_head=True),
    ],
)
def test_new_rights_close_the_open_sessions(
    resources: Resources, client: TestClient, ada: int, change: AccountChange
) -> None:
    enter(client)
    change_account(resources, ada, change, by=None)

    assert client.get(ME).status_code == 401


def test_a_disabled_account_enters_no_more(
    resources: Resources, client: TestClient, ada: int
) -> None:
    change_account(resources, ada, AccountChange(is_active=False), by=None)

    assert enter(client) == 401


def test_a_new_password_closes_every_other_session(app: FastAPI) -> None:
    here, elsewhere = (TestClient(app, headers=FROM_HERE) for _ in range(2))
    enter(here)
    enter(elsewhere)

    wanted = {"old": PASSWORD, "new": "cinq autres mots encore moins devinables"}
    assert here.put(f"{ME}/password", json=wanted).status_code == 204

    assert here.get(ME).status_code == 200
    assert elsewhere.get(ME).status_code == 401
    assert enter(TestClient(app, headers=FROM_HERE)) == 401


def test_the_old_password_is_asked_for(client: TestClient) -> None:
    enter(client)

    wanted = {"old": "faux", "new": "cinq autres mots encore moins devinables"}

    assert client.put(f"{ME}/password", json=wanted).status_code == 422


@pytest.mark.parametrize(
    "weak", ["court", "motdepasse123", "azertyuiop", EMAIL, "a" * 20, "x" * 201]
)
def test_a_password_that_is_guessed_easily_is_refused(client: TestClient, weak: str) -> None:
    enter(client)

    answer = client.put(f"{ME}/password", json={"old": PASSWORD, "new": weak})

    assert answer.status_code == 422


@pytest.mark.parametrize(("seen", "made"), [(IDLE, IDLE), (dt.timedelta(minutes=1), LONGEST)])
def test_a_session_ends_when_idle_and_in_any_case_after_a_month(
    resources: Resources,
    client: TestClient,
    seen: dt.timedelta,
    made: dt.timedelta,
) -> None:
    enter(client)
    with write(resources.engine) as session:
        values = {"seen_at": now() - seen, "created_at": now() - made}
        session.execute(update(SignIn).values(values))

    assert client.get(ME).status_code == 401
