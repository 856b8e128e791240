"""Durable background jobs: a worker takes the oldest, tells of it, and never does a step twice.

A job is a row. Its worker counts beats while it lives; whoever sees that count stand still for a
whole lease of its own monotonic clock gives the job back, for another attempt. The claim it was
taken under is then worth nothing: an effect is committed together with its mark (`Task.keep`), and
neither without a good claim, so that a worker that was only slow changes nothing any more.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from service.database import now, read, write
from service.errors import Refused
from service.failpoints import failpoint
from service.resources import Resources
from service.store.jobs import (
    ENDED,
    Claimed,
    Hold,
    Outcome,
    Running,
    State,
    Told,
    beat,
    end_job,
    give_back,
    is_waiting,
    keep_result,
    running_jobs,
    take_next,
    what_holds,
)

LOGGER = logging.getLogger(__name__)
POLL_S = 1.0
LEASE_S = 30.0
BEATS_A_LEASE = 6
PAUSE_S = 2.0
FAULT = (
    "Une erreur est survenue ; ce qui était commencé n'a pas été enregistré. Le journal du "
    "programme dit laquelle. Pour relancer : « sociopoles job retry {id} »."
)
UNREACHABLE = (OperationalError, InterfaceError)
"""The database is busy, full, restarting or gone: what was begun is undone and tried again."""


class Interrupted(Exception):  # noqa: N818 - nothing is wrong: the work is to stop here
    """The job at hand must stop where it is; raised by `Task.progress` and `Task.keep`."""


class Cancelled(Interrupted):
    """A person asked for it."""


class Lost(Interrupted):
    """The job was given to another worker."""


class Stopping(Interrupted):
    """The worker is asked to end: the job goes back, to be taken up again."""


class Fruitless(Refused):
    """Refused, with a report to keep as the job's result."""

    def __init__(self, message: str, result: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.result = result


@dataclass(slots=True)
class Task:
    """A job being done, as its function sees it."""

    job: Claimed
    told: Told = field(default_factory=Told)
    stop: Interrupted | None = None

    @property
    def kept(self) -> Mapping[str, Any] | None:
        """What an earlier attempt committed with its effect: that step must not be done again."""
        return self.job.kept

    def progress(self, message: str, done: int, total: int) -> None:
        """Tell how far it is. Raises Interrupted where the job must stop."""
        self.told = Told(message, done, total)
        if self.stop is not None:
            raise self.stop

    def keep(self, session: Session, result: Mapping[str, Any]) -> None:
        """Mark a step done in the transaction of its effect, which an Interrupted undoes.

        The last thing done in it: the job's row stays locked until the commit.
        """
        failpoint("job-effect-made")
        hold = keep_result(session, self.job, result)
        if hold is not Hold.GOOD:
            raise Lost if hold is Hold.LOST else Cancelled
        failpoint("job-effect-kept")


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of job: its name in French, and what does it.

    `run` gets the job's arguments and returns its result. It may be called again after a kill: it
    does nothing twice either because doing it again changes nothing, or by `Task.keep`.
    """

    label: str
    run: Callable[[Resources, Mapping[str, Any], Task], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a worker without a job looks for one, and how long a silent one keeps its own.

    One at a job looks twice as often whether it must stop, and tells how far it is.
    """

    poll_s: float = POLL_S
    lease_s: float = LEASE_S


@dataclass(slots=True)
class Watch:
    """Whose beats stand still, by this process's own monotonic clock and no other."""

    lease_s: float
    clock: Callable[[], float] = time.monotonic
    _seen: dict[Running, float] = field(default_factory=dict)

    def silent(self, running: Sequence[Running]) -> list[Running]:
        """Those whose count has not moved for a whole lease."""
        here = self.clock()
        self._seen = {job: self._seen.get(job, here) for job in running}
        return [job for job, since in self._seen.items() if here - since > self.lease_s]


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process. `label` is its own among those alive; `parent` ends it when it dies."""

    label: str
    engine: Engine
    works: Mapping[str, Work]
    resources: Callable[[], Resources]
    """Opened when the first job comes: a worker that waits holds no model."""
    tidy: Callable[[], None]
    """Called at the start and whenever a job ended, to clear what only jobs under way need."""
    plan: Callable[[], None] = lambda: None
    """Called before each look of a worker that stays, to ask for what the hour wants."""
    pace: Pace = field(default_factory=Pace)
    parent: int = 0
    asked_to_stop: threading.Event = field(default_factory=threading.Event)

    @property
    def must_stop(self) -> bool:
        """Whether this worker was asked to end, or lost the process it belongs to."""
        return self.asked_to_stop.is_set() or (self.parent != 0 and os.getppid() != self.parent)


def work(worker: Worker, *, once: bool = False) -> None:
    """Do jobs until the worker must stop, or (`once`) until none waits; only who stays plans."""
    watch = Watch(worker.pace.lease_s)
    answered = True
    _tidy(worker)
    while not worker.must_stop:
        try:
            if not once:
                worker.plan()
            more = _look(worker, watch) and _do_next(worker)
            answered = True
            if more:
                continue
        except UNREACHABLE as error:
            if once:
                raise
            if answered:
                LOGGER.warning("jobs: the database does not answer: %s", error)
            answered = False
        if once:
            return
        worker.asked_to_stop.wait(worker.pace.poll_s)


def _look(worker: Worker, watch: Watch) -> bool:
    """Give back what nobody is at any more; whether a job waits."""
    with read(worker.engine) as session:
        running = running_jobs(session)
        waiting = is_waiting(session, worker.works.keys())
    # This worker is at nothing: what it seems to be at, it left when it died.
    left = [job for job in running if job.worker == worker.label]
    for job in sorted({*left, *watch.silent(running)}):
        with write(worker.engine) as session:
            state = give_back(session, job, now())
        LOGGER.warning("job %d, left by %s, is %s", job.id, job.worker, state)
        waiting = waiting or state == State.QUEUED
        if state in ENDED:
            _tidy(worker)
    return waiting


def _do_next(worker: Worker) -> bool:
    with write(worker.engine) as session:
        job = take_next(
            session, worker.works.keys(), worker=worker.label, claim=uuid4().hex, at=now()
        )
    if job is None:
        return False
    failpoint("job-taken")
    task = Task(job)
    with _beating(worker, task):
        outcome = _attempt(worker, task)
    failpoint("job-done")
    if outcome is not None:
        _end(worker, task, outcome)
        failpoint("job-ended")
        _tidy(worker)
    elif isinstance(task.stop, Stopping):
        _hand_over(worker, job)
    return True


def _end(worker: Worker, task: Task, outcome: Outcome) -> None:
    """Write how a job ended; where the database takes no such thing, that it failed."""
    fault = Outcome(State.FAILED, error=FAULT.format(id=task.job.id))
    for ended, told in ((outcome, task.told), (fault, Told())):
        try:
            with write(worker.engine) as session:
                end_job(session, task.job, ended, told, now())
        except UNREACHABLE:
            # Still marked as this worker's: its next look gives it back.
            raise
        except Exception:
            LOGGER.exception("job %d: its end was not stored", task.job.id)
        else:
            return


def _attempt(worker: Worker, task: Task) -> Outcome | None:
    """How the job ended; None where it did not, and is to be done again or by another."""
    try:
        return _run(worker, task)
    except Cancelled:
        return Outcome(State.CANCELLED)
    except Interrupted as why:
        LOGGER.warning("job %d: %s left it: %s", task.job.id, worker.label, type(why).__name__)
    except UNREACHABLE:
        # Still marked as this worker's: its next look gives it back.
        LOGGER.exception("job %d: the database does not answer", task.job.id)
        worker.asked_to_stop.wait(PAUSE_S * task.job.attempts)
    except Exception:
        LOGGER.exception("job %d failed", task.job.id)
        return Outcome(State.FAILED, error=FAULT.format(id=task.job.id))
    return None


def _run(worker: Worker, task: Task) -> Outcome:
    try:
        result = worker.works[task.job.kind].run(worker.resources(), task.job.arguments, task)
    except Refused as refusal:
        report = refusal.result if isinstance(refusal, Fruitless) else None
        return Outcome(State.FAILED, report, str(refusal))
    return Outcome(State.DONE, result)


def _tidy(worker: Worker) -> None:
    try:
        worker.tidy()
    except (OSError, *UNREACHABLE) as error:
        # The next one clears it.
        LOGGER.warning("jobs: not tidied: %s", error)


def _hand_over(worker: Worker, job: Claimed) -> None:
    """Give a job back at a stop: it is nobody's fault, and counts as no attempt."""
    with write(worker.engine) as session:
        for running in running_jobs(session):
            if running.claim == job.claim:
                give_back(session, running, now(), counts=False)


@contextmanager
def _beating(worker: Worker, task: Task) -> Iterator[None]:
    """Beat from a thread of its own, so that long sums do not pass for a death."""
    over = threading.Event()
    heart = threading.Thread(target=_beat, args=(worker, task, over), daemon=True)
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join()


def _beat(worker: Worker, task: Task, over: threading.Event) -> None:
    told, last = task.told, time.monotonic()
    while not over.wait(worker.pace.poll_s / 2):
        if worker.must_stop:
            task.stop = Stopping()
        due = time.monotonic() - last > worker.pace.lease_s / BEATS_A_LEASE
        try:
            if due or task.told != told:
                told, last = task.told, time.monotonic()
                hold = _say(worker.engine, task.job, told)
            else:
                with read(worker.engine) as session:
                    hold = what_holds(session, task.job)
        except UNREACHABLE as error:
            # A long transaction of SQLite, perhaps this job's own: nobody else can write either.
            LOGGER.info("job %d: no beat: %s", task.job.id, error)
            continue
        if hold is not Hold.GOOD:
            task.stop = Lost() if hold is Hold.LOST else Cancelled()


def _say(engine: Engine, job: Claimed, told: Told) -> Hold:
    with write(engine) as session:
        return beat(session, job, told)
