"""A worker in the test's own process, and kinds of jobs that a test writes down."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.database import now, read, write
from service.jobs import Pace, Task, Work, Worker, work
from service.resources import Resources
from service.store.imports import save_import
from service.store.jobs import JobView, NewJob, add_job, get_job, list_jobs
from service.store.sociopoles import get_sociopole
from service.tables import Import
from tests.builders import SLUG

QUICK = Pace(poll_s=0.01, lease_s=30)

Do = Callable[[Resources, Mapping[str, Any], Task], Mapping[str, Any]]


def worker(
    resources: Resources,
    label: str = "un@ici",
    pace: Pace = QUICK,
    plan: Callable[[], None] = lambda: None,
    **does: Do,
) -> Worker:
    """A worker that knows these kinds of jobs."""
    return Worker(
        label=label,
        engine=resources.engine,
        works={kind: Work(kind, do) for kind, do in does.items()},
        resources=lambda: resources,
        tidy=lambda: None,
        plan=plan,
        pace=pace,
    )


def do_all(resources: Resources, **does: Do) -> None:
    """Do every job of these kinds that waits."""
    work(worker(resources, **does), once=True)


def ask(resources: Resources, kind: str, **arguments: Any) -> int:
    """Ask for a job."""
    with write(resources.engine) as session:
        return add_job(session, NewJob(kind, arguments, by="Ana"), now())


def job(resources: Resources, number: int) -> JobView:
    """A job as it is now."""
    with read(resources.engine) as session:
        return get_job(session, number)


def states(resources: Resources) -> list[str]:
    """The states of all jobs, in the order they were asked for."""
    with read(resources.engine) as session:
        return [str(view.state) for view in reversed(list_jobs(session))]


class Effects:
    """Work that writes one row an attempt, as an import does; `pause` may stop it before."""

    def __init__(self, pause: Callable[[Task], None] = lambda _task: None) -> None:
        self.pause = pause
        self.attempts = 0

    def __call__(
        self, resources: Resources, _arguments: Mapping[str, Any], task: Task
    ) -> Mapping[str, Any]:
        """Write the row and its mark together."""
        self.attempts += 1
        if task.kept is not None:
            return task.kept
        self.pause(task)
        with write(resources.engine) as session:
            make_effect(resources, session)
            task.keep(session, {"made": self.attempts})
        task.progress("Fini", 1, 1)
        return {"made": self.attempts}


def make_effect(resources: Resources, session: Session) -> None:
    """Any row will do."""
    path = resources.settings.data / "effect.csv"
    path.touch()
    sociopole = get_sociopole(session, SLUG).id
    save_import(
        session, sociopole, path, file_name="effet.csv", kind="problem", columns={}, report={}
    )


def effects(resources: Resources) -> int:
    """How many rows were written."""
    with read(resources.engine) as session:
        return session.execute(select(func.count()).select_from(Import)).scalar_one()


def in_thread(run: Callable[[], None]) -> threading.Thread:
    """Start at once; the test joins it."""
    thread = threading.Thread(target=run)
    thread.start()
    return thread
