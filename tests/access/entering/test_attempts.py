"""Tries are counted by network, before they are made, and given back where they succeed."""

import importlib.util
import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from fastapi import Request
from limits import parse
from limits.storage import storage_from_string

from service.attempts import (
    MAILS,
    MAILS_A_DAY,
    MAILS_TO_ONE,
    MAILS_TO_ONE_A_DAY,
    PER_ACCOUNT,
    PER_NETWORK,
    Attempts,
)
from service.errors import NotSignedIn, TooMany
from service.visits import network_of

HERE, THERE = "192.0.2.0", "198.51.100.0"


@pytest.fixture
def attempts() -> Attempts:
    return Attempts("memory://")


def fail(attempts: Attempts, account: str) -> None:
    with attempts.trying(HERE, account):
        raise NotSignedIn


def test_what_succeeds_is_not_counted(attempts: Attempts) -> None:
    for _ in range(2 * PER_NETWORK.amount):
        with attempts.trying(HERE, "ada"):
            pass


def test_several_processes_count_together_in_redis() -> None:
    one, other = Attempts(redis_url()), Attempts(redis_url())
    # Nobody of another test: what is counted stays for a quarter of an hour.
    network, account = uuid4().hex, uuid4().hex
    for number in range(PER_ACCOUNT.amount):
        with pytest.raises(NotSignedIn), (one, other)[number % 2].trying(network, account):
            raise NotSignedIn
        with one.trying(network, uuid4().hex):
            pass

    for attempts in (one, other, Attempts(redis_url())):
        with pytest.raises(TooMany) as refusal, attempts.trying(network, account):
            pass
        assert 0 < refusal.value.retry_after <= 15 * 60


def redis_url() -> str:
    """A Redis to count in; the test is left out where there is none, and says so."""
    url = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")
    if importlib.util.find_spec("redis") is None:
        pytest.skip("the client of Redis is not installed: counting together was not tried")
    if not storage_from_string(url).check():
        pytest.skip(f"no Redis answers at {url}: counting together was not tried")
    return url


def test_one_network_fails_so_often_whatever_the_accounts(attempts: Attempts) -> None:
    for number in range(PER_NETWORK.amount):
        with pytest.raises(NotSignedIn):
            fail(attempts, f"compte {number}")

    with pytest.raises(TooMany), attempts.trying(HERE, "ada"):
        pass
    with attempts.trying(THERE, "ada"):
        pass


def test_what_is_refused_for_one_account_does_not_count_for_the_network(
    attempts: Attempts,
) -> None:
    for _ in range(PER_ACCOUNT.amount):
        with pytest.raises(NotSignedIn):
            fail(attempts, "ada")
    for _ in range(PER_NETWORK.amount):
        with pytest.raises(TooMany), attempts.trying(HERE, "ada"):
            pass

    with attempts.trying(HERE, "zoé"):
        pass


def test_as_many_as_come_at_once_are_let_through_as_in_turn(attempts: Attempts) -> None:
    together = Barrier(6 * PER_ACCOUNT.amount)

    def fail_together() -> bool:
        together.wait()
        try:
            fail(attempts, "ada")
        except TooMany:
            return False
        except NotSignedIn:
            return True
        raise AssertionError

    with ThreadPoolExecutor(together.parties) as pool:
        tried = [pool.submit(fail_together) for _ in range(together.parties)]

    assert sum(one.result() for one in tried) == PER_ACCOUNT.amount


def test_the_codes_that_one_network_is_refused_are_not_counted(attempts: Attempts) -> None:
    for _ in range(MAILS.amount):
        attempts.count_mail(HERE, "ada")
    for _ in range(MAILS_TO_ONE.amount + PER_NETWORK.amount):
        with pytest.raises(TooMany):
            attempts.count_mail(HERE, "ada")

    attempts.count_mail(THERE, "ada")
    attempts.count_mail(HERE, "zoé")


def test_no_network_alone_keeps_a_person_from_codes_for_a_day(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for item in ("MAILS", "MAILS_TO_ONE", "PER_NETWORK"):
        monkeypatch.setattr(f"service.attempts.{item}", parse("1000 per 15 minutes"))
    for _ in range(MAILS_A_DAY.amount):
        attempts.count_mail(HERE, "ada")
    with pytest.raises(TooMany, match=r"recommencez dans (23|24) h \d\d min") as refused:
        attempts.count_mail(HERE, "ada")

    attempts.count_mail(THERE, "ada")

    assert 23 * 3_600 < refused.value.retry_after <= 24 * 3_600
    assert MAILS_A_DAY.amount < MAILS_TO_ONE_A_DAY.amount


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.5", "203.0.113.0"),
        ("::ffff:203.0.113.5", "203.0.113.0"),
        ("::ffff:cb00:7105", "203.0.113.0"),
        ("::ffff:198.51.100.7", "198.51.100.0"),
        ("2001:db8::1", "2001:db8::"),
        ("2001:db8:0:1::1", "2001:db8::"),
        ("2001:0DB8:0:ffff:1:2:3:4", "2001:db8::"),
        ("2001:db8:1::1", "2001:db8:1::"),
        ("::1", "::"),
        ("fe80::1%eth0", "fe80::"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_address_is_of_one_network_however_it_is_written(address: str, network: str) -> None:
    assert network_of(Request({"type": "http", "client": (address, 5)})) == network
