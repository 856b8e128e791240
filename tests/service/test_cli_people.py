"""`sociopoles user …` and `sociopoles alerts`, as an operator types them."""

import json
from pathlib import Path

import pytest

from service import database
from service.settings import Settings
from service.store.accounts import find_account, issuers_of, tie_identity
from service.store.sign_ins import list_sign_ins
from service.workflows.sign_in import open_session
from tests.builders import SLUG
from tests.service.conftest import Run, read

EMAIL = "ada@exemple.fr"


def test_the_first_administrator_is_made_on_the_machine(run: Run) -> None:
    assert run("user", "create-admin", EMAIL, "--name", "Ada").exit_code == 0

    [account] = read(run("user", "list", "--json"))["accounts"]
    assert (account["email"], account["is_admin"]) == (EMAIL, True)


def test_a_role_is_a_sociopole_and_a_word(run: Run) -> None:
    run("user", "add", EMAIL, "--name", "Ada", "--role", f"{SLUG}:animator")

    [account] = read(run("user", "list", "--json"))["accounts"]
    assert account["roles"] == [{"sociopole": SLUG, "role": "animator", "organisation": None}]

    assert run("user", "roles", EMAIL).exit_code == 0
    assert read(run("user", "list", "--json"))["accounts"][0]["roles"] == []


@pytest.mark.parametrize("role", ["animator", f"{SLUG}:chef", "atlantide:reader", ":reader"])
def test_a_role_that_is_none_is_refused_in_words(run: Run, role: str) -> None:
    result = run("user", "add", EMAIL, "--name", "Ada", "--role", role)

    assert result.exit_code == 1
    assert read(run("user", "list", "--json"))["accounts"] == []


def test_a_closed_account_is_told_apart_and_opened_again(run: Run) -> None:
    run("user", "add", EMAIL, "--name", "Ada")

    assert run("user", "disable", EMAIL).exit_code == 0
    assert f"({EMAIL})" in run("user", "list").stdout
    assert run("user", "enable", EMAIL).exit_code == 0
    assert f"({EMAIL})" not in run("user", "list").stdout


def test_who_has_no_account_cannot_be_changed(run: Run) -> None:
    for command in (("disable",), ("enable",), ("roles",)):
        assert run("user", *command, "personne@exemple.fr").exit_code == 1


def test_without_accounts_the_list_says_what_to_do(run: Run) -> None:
    assert "create-admin" in run("user", "list").stdout


def test_alerts_say_what_they_found_and_sent(run: Run) -> None:
    assert json.loads(run("alerts", "--json").stdout) == {"new": 0, "mails": 0, "sent": True}
    assert "0 réponse" in run("alerts", "--dry-run").stdout


def test_an_identity_is_untied_from_the_machine(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = [{"name": "maison", "issuer": "https://idp.exemple.fr", "client_id": "s"}]
    monkeypatch.setenv("SOCIOPOLES_OIDC", json.dumps(chosen))
    run("user", "add", EMAIL, "--name", "Ada")
    engine = database.open_engine(Settings(data=data).url)
    with database.write(engine) as session:
        account = find_account(session, EMAIL)
        assert account
        tie_identity(session, account.id, chosen[0]["issuer"], "17")
        open_session(session, account.id, "")

    assert run("user", "untie", EMAIL, "maison").exit_code == 0

    with database.read(engine) as session:
        assert (issuers_of(session, account.id), list_sign_ins(session, account.id)) == (set(), [])
    engine.dispose()
    for email, provider in ((EMAIL, "maison"), (EMAIL, "autre"), ("x@exemple.fr", "maison")):
        assert run("user", "untie", email, provider).exit_code == 1
