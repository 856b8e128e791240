"""What runs in the processes that are struck: clients of the workflows that note what was done."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from unittest.mock import patch

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from service.app import create_app
from service.catchup import catch_up, publish_now
from service.database import LOCK_WAIT
from service.faults import explain_fault
from service.resources import Resources, open_resources
from service.settings import Settings
from service.store.decisions import Say
from service.workflows.answer import Query, answer
from service.workflows.decide import Choice, Said, decide
from service.workflows.take_in import ImportPlan, ImportReport, take_in
from tests.builders import SLUG, write_csv
from tests.fakes import WordEncoder
from tests.faults.processes import Journal, Place, wait_until

CHANGES_THE_DISK = ("mkdir", "write", "fsync", "replace", "unlink", "rmdir")
HEADER = ("id", "organisation", "text")
NEEDS = (
    "les bus s'arrêtent à dix-neuf heures",
    "le jardin partagé manque d'eau en été",
    "les logements sont humides et mal chauffés",
    "nos bénévoles vieillissent et se lassent",
    "la cantine cherche des légumes d'ici",
    "les jeunes décrochent avant l'été",
    "les démarches en ligne perdent les aînés",
)


def open_place(
    place: Place, encoder: WordEncoder | None = None, *, lock_wait: float = LOCK_WAIT
) -> Resources:
    """What a process of the service opens."""
    settings = Settings(data=place.folder, database_url=place.url, lock_wait=lock_wait)
    return open_resources(settings, encoder or WordEncoder())


@contextmanager
def opened(
    place: Place, encoder: WordEncoder | None = None, *, lock_wait: float = LOCK_WAIT
) -> Iterator[Resources]:
    """A place as a process started just now finds it."""
    resources = open_place(place, encoder, lock_wait=lock_wait)
    try:
        yield resources
    finally:
        resources.engine.dispose()


def write_file(folder: Path, name: str, count: int) -> Path:
    """A file of `count` needs whose ids begin with its name."""
    rows = (
        (f"{name}-{i}", f"Association {i % 97}", f"{NEEDS[i % len(NEEDS)]}, cas {i} de {name}")
        for i in range(count)
    )
    return write_csv(folder / f"{name}.csv", HEADER, rows)


def take(resources: Resources, path: Path) -> ImportReport:
    return take_in(resources, ImportPlan(path, SLUG, "problem"))


def import_file(place: Place, path: Path) -> None:
    """One import, acknowledged once it is answered."""
    resources = open_place(place)
    journal = journal_of(place)
    journal.acknowledge(started=path.stem)
    report = take(resources, path)
    journal.acknowledge(name=path.stem, rows=report.created + report.updated + report.unchanged)


def import_files(place: Place, name: str, sizes: Iterable[int]) -> None:
    """One import after the other, each acknowledged."""
    resources = open_place(place)
    journal = journal_of(place)
    for number, size in enumerate(sizes):
        path = write_file(place.folder, f"{name}{number}", size)
        report = take(resources, path)
        journal.acknowledge(name=path.stem, rows=report.created + report.unchanged)


def import_when_told(place: Place, path: Path) -> None:
    """One import, once the file `go` is there, so that it can be watched from its first call."""
    resources = open_place(place)
    journal = journal_of(place)
    journal.acknowledge(ready=True)
    wait_until(place.beside("go").exists)
    report = take(resources, path)
    journal.acknowledge(name=path.stem, rows=report.created)


def write_and_read(place: Place) -> None:
    """Import, decide and ask in turn until the file `stop` is there; each notes how it ended."""
    resources = open_place(place)
    journal = journal_of(place)
    turns = count()
    while not place.beside("stop").exists():
        turn = next(turns)
        path = write_file(place.folder.parent, f"lot{turn}", 40)
        with noting_faults(journal, "import"):
            report = take(resources, path)
            journal.acknowledge(name=path.stem, rows=report.created)
        with noting_faults(journal, "decision"):
            said = Said(Say.NOTE, "Ada", words=f"note {turn}")
            decision = decide(resources, SLUG, Choice((1,)), said)
            journal.acknowledge(decision=decision, words=said.words)
        with noting_faults(journal, "query"):
            journal.acknowledge(answers=len(answer(resources, Query("les bus du soir"))))


def import_through_faults(place: Place, name: str) -> None:
    """Small imports until the file `stop` is there, going on whatever the machine refuses."""
    resources = open_place(place)
    journal = journal_of(place)
    numbers = count()
    while not place.beside("stop").exists():
        path = write_file(place.folder, f"{name}{next(numbers)}", 2)
        with noting_faults(journal, name):
            report = take(resources, path)
            journal.acknowledge(name=path.stem, rows=report.created, by=name)
            continue
        time.sleep(0.05)


def import_in_threads(place: Place, path: Path, threads: int) -> None:
    """The same file by several threads at once, when the file `go` is there."""
    resources = open_place(place)
    journal = journal_of(place)

    def import_it(_number: int) -> None:
        wait_until(place.beside("go").exists)
        report = take(resources, path)
        rows = report.created + report.unchanged
        journal.acknowledge(name=path.stem, rows=rows, created=report.created)

    journal.acknowledge(ready=True)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(import_it, range(threads)))


@contextmanager
def noting_faults(journal: Journal, what: str) -> Iterator[None]:
    """Note what the machine refused; a fault that has no words for people ends the process."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        fault = explain_fault(error)
        if fault is None:
            raise
        journal.acknowledge(refused=what, status=fault.status)


def serve(place: Place, lock_wait: float = LOCK_WAIT) -> None:
    """The service on a port of its own, which it notes."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(open_place(place, lock_wait=lock_wait))
    config = uvicorn.Config(app, log_level="warning")
    Journal(place.beside("port.jsonl")).acknowledge(port=listening.getsockname()[1])
    uvicorn.Server(config).run(sockets=[listening])


def import_and_publish(place: Place, name: str, times: int) -> None:
    """Small imports, the indexes sealed after each."""
    resources = open_place(place)
    journal = journal_of(place)
    for number in range(times):
        path = write_file(place.folder, f"{name}{number}", 2)
        report = take(resources, path)
        journal.acknowledge(name=path.stem, rows=report.created + report.unchanged)
        catch_up(resources)
        publish_now(resources)


def publish_until(place: Place, nth: int) -> None:
    """Seal what is indexed, and die before the nth call that changes the disk."""
    resources = open_place(place)
    catch_up(resources)
    with dying_before(nth):
        publish_now(resources)


@contextmanager
def dying_before(nth: int) -> Iterator[None]:
    """SIGKILL oneself before the nth call, by whatever Python code, that changes the disk."""
    calls = count(1)

    def watched(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            if next(calls) == nth:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        return call

    with ExitStack() as stack:
        for name in CHANGES_THE_DISK:
            stack.enter_context(patch.object(os, name, watched(getattr(os, name))))
        yield


def journal_of(place: Place) -> Journal:
    """Where the clients of a place note what they were told."""
    return Journal(place.beside("acknowledged.jsonl"))
