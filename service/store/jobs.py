"""Background jobs: asked for, claimed by one worker at a time, told of, ended, taken back."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, NamedTuple

from sqlalchemy import and_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from service.errors import NotFound, Refused
from service.tables import Job, Sociopole

UPLOAD = "upload"
"""The argument that names a file in the upload folder, kept as long as the job is not over."""
MOST_ATTEMPTS = 3
GAVE_UP = (
    f"Abandonnée après {MOST_ATTEMPTS} essais interrompus : programme arrêté, ou base injoignable. "
    "Vérifiez la mémoire et le disque de la machine, puis relancez-la : "
    "« sociopoles job retry {id} »."
)


class State(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED})


class Hold(Enum):
    """What a claim is still worth."""

    GOOD = "good"
    CANCELLING = "cancelling"
    LOST = "lost"


class Told(NamedTuple):
    """How far a job is: what is being done, in French; done; total."""

    message: str = ""
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class NewJob:
    """What is asked for. The same `key` asked for twice is one job."""

    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    sociopole_id: int | None = None
    by: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job as the worker that took it sees it; `kept` is what an earlier attempt committed."""

    id: int
    kind: str
    by: str
    arguments: Mapping[str, Any]
    attempts: int
    claim: str
    kept: Mapping[str, Any] | None


class Running(NamedTuple):
    """Who is at a job, and the last count of its beats."""

    id: int
    worker: str
    claim: str
    beat: int


class Outcome(NamedTuple):
    """How a job ended; `error` in French."""

    state: State
    result: Mapping[str, Any] | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it is shown; `sociopole` is its slug, empty for the whole database."""

    id: int
    kind: str
    sociopole: str
    by: str
    arguments: Mapping[str, Any]
    state: State
    told: Told
    attempts: int
    worker: str
    cancelling: bool
    kept: bool
    result: Mapping[str, Any] | None
    error: str
    created_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None


def add_job(session: Session, wanted: NewJob, at: dt.datetime) -> int:
    """Ask for a job in the transaction of whoever asks; returns its number.

    Raises Refused where the key was already used to ask for something else.
    """
    row = _as_row(wanted, at)
    insert = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(Job)
    added: int | None = session.execute(
        insert.values(row).on_conflict_do_nothing(index_elements=["key"]).returning(Job.id)
    ).scalar_one_or_none()
    if added is not None:
        return added
    before = session.execute(
        select(Job.id, Job.kind, Job.sociopole_id).where(Job.key == wanted.key)
    ).one_or_none()
    if before is None or (before.kind, before.sociopole_id) != (wanted.kind, wanted.sociopole_id):
        raise Refused(f"La clé « {wanted.key} » a déjà servi à demander autre chose.")
    number: int = before.id
    return number


def take_next(
    session: Session, kinds: Collection[str], *, worker: str, claim: str, at: dt.datetime
) -> Claimed | None:
    """Take the first job asked for, of these kinds; None where there is none."""
    row = session.execute(
        select(Job)
        .where(Job.state == State.QUEUED, Job.kind.in_(sorted(kinds)))
        # By number: a clock that was set back must not let anyone pass.
        .order_by(Job.id)
        .limit(1)
        # SQLite has one writer anyway.
        .with_for_update(skip_locked=True)
    ).scalar_one_or_none()
    if row is None:
        return None
    row.state, row.worker, row.claim = State.RUNNING, worker, claim
    row.attempts, row.beat, row.started_at = row.attempts + 1, 0, at
    row.message, row.done, row.total = Told()
    session.flush()
    kept = row.result if row.kept else None
    return Claimed(row.id, row.kind, row.by, row.arguments, row.attempts, claim, kept)


def is_waiting(session: Session, kinds: Collection[str]) -> bool:
    """Whether a job of these kinds waits for a worker."""
    waiting = select(Job.id).where(Job.state == State.QUEUED, Job.kind.in_(sorted(kinds)))
    return session.execute(waiting.limit(1)).first() is not None


def running_jobs(session: Session) -> list[Running]:
    """Every job that a worker is at, or died at."""
    rows = session.execute(
        select(Job.id, Job.worker, Job.claim, Job.beat).where(Job.state == State.RUNNING)
    )
    return [Running(*row) for row in rows]


def what_holds(session: Session, job: Claimed) -> Hold:
    """What a claim is still worth, without writing."""
    return _hold(session.execute(select(Job.cancelling).where(_is_held(job))).scalar_one_or_none())


def beat(session: Session, job: Claimed, told: Told) -> Hold:
    """Say that the worker lives, and how far it is."""
    return _hold(
        session.execute(
            update(Job)
            .where(_is_held(job))
            .values(beat=Job.beat + 1, **told._asdict())
            .returning(Job.cancelling)
        ).scalar_one_or_none()
    )


def keep_result(session: Session, job: Claimed, result: Mapping[str, Any]) -> Hold:
    """Mark, in the transaction of its effect, that a job's effect is made."""
    kept = session.execute(
        update(Job)
        .where(_is_held(job), Job.cancelling.is_(False))
        # The beat moves too: who counted the last one must not take the job back after this.
        .values(kept=True, result=dict(result), beat=Job.beat + 1)
        .returning(Job.cancelling)
    ).first()
    return what_holds(session, job) if kept is None else Hold.GOOD


def end_job(session: Session, job: Claimed, outcome: Outcome, told: Told, at: dt.datetime) -> bool:
    """Write how a job ended; False where the claim is lost. What was kept cannot be cancelled."""
    row = session.execute(select(Job).where(_is_held(job)).with_for_update()).scalar_one_or_none()
    if row is None:
        return False
    done_anyway = row.kept and outcome.state == State.CANCELLED
    row.state = State.DONE if done_anyway else outcome.state
    row.error, row.finished_at, row.cancelling = outcome.error, at, False
    row.message, row.done, row.total = told
    if outcome.result is not None:
        row.result = dict(outcome.result)
    session.flush()
    return True


def give_back(session: Session, running: Running, at: dt.datetime, *, counts: bool = True) -> State:
    """Take a job from a worker that died, or (`counts=False`) that was asked to stop.

    Does nothing where the worker gave a sign of life since. Returns the job's state.
    """
    row = session.execute(
        select(Job).where(Job.id == running.id).with_for_update()
    ).scalar_one_or_none()
    if row is None:
        return State.CANCELLED
    if (row.state, row.claim, row.beat) != (State.RUNNING, running.claim, running.beat):
        return State(row.state)
    _take_back(row, at, counts=counts)
    session.flush()
    return State(row.state)


def give_back_all(session: Session, at: dt.datetime) -> None:
    """Take every job from its worker: nothing that one read before is written any more.

    Nor is a job that waits taken before this transaction ends. It counts as no attempt.
    """
    unfinished = select(Job).where(Job.state.in_([State.QUEUED, State.RUNNING])).order_by(Job.id)
    for row in session.execute(unfinished.with_for_update()).scalars().all():
        if row.state == State.RUNNING:
            _take_back(row, at, counts=False)
    session.flush()


def cancel_job(session: Session, number: int, at: dt.datetime) -> State:
    """Cancel a job that waits, ask the worker of one that runs; returns its state then.

    Raises NotFound, or Refused for one that ended.
    """
    row = _find(session, number)
    if row.state in ENDED:
        raise Refused(f"La tâche {number} est déjà finie : il n'y a rien à annuler.")
    if row.state == State.QUEUED:
        row.state, row.finished_at = (State.DONE if row.kept else State.CANCELLED), at
    else:
        row.cancelling = True
    session.flush()
    return State(row.state)


def retry_job(session: Session, number: int) -> None:
    """Ask again for a job that failed or was cancelled. Raises NotFound, Refused for another."""
    row = _find(session, number)
    if row.state not in {State.FAILED, State.CANCELLED}:
        raise Refused(f"La tâche {number} n'a pas échoué : il n'y a rien à relancer.")
    row.state, row.attempts, row.error, row.claim = State.QUEUED, 0, "", ""
    row.message, row.done, row.total = Told()
    row.started_at = row.finished_at = None
    if not row.kept:
        row.result = None
    session.flush()


def get_job(session: Session, number: int) -> JobView:
    """One job. Raises NotFound."""
    row = session.execute(
        select(Job, Sociopole.slug)
        .outerjoin(Sociopole, Sociopole.id == Job.sociopole_id)
        .where(Job.id == number)
    ).one_or_none()
    if row is None:
        raise NotFound(f"La tâche {number} n'existe pas.")
    return _view(row.Job, row.slug)


def list_jobs(session: Session, *, before: int | None = None, limit: int = 50) -> list[JobView]:
    """Jobs, the newest first, those before one of them."""
    query = (
        select(Job, Sociopole.slug)
        .outerjoin(Sociopole, Sociopole.id == Job.sociopole_id)
        .order_by(Job.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Job.id < before)
    return [_view(row.Job, row.slug) for row in session.execute(query)]


def uploads_in_use(session: Session) -> set[str]:
    """The files that jobs which have not ended were asked with."""
    unfinished = select(Job.arguments).where(Job.state.in_([State.QUEUED, State.RUNNING]))
    asked = session.execute(unfinished).scalars()
    return {str(arguments[UPLOAD]) for arguments in asked if UPLOAD in arguments}


def _as_row(wanted: NewJob, at: dt.datetime) -> dict[str, Any]:
    return {
        "kind": wanted.kind,
        "sociopole_id": wanted.sociopole_id,
        "by": wanted.by,
        "key": wanted.key or None,
        "arguments": dict(wanted.arguments),
        "state": State.QUEUED,
        **Told()._asdict(),
        "attempts": 0,
        "worker": "",
        "claim": "",
        "beat": 0,
        "cancelling": False,
        "kept": False,
        "result": None,
        "error": "",
        "created_at": at,
        "started_at": None,
        "finished_at": None,
    }


def _is_held(job: Claimed) -> ColumnElement[bool]:
    return and_(Job.id == job.id, Job.claim == job.claim, Job.state == State.RUNNING)


def _hold(cancelling: bool | None) -> Hold:  # noqa: FBT001 - a column
    if cancelling is None:
        return Hold.LOST
    return Hold.CANCELLING if cancelling else Hold.GOOD


def _take_back(row: Job, at: dt.datetime, *, counts: bool) -> None:
    row.attempts -= 0 if counts else 1
    row.state, row.claim = _after(row), ""
    if row.state != State.QUEUED:
        row.finished_at, row.cancelling = at, False


def _after(row: Job) -> State:
    """What becomes of a job that its worker left."""
    if row.cancelling:
        return State.DONE if row.kept else State.CANCELLED
    if row.kept and row.attempts >= MOST_ATTEMPTS:
        # What it was asked for is committed: only what is done again by itself was missing.
        return State.DONE
    if row.attempts >= MOST_ATTEMPTS:
        row.error = GAVE_UP.format(id=row.id)
        return State.FAILED
    return State.QUEUED


def _find(session: Session, number: int) -> Job:
    row = session.execute(
        select(Job).where(Job.id == number).with_for_update()
    ).scalar_one_or_none()
    if row is None:
        raise NotFound(f"La tâche {number} n'existe pas.")
    return row


def _view(row: Job, slug: str | None) -> JobView:
    return JobView(
        id=row.id,
        kind=row.kind,
        sociopole=slug or "",
        by=row.by,
        arguments=row.arguments,
        state=State(row.state),
        told=Told(row.message, row.done, row.total),
        attempts=row.attempts,
        worker=row.worker,
        cancelling=row.cancelling,
        kept=row.kept,
        result=row.result,
        error=row.error,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
