"""Real workers, killed at random and at each place that matters: no step is done twice."""

import datetime as dt
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from matcher.assignment import Limits
from service import jobs
from service.database import now, read, write
from service.resources import Resources
from service.store.jobs import JobView, State, cancel_job
from service.tables import Grouping, Import, Run, StatementRow, Vector
from service.workflows.background import (
    Asked,
    submit_grouping,
    submit_import,
    submit_suggestions,
)
from service.workflows.check import check
from service.workflows.group import GroupPlan
from service.workflows.suggest import Plan
from service.workflows.take_in import ImportPlan
from tests.builders import SLUG, write_csv
from tests.faults.worker_process import Given, Nursery
from tests.service.workers import ask, effects, job, states

ROWS = 60
ROUNDS = 10
FAILPOINTS = ("job-taken", "job-effect-made", "job-effect-kept", "job-done", "job-ended")
KINDS = ("import", "suggest", "group")
ANA = Asked("Ana")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    forking = Nursery()
    forking.warm()
    yield forking
    forking.close()


@dataclass(frozen=True, slots=True)
class Jumping:
    """Workers whose clock is set from outside, as an administrator or a time server sets one."""

    nursery: Nursery
    clock: Path

    def to(self, offset: str) -> None:
        """Set it at once, in one move."""
        then = self.clock.with_suffix(".then")
        then.write_text(offset)
        then.replace(self.clock)


@pytest.fixture(scope="module")
def jumping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jumping]:
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        pytest.skip("libfaketime is not installed: no clock was made to jump under a worker")
    clock = tmp_path_factory.mktemp("clock") / "clock"
    clock.write_text("+0")
    forking = Nursery(
        LD_PRELOAD=str(library),
        FAKETIME_TIMESTAMP_FILE=str(clock),
        FAKETIME_NO_CACHE="1",
        # A clock that is set does not move the monotonic one.
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    yield Jumping(forking, clock)
    forking.close()


@pytest.fixture
def given(resources: Resources) -> Given:
    settings = resources.settings
    return Given(data=str(settings.data), url=settings.url)


def ask_for(resources: Resources, *kinds: str) -> list[int]:
    words = ("vélo", "jardin", "école", "logement", "compost", "repas", "lecture")
    rows = (
        (str(i), f"Structure {i % 20}", f"besoin {i} : {words[i % 7]} et {words[i % 5]}")
        for i in range(ROWS)
    )
    path = write_csv(resources.settings.data / "besoins.csv", ("id", "organisation", "text"), rows)

    def submit(kind: str) -> int:
        if kind == "suggest":
            return submit_suggestions(resources, SLUG, Plan(Limits()), ANA)
        if kind == "group":
            return submit_grouping(resources, GroupPlan(SLUG), ANA)
        with path.open("rb") as content:
            return submit_import(resources, ImportPlan(path, SLUG, "problem"), content, ANA)

    return [submit(kind) for kind in kinds]


def assert_each_was_done_once(resources: Resources, *kinds: str) -> None:
    assert states(resources) == ["done"] * len(kinds)
    with read(resources.engine) as session:
        counts = {
            kind: session.execute(select(func.count()).select_from(table)).scalar_one()
            for kind, table in (("import", Import), ("suggest", Run), ("group", Grouping))
        }
        texts = select(func.count(StatementRow.text_hash.distinct()))
        embedded = select(func.count()).where(Vector.text_hash.in_(select(StatementRow.text_hash)))
        assert session.execute(texts).scalar_one() == session.execute(embedded).scalar_one()
        rows = session.execute(select(func.count()).select_from(StatementRow)).scalar_one()
    assert counts == {kind: int(kind in kinds) for kind in counts}
    assert rows == ROWS
    assert [p.name for p in resources.settings.upload_folder.iterdir()] == [".lock"]
    health = check(resources)
    assert (health.findings, health.exit_code) == ([], 0)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.fault("F3")
@pytest.mark.parametrize("seed", range(ROUNDS // 2))
def test_a_worker_killed_at_random_does_no_step_twice(
    resources: Resources, given: Given, nursery: Nursery, seed: int
) -> None:
    """Five rounds on each database, two kills a round: a third would be a poison job's."""
    moments = random.Random(seed)
    kinds = ("import", "group" if seed % 2 else "suggest")
    numbers = ask_for(resources, *kinds)
    for _ in range(2):
        with nursery.begun(given) as process:
            wait_until(lambda: states(resources) != ["queued"] * 2 or not process.is_alive)
            time.sleep(moments.uniform(0, 0.3))
    assert nursery.run_to_the_end(given) == 0

    assert_each_was_done_once(resources, *kinds)
    assert all(job(resources, number).attempts <= 3 for number in numbers)


def test_every_failpoint_of_jobs_is_tried() -> None:
    source = Path(jobs.__file__).read_text("utf-8")

    assert sorted(re.findall(r'failpoint\("(.*?)"\)', source)) == sorted(FAILPOINTS)


@pytest.mark.fault("F3")
@pytest.mark.parametrize(
    ("place", "kind"),
    [*((place, "import") for place in FAILPOINTS), *(("job-done", kind) for kind in KINDS[1:])],
)
def test_a_worker_killed_at_a_failpoint_does_no_step_twice(
    resources: Resources, given: Given, nursery: Nursery, place: str, kind: str
) -> None:
    kinds = ("import",) if kind == "import" else ("import", kind)
    ask_for(resources, *kinds)
    killed = nursery.run_to_the_end(replace(given, failpoint=f"{place}:kill:{len(kinds)}"))
    assert nursery.run_to_the_end(given) == 0

    assert killed == -signal.SIGKILL
    assert_each_was_done_once(resources, *kinds)


@pytest.mark.fault("proof")
def test_the_harness_sees_a_step_done_twice(
    resources: Resources, given: Given, nursery: Nursery
) -> None:
    """A job that commits its effect without its mark, killed before its end."""
    ask(resources, "careless")
    killed = nursery.run_to_the_end(replace(given, failpoint="job-done:kill"))
    assert nursery.run_to_the_end(given) == 0

    assert killed == -signal.SIGKILL
    assert effects(resources) == 2


@pytest.mark.fault("F12")
def test_a_poison_job_is_given_up_after_three_attempts_and_others_go_on(
    resources: Resources, given: Given, nursery: Nursery
) -> None:
    poison, *others = ask(resources, "poison"), ask(resources, "make"), ask(resources, "make")
    ends = [nursery.run_to_the_end(given) for _ in range(4)]

    assert ends == [-signal.SIGSEGV] * 3 + [0]
    given_up = job(resources, poison)
    assert (given_up.state, given_up.attempts) == (State.FAILED, 3)
    assert [job(resources, number).state for number in others] == [State.DONE] * 2
    assert effects(resources) == 2


@pytest.mark.fault("F13")
def test_workers_at_once_never_take_one_job(
    resources: Resources, given: Given, nursery: Nursery
) -> None:
    for _ in range(20):
        ask(resources, "make", steps=1)
    with nursery.begun(given) as one, nursery.begun(replace(given, name="deux")) as two:
        one.join()
        two.join()

    assert states(resources) == ["done"] * 20
    assert effects(resources) == 20


def test_two_workers_do_not_bear_one_name(
    resources: Resources, given: Given, nursery: Nursery
) -> None:
    number = ask(resources, "make", steps=10_000)
    with nursery.begun(given) as one:
        wait_until(lambda: job(resources, number).state == State.RUNNING)
        second = nursery.run_to_the_end(replace(given, name_wait_s=0.1))

        assert second == 1
        assert one.is_alive
        assert job(resources, number).attempts == 1


def test_a_job_cancelled_while_it_runs_stops_and_its_worker_goes_on(
    resources: Resources, given: Given, nursery: Nursery
) -> None:
    cancelled, after = ask(resources, "make", steps=10_000), ask(resources, "make")
    with nursery.begun(replace(given, once=False)):
        wait_until(lambda: job(resources, cancelled).told.done > 3)
        with write(resources.engine) as session:
            assert cancel_job(session, cancelled, now()) == State.RUNNING
        wait_until(lambda: states(resources) == ["cancelled", "done"])

    assert effects(resources) == 1
    assert job(resources, after).attempts == 1


@pytest.mark.fault("F3")
def test_another_worker_takes_up_the_job_of_one_that_was_killed(
    resources: Resources, given: Given, nursery: Nursery
) -> None:
    number = ask(resources, "make", steps=20)
    with nursery.begun(replace(given, name="mort")) as dead:
        wait_until(lambda: job(resources, number).told.done > 3)
        dead.kill()
    with nursery.begun(replace(given, name="autre", once=False, lease_s=0.5)):
        wait_until(lambda: job(resources, number).state == State.DONE)

    assert job(resources, number).worker.startswith("autre@")
    assert effects(resources) == 1


@pytest.mark.fault("F3")
def test_a_worker_in_a_long_transaction_keeps_its_job(
    resources: Resources, given: Given, nursery: Nursery
) -> None:
    """On SQLite it cannot even beat: the lease runs out, and the job is done all the same."""
    number = ask(resources, "make", hold_s=1)
    with nursery.begun(replace(given, lease_s=0.3)) as slow:
        wait_until(lambda: job(resources, number).state == State.RUNNING)
        with nursery.begun(replace(given, name="autre", once=False, lease_s=0.3)):
            slow.join()
            time.sleep(0.4)

    assert (states(resources), effects(resources)) == (["done"], 1)
    assert job(resources, number).attempts == 1


def is_a_day_off(running: JobView) -> bool:
    """Whether its worker's clock jumped: it tells the time."""
    return abs(now() - dt.datetime.fromisoformat(running.told.message)) > dt.timedelta(hours=20)


@pytest.mark.fault("F10")
def test_a_clock_that_jumps_neither_ends_a_lease_nor_keeps_a_dead_ones(
    resources: Resources, given: Given, nursery: Nursery, jumping: Jumping
) -> None:
    number = ask(resources, "make", steps=10_000)
    jumping.to("+0")
    with jumping.nursery.begun(given) as dying:
        wait_until(lambda: job(resources, number).told.done > 3)
        with nursery.begun(replace(given, name="autre", once=False, lease_s=0.6)):
            for days in ("-1d", "+1d"):
                jumping.to(days)
                wait_until(lambda: is_a_day_off(job(resources, number)))
                time.sleep(0.8)
            not_taken = job(resources, number)
            dying.kill()
            wait_until(lambda: job(resources, number).state == State.DONE)

    assert (not_taken.worker.partition("@")[0], not_taken.attempts) == (given.name, 1)
    assert (job(resources, number).attempts, effects(resources)) == (2, 1)
