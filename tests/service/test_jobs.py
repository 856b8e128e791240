"""Background jobs: asked for, done once, told of, cancelled, given up."""

import datetime as dt
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from service.database import now, read, write
from service.errors import NotFound, Refused
from service.jobs import Cancelled, Fruitless, Pace, Task, Watch, work
from service.resources import Resources
from service.store.jobs import (
    NewJob,
    Running,
    State,
    add_job,
    cancel_job,
    get_job,
    give_back,
    list_jobs,
    retry_job,
    running_jobs,
    take_next,
)
from service.store.scope import Scope
from service.store.sociopoles import get_sociopole
from tests.builders import SLUG
from tests.service.workers import (
    Effects,
    ask,
    do_all,
    effects,
    in_thread,
    job,
    states,
    worker,
)

NOTHING: Mapping[str, Any] = {}
MANY = 2000


def wait_for(resources: Resources, number: int, state: State) -> None:
    deadline = time.monotonic() + 20
    while job(resources, number).state != state:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_jobs_are_done_in_the_order_they_were_asked_for_whatever_the_clock_says(
    resources: Resources,
) -> None:
    done = []
    for days in (0, -1, 1):
        with write(resources.engine) as session:
            add_job(session, NewJob("note", {"day": days}), now() + dt.timedelta(days=days))

    do_all(resources, note=lambda _r, arguments, _t: done.append(arguments["day"]) or NOTHING)

    assert done == [0, -1, 1]
    assert states(resources) == ["done"] * 3


def test_a_job_is_asked_for_with_the_rows_of_who_asks_or_not_at_all(resources: Resources) -> None:
    with write(resources.engine) as session:
        add_job(session, NewJob("note"), now())
        session.rollback()

    assert states(resources) == []


def test_the_same_key_twice_is_one_job(resources: Resources) -> None:
    with write(resources.engine) as session:
        first = add_job(session, NewJob("note", {"a": 1}, key="abc"), now())
        second = add_job(session, NewJob("note", {"a": 1}, key="abc"), now())
        other = add_job(session, NewJob("note", {"a": 1}, key="abd"), now())
        without = {add_job(session, NewJob("note"), now()) for _ in range(2)}

    assert first == second != other
    assert len(without) == 2


def test_a_key_is_not_used_for_two_things(resources: Resources) -> None:
    with write(resources.engine) as session:
        add_job(session, NewJob("note", key="abc"), now())

    with pytest.raises(Refused, match="abc"), write(resources.engine) as session:
        add_job(session, NewJob("autre", key="abc"), now())


def test_twenty_requests_of_one_key_at_once_are_one_job(resources: Resources) -> None:
    numbers = []

    def request() -> None:
        with write(resources.engine) as session:
            numbers.append(add_job(session, NewJob("note", key="abc"), now()))

    threads = [in_thread(request) for _ in range(20)]
    for thread in threads:
        thread.join()

    assert len(numbers) == 20
    assert len(set(numbers)) == 1


def test_progress_is_read_while_a_job_runs(resources: Resources) -> None:
    seen = threading.Event()

    def count(_r: Resources, _a: Mapping[str, Any], task: Task) -> Mapping[str, Any]:
        task.progress("Lecture", 3, 7)
        assert seen.wait(20)
        return {"lines": 7}

    number = ask(resources, "count")
    thread = in_thread(lambda: do_all(resources, count=count))
    wait_for(resources, number, State.RUNNING)
    while job(resources, number).told != ("Lecture", 3, 7):
        time.sleep(0.01)
    running = job(resources, number)
    seen.set()
    thread.join()

    assert (running.state, running.worker, running.attempts) == (State.RUNNING, "un@ici", 1)
    ended = job(resources, number)
    assert (ended.state, ended.result) == (State.DONE, {"lines": 7})
    assert ended.created_at <= (ended.started_at or now()) <= (ended.finished_at or now())


def test_a_job_cancelled_before_it_began_is_never_done(resources: Resources) -> None:
    made = Effects()
    number = ask(resources, "make")
    with write(resources.engine) as session:
        assert cancel_job(session, number, now()) == State.CANCELLED

    do_all(resources, make=made)

    assert (made.attempts, states(resources)) == (0, ["cancelled"])


@pytest.mark.parametrize("tells", [True, False], ids=["at its next step", "before its effect"])
def test_a_job_cancelled_while_it_runs_stops_and_leaves_nothing(
    resources: Resources, *, tells: bool
) -> None:
    """Even one that tells nothing: its effect is refused with its mark."""

    def be_cancelled(task: Task) -> None:
        with write(resources.engine) as session:
            assert cancel_job(session, task.job.id, now()) == State.RUNNING
        for step in range(MANY if tells else 0):
            task.progress("Encore", step, MANY)
            time.sleep(0.01)

    number = ask(resources, "make")
    do_all(resources, make=Effects(be_cancelled))

    assert (states(resources), effects(resources)) == (["cancelled"], 0)
    assert not job(resources, number).cancelling


def test_what_was_committed_is_done_even_if_it_is_cancelled_then(resources: Resources) -> None:
    class Slow(Effects):
        def __call__(self, *given: Any) -> Mapping[str, Any]:
            super().__call__(*given)
            with write(resources.engine) as session:
                cancel_job(session, number, now())
            raise Cancelled

    number = ask(resources, "make")
    do_all(resources, make=Slow())

    assert (states(resources), effects(resources)) == (["done"], 1)
    assert job(resources, number).result == {"made": 1}


def test_a_refusal_is_told_and_may_leave_a_report(resources: Resources) -> None:
    def refuse(_r: Resources, arguments: Mapping[str, Any], _t: Task) -> Mapping[str, Any]:
        if arguments["report"]:
            raise Fruitless("Deux lignes en erreur.", {"errors": 2})
        raise Refused("Aucune colonne.")

    numbers = [ask(resources, "refuse", report=report) for report in (False, True)]
    do_all(resources, refuse=refuse)

    views = [job(resources, number) for number in numbers]
    assert [(v.state, v.error, v.result) for v in views] == [
        (State.FAILED, "Aucune colonne.", None),
        (State.FAILED, "Deux lignes en erreur.", {"errors": 2}),
    ]


def test_a_fault_is_told_without_its_words_and_the_next_job_is_done(resources: Resources) -> None:
    def fail(*_: Any) -> Mapping[str, Any]:
        raise RuntimeError("rue des Lilas 12")

    number, _ = ask(resources, "fail"), ask(resources, "note")
    do_all(resources, fail=fail, note=lambda *_: NOTHING)

    assert states(resources) == ["failed", "done"]
    assert "Lilas" not in job(resources, number).error
    assert f"job retry {number}" in job(resources, number).error


def test_a_job_that_failed_is_done_when_asked_for_again(resources: Resources) -> None:
    number = ask(resources, "make")
    do_all(resources, make=lambda *_: 1 / 0)
    with write(resources.engine) as session:
        retry_job(session, number)
    waiting = job(resources, number)
    do_all(resources, make=Effects())

    assert (waiting.state, waiting.error, waiting.attempts) == (State.QUEUED, "", 0)
    assert (states(resources), effects(resources)) == (["done"], 1)


def test_only_what_failed_is_done_again_and_only_what_goes_on_is_cancelled(
    resources: Resources,
) -> None:
    number = ask(resources, "note")
    with pytest.raises(Refused, match="rien à relancer"), write(resources.engine) as session:
        retry_job(session, number)
    do_all(resources, note=lambda *_: NOTHING)
    with pytest.raises(Refused, match="déjà finie"), write(resources.engine) as session:
        cancel_job(session, number, now())
    with pytest.raises(NotFound, match="99"), read(resources.engine) as session:
        get_job(session, 99)


def test_a_worker_that_lost_its_job_commits_nothing(resources: Resources) -> None:
    """It was only slow: another one took it for dead, and did the job."""

    def lose(task: Task) -> None:
        with write(resources.engine) as session:
            assert give_back(session, running_jobs(session)[0], now()) == State.QUEUED
        work(worker(resources, "deux@ici", make=Effects()), once=True)
        assert states(resources) == ["done"]
        task.stop = None

    number = ask(resources, "make")
    do_all(resources, make=Effects(lose))

    assert (states(resources), effects(resources)) == (["done"], 1)
    assert (job(resources, number).worker, job(resources, number).attempts) == ("deux@ici", 2)


def test_a_job_is_not_taken_from_a_worker_that_gave_a_sign(resources: Resources) -> None:
    ask(resources, "make")
    with write(resources.engine) as session:
        take_next(session, ["make"], worker="un@ici", claim="a", at=now())
    with read(resources.engine) as session:
        (seen,) = running_jobs(session)

    with write(resources.engine) as session:
        late = give_back(session, seen._replace(beat=-1), now())
        other = give_back(session, seen._replace(claim="b"), now())
        taken = give_back(session, seen, now())

    assert (late, other, taken) == (State.RUNNING, State.RUNNING, State.QUEUED)


def test_the_job_of_a_silent_worker_is_given_to_another(resources: Resources) -> None:
    ask(resources, "make")
    with write(resources.engine) as session:
        take_next(session, ["make"], worker="mort@ailleurs", claim="a", at=now())
    alive = worker(resources, pace=Pace(poll_s=0.01, lease_s=0.2), make=Effects())
    thread = in_thread(lambda: work(alive))
    deadline = time.monotonic() + 20
    while states(resources) != ["done"] and time.monotonic() < deadline:
        time.sleep(0.01)
    alive.asked_to_stop.set()
    thread.join()

    assert (states(resources), effects(resources)) == (["done"], 1)


def test_a_lease_is_counted_on_the_watchers_own_clock_from_the_last_beat() -> None:
    here = [1000.0]
    watch = Watch(30, clock=lambda: here[0])
    dead, alive = Running(1, "a", "x", 4), Running(2, "b", "y", 4)

    assert watch.silent([dead, alive]) == []
    here[0] += 29
    assert watch.silent([dead, alive._replace(beat=5)]) == []
    here[0] += 2
    assert watch.silent([dead, alive._replace(beat=5)]) == [dead]
    # Another claim of the same job begins anew.
    assert watch.silent([dead._replace(claim="z")]) == []


def test_a_job_that_kills_its_worker_is_given_up_at_the_third_time_and_others_go_on(
    resources: Resources,
) -> None:
    """Killed as far as the database knows: the worker of the same name begins anew."""
    poison, after = ask(resources, "make"), ask(resources, "note")
    for attempt in range(3):
        with write(resources.engine) as session:
            taken = take_next(session, ["make"], worker="un@ici", claim=f"c{attempt}", at=now())
            assert taken is not None
        with write(resources.engine) as session:
            give_back(session, running_jobs(session)[0], now())

    do_all(resources, make=Effects(), note=lambda *_: NOTHING)

    given_up = job(resources, poison)
    assert (given_up.state, given_up.attempts) == (State.FAILED, 3)
    assert "3 essais" in given_up.error
    assert (job(resources, after).state, effects(resources)) == (State.DONE, 0)


def test_a_worker_asked_to_stop_gives_its_job_back_and_that_counts_for_nothing(
    resources: Resources,
) -> None:
    def stop(task: Task) -> None:
        stopped.asked_to_stop.set()
        for step in range(MANY):
            task.progress("Encore", step, MANY)
            time.sleep(0.01)

    number = ask(resources, "make")
    stopped = worker(resources, make=Effects(stop))
    work(stopped)
    waiting = job(resources, number)
    do_all(resources, make=Effects())

    assert (waiting.state, waiting.attempts) == (State.QUEUED, 0)
    assert (states(resources), effects(resources)) == (["done"], 1)


def test_a_step_that_was_committed_is_not_done_again(resources: Resources) -> None:
    """The worker died between the effect and the end of the job."""
    make = Effects()
    number = ask(resources, "make")
    with write(resources.engine) as session:
        taken = take_next(session, ["make"], worker="un@ici", claim="a", at=now())
        assert taken is not None
    make(resources, {}, Task(taken))
    do_all(resources, make=make)

    assert (make.attempts, effects(resources)) == (2, 1)
    assert job(resources, number).result == {"made": 1}


def test_a_database_that_fails_in_a_job_makes_it_begin_again(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_once(task: Task) -> None:
        if task.job.attempts == 1:
            raise OperationalError("INSERT", {}, OSError("disk full"))

    monkeypatch.setattr("service.jobs.PAUSE_S", 0.0)
    number = ask(resources, "make")
    do_all(resources, make=Effects(fail_once))

    assert (states(resources), effects(resources)) == (["done"], 1)
    assert job(resources, number).attempts == 2


def test_two_workers_never_take_one_job(resources: Resources) -> None:
    numbers = [ask(resources, "note", n=n) for n in range(24)]
    done: list[int] = []

    def note(_r: Resources, arguments: Mapping[str, Any], _t: Task) -> Mapping[str, Any]:
        done.append(arguments["n"])
        return NOTHING

    workers = [worker(resources, label, note=note) for label in ("un@ici", "deux@ici")]
    threads = [in_thread(lambda one=one: work(one, once=True)) for one in workers]
    for thread in threads:
        thread.join()

    assert sorted(done) == list(range(len(numbers)))
    assert set(states(resources)) == {"done"}


def test_a_worker_leaves_what_it_does_not_know(resources: Resources) -> None:
    """An older version of the program, while the newer one is put in place."""
    ask(resources, "nouveau")
    ask(resources, "note")
    do_all(resources, note=lambda *_: NOTHING)

    assert states(resources) == ["queued", "done"]


def test_a_person_reads_the_jobs_of_their_sociopoles_only(resources: Resources) -> None:
    with write(resources.engine) as session:
        home = get_sociopole(session, SLUG).id
        add_job(session, NewJob("note", sociopole_id=home), now())
        add_job(session, NewJob("purge"), now())

    def kinds(scope: Scope) -> list[str]:
        with read(resources.seen_by(scope).engine) as session:
            return [view.kind for view in list_jobs(session)]

    assert kinds(Scope(full=frozenset({home}))) == ["note"]
    assert kinds(Scope(full=frozenset({home + 1}), published=frozenset({home}))) == []
    assert kinds(Scope(full=None)) == ["purge", "note"]
