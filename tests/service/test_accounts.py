"""Accounts: who may enter is never left to nobody, and what is said of it is kept."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from service.access import Role
from service.database import now, read, write
from service.errors import Conflict, NotFound, Refused
from service.resources import Resources
from service.store.accounts import NewAccount, add_account, count_admins
from service.workflows import accounts
from service.workflows.accounts import AccountChange, RoleWanted
from service.workflows.demo_people import DOMAIN, NAMES, add_demo_people, enter_demo
from service.workflows.demo_people import list_demo_people as people
from service.workflows.set_up import create_sociopole
from tests.builders import SLUG, import_texts
from tests.service.people import ADMIN, add_person


def create(resources: Resources, email: str = "zoe@exemple.fr", **options: object) -> int:
    new = NewAccount(email, "Zoé", is_admin=bool(options.pop("is_admin", False)))
    return accounts.create_account(resources, new, by=None, **options).id  # type: ignore[arg-type]


LONG = ("\ufdfa" * 100 + "@exemple.fr", "\u0958" * 250 + "@exemple.fr", "z" * 320 + "@exemple.fr")
"""The first two are long once written out."""


@pytest.mark.parametrize(
    "email", ["", "zoe", "zoe@", "@exemple.fr", "z oe@exemple.fr", "a@b", *LONG]
)
def test_what_is_no_address_is_refused(resources: Resources, email: str) -> None:
    with pytest.raises(Refused, match="adresse"):
        create(resources, email)


def test_one_address_is_one_account_however_it_is_written(resources: Resources) -> None:
    create(resources)

    with pytest.raises(Refused, match="déjà un compte"):
        create(resources, " ZOE@Exemple.FR ")


def test_one_address_added_twice_at_once_is_refused_the_second_time(resources: Resources) -> None:
    with ThreadPoolExecutor(1) as pool:
        with write(resources.engine) as session:
            add_account(session, NewAccount("zoe@exemple.fr", "Zoé"), now())
            second = pool.submit(create, resources)
            while not (second.running() and is_waiting(resources)):
                time.sleep(0.01)
        with pytest.raises(Refused, match="déjà un compte"):
            second.result()


def is_waiting(resources: Resources) -> bool:
    """Whether somebody waits for a row of another's; on SQLite all wait for whoever writes."""
    if resources.engine.dialect.name == "sqlite":
        return True
    with resources.engine.connect() as connection:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(connection.exec_driver_sql(waiting).scalar_one())


def test_the_last_administrator_stays(resources: Resources) -> None:
    first = create(resources, "a@exemple.fr", is_admin=True)
    for change in (AccountChange(is_admin=False), AccountChange(is_active=False)):
        with pytest.raises(Refused, match="dernier"):
            accounts.change_account(resources, first, change, by=None)

    create(resources, "b@exemple.fr", is_admin=True)

    assert not accounts.change_account(
        resources, first, AccountChange(is_admin=False), by=None
    ).is_admin


def test_the_last_administrators_cannot_take_each_others_right_away(resources: Resources) -> None:
    """Held up before they commit, each would see the other as an administrator still."""
    two = [create(resources, f"{name}@exemple.fr", is_admin=True) for name in "ab"]

    def demote(number: int) -> bool:
        try:
            accounts.change_account(resources, number, AccountChange(is_admin=False), by=None)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        with held_up(resources, count=2):
            done = [pool.submit(demote, number) for number in two]
        assert sorted(one.result() for one in done) == [False, True]

    with read(resources.engine) as session:
        assert count_admins(session) == 1


@contextmanager
def held_up(resources: Resources, count: int) -> Iterator[None]:
    """Nobody commits a change of an account until this many wait; SQLite has one writer anyway."""
    if resources.engine.dialect.name == "sqlite":
        yield
        return
    waiting = text(
        "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.datname = current_database() "
        "JOIN pg_stat_activity a USING (pid) WHERE NOT granted AND a.datid = d.oid"
    )
    with resources.engine.connect() as holder:
        # What is noted of a change is written last.
        holder.execute(text("LOCK TABLE audit IN EXCLUSIVE MODE"))
        yield
        while holder.execute(waiting).scalar_one() < count:
            time.sleep(0.01)


def test_two_editors_of_one_account_notice_each_other(resources: Resources) -> None:
    number = create(resources)
    accounts.change_account(resources, number, AccountChange(name="A"), by=None, version=1)

    with pytest.raises(Conflict):
        accounts.change_account(resources, number, AccountChange(name="B"), by=None, version=1)


def test_a_role_is_given_once_in_a_sociopole_that_exists(resources: Resources) -> None:
    role = RoleWanted(SLUG, Role.READER)
    with pytest.raises(Refused, match="Un seul rôle"):
        create(resources, roles=[role, role])
    with pytest.raises(NotFound):
        create(resources, roles=[RoleWanted("atlantide", Role.READER)])
    assert accounts.show_accounts(resources)["accounts"] == []


def test_an_association_is_somebodys(resources: Resources) -> None:
    import_texts(resources, "vélo")
    with pytest.raises(Refused, match="nommez-la"):
        create(resources, roles=[RoleWanted(SLUG, Role.ASSOCIATION)])
    with pytest.raises(NotFound, match="Aucune structure"):
        create(resources, roles=[RoleWanted(SLUG, Role.ASSOCIATION, "Inconnue")])

    create(resources, roles=[RoleWanted(SLUG, Role.ASSOCIATION, "PROBLEM 1")])

    [account] = accounts.show_accounts(resources)["accounts"]
    assert account["roles"][0]["organisation"] is not None


def test_what_was_done_to_accounts_is_kept_and_comes_in_pages(resources: Resources) -> None:
    admin = add_person(resources, ADMIN)
    number = create(resources)
    accounts.change_account(resources, number, AccountChange(name="Autre"), by=admin)

    first = accounts.show_audit(resources, limit=2)
    rest = accounts.show_audit(resources, before=first["next"], limit=2)

    told = [(entry["action"], entry["by"]) for entry in first["entries"] + rest["entries"]]
    assert told == [
        ("account-changed", admin),
        ("account-created", None),
        ("account-created", None),
    ]
    assert "zoe@exemple.fr" not in str(first) + str(rest)


def test_accounts_come_in_pages(resources: Resources) -> None:
    numbers = [create(resources, f"z{i}@exemple.fr") for i in range(3)]

    first = accounts.show_accounts(resources, limit=2)
    rest = accounts.show_accounts(resources, after=first["next"], limit=2)

    listed = [account["id"] for account in first["accounts"] + rest["accounts"]]
    assert (listed, rest["next"]) == (numbers, None)


def demo(resources: Resources) -> None:
    create_sociopole(
        resources, slug="metropole-de-lyon", name="Lyon", territory="metropole:200046977"
    )
    import_texts(resources, "vélo")
    add_demo_people(resources)


def test_the_demo_has_someone_for_every_role(resources: Resources) -> None:
    demo(resources)
    add_demo_people(resources)

    assert {person["email"] for person in people(resources)} == {f"{k}@{DOMAIN}" for k in NAMES}
    assert enter_demo(resources, f"admin@{DOMAIN}", "127.0.0.0")


def test_beside_anything_real_nobody_enters_without_a_password(resources: Resources) -> None:
    demo(resources)
    create_sociopole(resources, slug="vrai", name="Vrai", territory="departement:54")

    assert people(resources) == []
    with pytest.raises(Refused, match="démonstration"):
        enter_demo(resources, f"admin@{DOMAIN}", "127.0.0.0")


def test_nobody_real_is_entered_as_in_the_demo(resources: Resources) -> None:
    demo(resources)
    create(resources)

    with pytest.raises(Refused):
        enter_demo(resources, "zoe@exemple.fr", "127.0.0.0")


def test_an_administrator_of_the_demo_does_not_count(resources: Resources) -> None:
    demo(resources)
    real = create(resources, is_admin=True)

    with pytest.raises(Refused, match="dernier"):
        accounts.change_account(resources, real, AccountChange(is_admin=False), by=None)
