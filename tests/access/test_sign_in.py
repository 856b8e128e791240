"""Entering and leaving: nobody learns who has an account, and a door that is shut stays shut."""

import datetime as dt
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from service.access import NOBODY, Permission, Role
from service.app import create_app
from service.attempts import PER_ACCOUNT
from service.database import now, read, write
from service.errors import Forbidden
from service.resources import Resources, open_resources
from service.settings import Settings
from service.store.accounts import NewAccount
from service.tables import ApiToken, SignIn, SignInCode
from service.visits import COOKIE, SECURE_COOKIE
from service.workflows.accounts import (
    AccountChange,
    RoleWanted,
    change_account,
    create_account,
    create_token,
)
from service.workflows.sign_in import IDLE, LONGEST
from tests.builders import SLUG
from tests.fakes import WordEncoder
from tests.service.people import ANIMATOR, FROM_HERE, Someone, add_person, make_key, sign_in

EMAIL, PASSWORD = "ada@exemple.fr", "quatre mots pas devinables"
SESSION, ME = "/api/v1/session", "/api/v1/me"


@pytest.fixture
def resources(data: Path) -> Iterator[Resources]:
    """On SQLite alone: what differs between databases is tried where the rows are."""
    resources = open_resources(Settings(data=data), WordEncoder())
    yield resources
    resources.engine.dispose()


@pytest.fixture(autouse=True)
def ada(resources: Resources) -> int:
    new = NewAccount(EMAIL, "Ada")
    roles = [RoleWanted(SLUG, Role.ANIMATOR)]
    return create_account(resources, new, by=None, roles=roles, password=PASSWORD).id


@pytest.fixture
def app(resources: Resources) -> FastAPI:
    return create_app(resources)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, headers=FROM_HERE) as client:
        yield client


def enter(client: TestClient, email: str = EMAIL, password: str = PASSWORD) -> int:
    status: int = client.post(SESSION, json={"email": email, "password": password}).status_code
    return status


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


# --- codes by e-mail -----------------------------------------------------------------------


def code_in(caplog: pytest.LogCaptureFixture) -> str:
    """The code of the last mail, which without a mail server goes to the log."""
    found = re.findall(r"objet : (\d{6}) :", caplog.text)
    return str(found[-1])


def ask_for_code(client: TestClient, email: str = EMAIL) -> tuple[int, str]:
    answer = client.post(f"{SESSION}/codes", json={"email": email})
    return answer.status_code, answer.text


def type_code(client: TestClient, code: str) -> int:
    status: int = client.post(f"{SESSION}/code", json={"code": code}).status_code
    return status


def test_a_code_opens_a_session_once_in_the_browser_that_asked(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    ask_for_code(client)
    code = code_in(caplog)
    waiting = dict(client.cookies)

    assert type_code(client, f"{code[:3]} {code[3:]}") == 204
    assert client.get(ME).status_code == 200

    client.cookies.clear()
    client.cookies.update(waiting)
    assert type_code(client, code) == 401


def test_a_code_is_of_no_use_in_another_browser(
    app: FastAPI, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    ask_for_code(client)
    thief = TestClient(app, headers=FROM_HERE)
    assert type_code(thief, code_in(caplog)) == 401

    ask_for_code(thief, "voleur@exemple.fr")

    assert type_code(thief, code_in(caplog)) == 401


def test_nobody_learns_by_a_code_whether_an_address_has_an_account(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    assert ask_for_code(client) == ask_for_code(client, "personne@exemple.fr")
    assert "personne@exemple.fr" not in caplog.text


def test_five_wrong_codes_spend_the_right_one(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    ask_for_code(client)
    code = code_in(caplog)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"

    assert {type_code(client, wrong) for _ in range(5)} == {401}
    assert type_code(client, code) == 401


def test_an_old_code_is_refused(
    resources: Resources, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    ask_for_code(client)
    with write(resources.engine) as session:
        session.execute(update(SignInCode).values(expires_at=now()))

    assert type_code(client, code_in(caplog)) == 401


def test_nobody_is_flooded_with_codes(client: TestClient) -> None:
    statuses = [ask_for_code(client)[0] for _ in range(6)]

    assert statuses == [202] * 5 + [429]


# --- keys ----------------------------------------------------------------------------------


def with_key(app: FastAPI, secret: str) -> TestClient:
    return TestClient(app, headers={"Authorization": f"Bearer {secret}"})


def test_a_key_does_what_it_was_given_and_no_more(resources: Resources, app: FastAPI) -> None:
    reading = with_key(app, make_key(resources, ANIMATOR, Permission.READ))

    assert reading.get(f"/api/v1/sociopoles/{SLUG}").status_code == 200
    assert reading.get(f"/api/v1/sociopoles/{SLUG}/contacts").status_code == 403
    assert reading.get(ME).status_code == 403


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
