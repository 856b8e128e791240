"""A code by e-mail opens the door once, to the browser that asked for it."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from service.attempts import MAILS, MAILS_TO_ONE, MAILS_TO_ONE_A_DAY, PER_ACCOUNT, PER_NETWORK
from service.database import now, write
from service.resources import Resources
from service.tables import SignInCode
from service.workflows.sign_in import CODE_TRIES
from tests.access.entering.ada import EMAIL, ME, SESSION
from tests.service.people import FROM_HERE


def code_in(caplog: pytest.LogCaptureFixture) -> str:
    """The code of the last mail, which without a mail server goes to the log."""
    found = re.findall(r"objet : (\d+) :", caplog.text)
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
    wrong = f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"

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


def test_many_networks_together_hardly_guess_a_code_in_a_day(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """However many they are, the codes mailed to one account are all that they can try."""
    caplog.set_level("INFO")
    ask_for_code(client)

    tries_in_a_day = MAILS_TO_ONE_A_DAY.amount * CODE_TRIES

    assert len(code_in(caplog)) == 6
    assert tries_in_a_day * 2_000 <= 10 ** len(code_in(caplog))


def test_codes_tried_at_once_are_no_more_than_those_tried_in_turn(client: TestClient) -> None:
    with ThreadPoolExecutor(3 * PER_ACCOUNT.amount) as pool:
        statuses = list(pool.map(lambda _: type_code(client, "0"), range(3 * PER_ACCOUNT.amount)))

    assert statuses.count(401) == PER_ACCOUNT.amount


def test_nobody_is_flooded_with_codes(client: TestClient) -> None:
    statuses = [ask_for_code(client)[0] for _ in range(6)]

    assert statuses == [202] * 5 + [429]


def test_whoever_asks_without_end_does_not_keep_the_person_from_a_code(
    app: FastAPI, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    foe = from_network(app, 1)
    assert {ask_for_code(foe)[0] for _ in range(3 * PER_NETWORK.amount)} == {202, 429}

    assert ask_for_code(client)[0] == 202
    assert type_code(client, code_in(caplog)) == 204


def test_nobody_is_flooded_with_codes_by_many_networks(app: FastAPI) -> None:
    foes = [from_network(app, number) for number in range(7)]

    statuses = [ask_for_code(foe)[0] for foe in foes for _ in range(MAILS.amount)]

    assert statuses.count(202) == MAILS_TO_ONE.amount


def from_network(app: FastAPI, number: int) -> TestClient:
    return TestClient(app, headers=FROM_HERE, client=(f"198.51.{number}.7", 5))
