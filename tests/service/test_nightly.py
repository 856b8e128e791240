"""Each night, once: alerts are looked for and mailed, and what was kept long enough goes."""

import datetime as dt
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from service.access import Role, as_person
from service.database import read
from service.jobs import work
from service.resources import Resources, open_resources
from service.settings import Settings
from service.store.accounts import get_account
from service.store.jobs import JobView, list_jobs
from service.worker import Nightly
from service.workflows.alerts import keep_query
from service.workflows.answer import Query
from service.workflows.background import WORKS, Asked, submit_nightly, submit_purge
from tests.builders import import_rows
from tests.conftest import OpenResources
from tests.fakes import WordEncoder
from tests.service.mail_servers import Mailbox, mail_server, with_smtp
from tests.service.people import Someone, add_person
from tests.service.serving import PATIENCE, serving
from tests.service.workers import in_thread, worker

TUESDAY = dt.datetime(2026, 11, 24, 2, 59, tzinfo=dt.UTC)
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)
BOTH = ["alerts", "purge"]


class Clock:
    """Says what the test says."""

    def __init__(self, at: dt.datetime = TUESDAY) -> None:
        self.at = at

    def __call__(self) -> dt.datetime:
        return self.at


def nightly(resources: Resources, clock: Clock, hour: int = 3) -> Nightly:
    return Nightly(hour, partial(submit_nightly, resources.engine), clock)


def jobs(resources: Resources) -> list[JobView]:
    with read(resources.engine) as session:
        return list_jobs(session)[::-1]


def kinds(resources: Resources) -> list[str]:
    return [job.kind for job in jobs(resources)]


def test_each_day_is_asked_for_once_from_its_hour_on(resources: Resources) -> None:
    clock = Clock()
    plan = nightly(resources, clock)
    asked = []
    for wait in (0 * DAY, MINUTE, 20 * 60 * MINUTE, 4 * 60 * MINUTE, DAY):
        clock.at += wait
        plan()
        asked.append(kinds(resources))

    # At 2:59, 3:00 and 23:00 of one day, then at 3:00 of the two after it.
    assert asked == [[], BOTH, BOTH, BOTH * 2, BOTH * 3]
    assert {job.by for job in jobs(resources)} == {"chaque nuit"}


def test_a_worker_begun_late_in_the_day_does_what_the_night_left(resources: Resources) -> None:
    nightly(resources, Clock(TUESDAY + 20 * 60 * MINUTE))()

    assert kinds(resources) == BOTH


def test_one_worker_does_not_ask_the_database_again_and_again() -> None:
    asked: list[dt.date] = []
    clock = Clock(TUESDAY + MINUTE)
    plan = Nightly(3, asked.append, clock)
    for _ in range(3):
        plan()

    assert asked == [TUESDAY.date()]


def test_hour_24_never_comes(resources: Resources) -> None:
    clock = Clock()
    plan = nightly(resources, clock, hour=24)
    for _ in range(48):
        clock.at += 30 * MINUTE
        plan()

    assert kinds(resources) == []


def test_several_workers_and_a_clock_that_goes_back_ask_for_one_night(
    resources: Resources, open_more: OpenResources
) -> None:
    clock = Clock(TUESDAY + MINUTE)
    plans = [nightly(one, clock) for one in (resources, open_more(), open_more())]
    threads = [in_thread(plan) for plan in plans]
    for thread in threads:
        thread.join()
    clock.at += DAY
    plans[0]()
    clock.at -= DAY
    plans[0]()

    assert kinds(resources) == BOTH * 2


def test_a_worker_that_stays_mails_alerts_and_purges_when_the_hour_comes(
    resources: Resources,
) -> None:
    mailbox, someone = Mailbox(), Someone("Un chercheur", Role.ACADEMIC)
    account = add_person(resources, someone)
    with read(resources.engine) as session:
        person = as_person(get_account(session, account))
    keep_query(resources.seen_by(person.scope()), person, Query("garage vélos école"), by_mail=True)
    rows = [("A", "Asso", "un garage pour les vélos de l'école")]
    import_rows(resources, ("id", "organisation", "text"), rows)
    clock = Clock()
    with mail_server(mailbox) as port:
        served = with_smtp(resources, f"smtp://127.0.0.1:{port}")
        one = worker(
            served,
            plan=nightly(served, clock),
            **{kind: known.run for kind, known in WORKS.items()},
        )
        thread = in_thread(lambda: work(one))
        try:
            clock.at += MINUTE
            wait_until(lambda: [job.state for job in jobs(resources)] == ["done", "done"])
        finally:
            one.asked_to_stop.set()
            thread.join()

    alerts, purged = jobs(resources)
    assert mailbox.recipients == [[someone.email]]
    assert alerts.result == {"new": 1, "mails": 1}
    assert purged.result is not None
    assert purged.result["dry_run"] is False


def test_who_ends_when_nothing_waits_asks_for_no_night(resources: Resources) -> None:
    one = worker(resources, plan=nightly(resources, Clock(TUESDAY + MINUTE)))

    work(one, once=True)

    assert kinds(resources) == []


@pytest.mark.parametrize(("hour", "expected"), [("0", BOTH), ("24", [])], ids=["on", "off"])
def test_the_worker_of_a_service_does_each_night_unless_it_is_turned_off(
    data: Path, model: Path, hour: str, expected: list[str]
) -> None:
    resources = open_resources(Settings(data=data), WordEncoder())
    with serving(data, model, nightly_hour=hour):
        # The worker that does it has asked for the night before.
        number = submit_purge(resources, Asked("Ana"), dry_run=True)
        wait_until(
            lambda: (
                len(jobs(resources)) > len(expected)
                and all(job.state == "done" for job in jobs(resources))
            )
        )

    assert [job.kind for job in jobs(resources) if job.id != number] == expected
    resources.engine.dispose()


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)
