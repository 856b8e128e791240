"""Accounts: handed over without their secrets, emptied when asked, gone when nobody comes."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select, update

from service.app import create_app
from service.database import now, read, write
from service.errors import NotSignedIn, Refused
from service.resources import Resources
from service.rgpd.durations import DURATIONS
from service.store.accounts import find_account, get_account
from service.store.audit import list_audit
from service.tables import Account, ApiToken, Audit, Identity, Once, SavedQuery, SignIn, SignInCode
from service.workflows.erase import erase
from service.workflows.held_on import held_on
from service.workflows.identify import Asking
from service.workflows.purge import purge
from service.workflows.rights import rectify
from service.workflows.sign_in import ask_code, sign_in_with_password
from tests.service.mail_servers import Mailbox, mail_server, with_smtp
from tests.service.people import ADMIN, Someone, add_person, client_of
from tests.service.rgpd.accounts import OPENER, enter

AWA, MAIL = "Awa Diallo", "awa@exemple.example"


@pytest.fixture
def mailing(resources: Resources) -> Iterator[tuple[Resources, Mailbox]]:
    """The service with a mail server, and what that server took."""
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        yield with_smtp(resources, f"smtp://127.0.0.1:{port}"), mailbox


def number_of(resources: Resources, table: Any) -> int:
    with read(resources.engine) as session:
        return int(session.execute(select(func.count()).select_from(table)).scalar_one())


def used(resources: Resources, account: int, at: dt.datetime) -> None:
    """As if the account was last used then."""
    with write(resources.engine) as session:
        found = update(Account).where(Account.id == account)
        session.execute(found.values(seen_at=at, created_at=at))


def ago(duration: str, days: int = 0) -> dt.datetime:
    return now() - dt.timedelta(days=DURATIONS[duration].days + days)


def name_of(resources: Resources, account: int) -> str:
    with read(resources.engine) as session:
        return get_account(session, account).name


def test_what_is_held_shows_the_account_and_none_of_its_secrets(resources: Resources) -> None:
    enter(resources, AWA, MAIL)
    ask_code(resources, email=MAIL, network="192.0.2.0")

    held = held_on(resources, email=MAIL)

    tables = {part["table"]: part["rows"] for part in held["held"]}
    assert set(tables) >= {
        "account", "membership", "identity", "sign_in", "sign_in_code", "api_token", "audit",
        "saved_query",
    }  # fmt: skip
    assert tables["account"][0]["name"] == AWA
    assert "hash" not in str(tables)
    assert "argon2" not in str(tables)


def test_an_account_is_emptied_and_its_number_stays_in_the_audit_trail(
    resources: Resources,
) -> None:
    account = enter(resources, AWA, MAIL)

    erasure = erase(resources, Asking(email=MAIL), mask_texts=True)

    assert erasure.is_whole
    for table in (SignIn, SignInCode, ApiToken, Identity, SavedQuery):
        assert number_of(resources, table) == 0, table
    with read(resources.engine) as session:
        assert find_account(session, MAIL) is None
        emptied = get_account(session, account)
        trail = list_audit(session)
    assert (emptied.name, emptied.is_active) == ("personne effacée", False)
    assert {entry.by for entry in trail} >= {account}
    assert trail[0].action == "rights-erase"
    with pytest.raises(NotSignedIn):
        sign_in_with_password(resources, email=MAIL, password=OPENER, network="192.0.2.1")


def test_an_answer_kept_for_a_repeated_request_keeps_its_key(resources: Resources) -> None:
    enter(resources, AWA, MAIL)

    erase(resources, Asking(email=MAIL), mask_texts=True)

    with read(resources.engine) as session:
        (kept,) = session.execute(select(Once)).scalars()
        assert (kept.status, b"Diallo" in kept.body) == (201, False)


def test_an_answer_kept_without_its_secret_forgets_a_name_with_accents(
    resources: Resources,
) -> None:
    name = "Zoé Lefèvre"
    someone = Someone(name, None, is_admin=True)
    client = client_of(create_app(resources), resources, someone)
    wanted = {"name": f"carnet de {name}", "scopes": ["read"]}
    made = client.post("/api/v1/me/tokens", json=wanted, headers={"Idempotency-Key": "k"})
    add_person(resources, ADMIN)

    before = kept_answer(resources)
    erase(resources, Asking(email=someone.email, name=name), mask_texts=True)

    after = kept_answer(resources)
    assert json.loads(before)["name"] == wanted["name"]
    assert "Lef" not in after
    assert json.loads(after)["id"] == made.json()["id"]


def kept_answer(resources: Resources) -> str:
    with read(resources.engine) as session:
        return session.execute(select(Once.body)).scalar_one().decode()


def test_the_last_administrator_is_not_erased(resources: Resources) -> None:
    add_person(resources, ADMIN)

    with pytest.raises(Refused, match="dernier compte"):
        erase(resources, Asking(email=ADMIN.email))

    add_person(resources, Someone("Une autre", None, is_admin=True))
    assert erase(resources, Asking(email=ADMIN.email), mask_texts=True).is_whole


def test_an_account_is_rectified_and_enters_by_its_new_address(resources: Resources) -> None:
    enter(resources, AWA, MAIL)

    rectify(resources, Asking(email=MAIL), name="Awa Sow", email="sow@exemple.example")

    assert sign_in_with_password(
        resources, email="sow@exemple.example", password=OPENER, network="192.0.2.1"
    )
    with pytest.raises(Refused, match="autre compte"):
        rectify(resources, Asking(email="sow@exemple.example"), email=ADMIN.email)


def test_an_account_unused_for_two_years_goes_once_its_owner_was_told(
    mailing: tuple[Resources, Mailbox],
) -> None:
    resources, mailbox = mailing
    account = enter(resources, AWA, MAIL)
    used(resources, account, ago("account", 40))

    assert purge(resources)["warned"] == 1
    assert name_of(resources, account) == AWA
    assert purge(resources)["warned"] == 0
    assert [[to.lower() for to in tos] for tos in mailbox.recipients] == [[MAIL]]

    purge(resources, at=now() + dt.timedelta(days=DURATIONS["account_notice"].days + 1))

    assert name_of(resources, account) == "personne effacée"


def test_nobody_is_told_nor_goes_without_a_mail_server(resources: Resources) -> None:
    account = enter(resources, AWA, MAIL)
    used(resources, account, ago("account", 40))

    assert purge(resources)["warned"] == 0
    purge(resources, at=now() + dt.timedelta(days=DURATIONS["account_notice"].days + 1))

    assert name_of(resources, account) == AWA


def test_who_comes_back_after_the_warning_stays(mailing: tuple[Resources, Mailbox]) -> None:
    resources, mailbox = mailing
    account = enter(resources, AWA, MAIL)
    used(resources, account, ago("account_warning", 1))
    purge(resources)
    assert len(mailbox.messages) == 1

    sign_in_with_password(resources, email=MAIL, password=OPENER, network="192.0.2.1")
    purge(resources, at=now() + dt.timedelta(days=DURATIONS["account_notice"].days + 1))

    assert name_of(resources, account) == AWA


def test_nobody_goes_whose_warning_did_not_leave(resources: Resources) -> None:
    account = enter(resources, AWA, MAIL)
    used(resources, account, ago("account", 400))
    silent = with_smtp(resources, "smtp://127.0.0.1:9")

    assert purge(silent)["warned"] == 0
    purge(silent, at=now() + dt.timedelta(days=100))

    assert name_of(resources, account) == AWA


def test_the_last_administrator_stays_however_long_away(resources: Resources) -> None:
    admin = add_person(resources, ADMIN)
    used(resources, admin, ago("account", 400))

    purge(resources)
    purge(resources, at=now() + dt.timedelta(days=100))

    assert name_of(resources, admin) == ADMIN.name


def test_sessions_codes_and_kept_answers_go_in_their_time(resources: Resources) -> None:
    enter(resources, AWA, MAIL)
    ask_code(resources, email=MAIL, network="192.0.2.0")

    purge(resources)
    assert (number_of(resources, SignIn), number_of(resources, Once)) == (1, 1)

    purge(resources, at=now() + dt.timedelta(days=31))

    for table in (SignIn, SignInCode, Once):
        assert number_of(resources, table) == 0, table
    assert number_of(resources, ApiToken) == 1


def test_the_audit_trail_goes_after_three_years(resources: Resources) -> None:
    enter(resources, AWA, MAIL)
    erase(resources, Asking(email=MAIL), mask_texts=True)

    purge(resources, at=now() + dt.timedelta(days=DURATIONS["audit"].days + 1))

    # The emptied account went with what spoke of it; the administrator was never told to leave.
    assert number_of(resources, Audit) == 0
    assert number_of(resources, Account) == 1
