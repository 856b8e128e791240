"""F8: who meets a locked database waits for it, and past that is told to come again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from matcher.assignment import Limits
from service.cli import cli
from service.database import open_engine
from service.settings import Settings
from service.workflows.answer import Answer, Query, answer
from service.workflows.suggest import Plan, suggest
from tests.builders import SLUG
from tests.faults.audit import audit
from tests.faults.children import import_file, journal_of, opened, take, write_file
from tests.faults.conftest import Served, Tally
from tests.faults.processes import Children, Place

RUNS = f"/api/v1/sociopoles/{SLUG}/runs"
SHORT_WAIT = 0.3
HELD = 3.0


@pytest.mark.fault("F8")
def test_a_lock_that_is_let_go_in_time_is_waited_for(
    place: Place, served: Served, tally: Tally
) -> None:
    fill(place)
    client, _ = served(place)
    let_go = Event()

    with ThreadPoolExecutor(3) as pool, locked(place, let_go):
        runs = [pool.submit(client.post, RUNS, json={}) for _ in range(3)]
        assert not let_go.wait(HELD)
        assert not any(run.done() for run in runs)
        let_go.set()

    assert [run.result().status_code for run in runs] == [201, 201, 201]
    tally(3, "writes that waited 3 s")


@pytest.mark.fault("F8")
def test_a_lock_that_is_held_too_long_is_answered_503_and_when_to_come_again(
    place: Place, served: Served, tally: Tally
) -> None:
    fill(place)
    client, child = served(place, SHORT_WAIT)
    let_go = Event()

    with locked(place, let_go):
        refused = client.post(RUNS, json={})
        page = client.post(f"/sociopoles/{SLUG}/rapprochements")
        if place.is_sqlite:
            # Who writes keeps nobody from reading.
            assert client.get(f"/sociopoles/{SLUG}").status_code == 200
            assert client.get("/api/v1/search?q=bus").status_code == 200
        let_go.set()

    for turned_away in (refused, page):
        assert turned_away.status_code == 503
        assert int(turned_away.headers["retry-after"]) > 0
    assert refused.json()["title"] == "Le service est occupé"
    assert "Recommencez dans quelques secondes" in refused.json()["detail"]
    assert "Traceback" not in child.complaints
    assert client.post(RUNS, json={}).status_code == 201
    with opened(place) as resources:
        assert audit(resources, journal_of(place)) == []
    tally(2, "answers 503")


@pytest.mark.fault("F8")
def test_what_cannot_be_embedded_just_now_keeps_nobody_from_an_answer(
    place: Place, children: Children, tally: Tally
) -> None:
    fill(place)
    late = write_file(place.folder, "apres", 40)
    children.start(import_file, place, late, at="import.committed:kill").end(-9)
    let_go = Event()

    with opened(place, lock_wait=SHORT_WAIT) as resources:
        with locked(place, let_go, "vector", "SHARE"):
            found = [answer(resources, Query("les bus du soir")) for _ in range(2)]
            with pytest.raises(OperationalError):
                suggest(resources, SLUG, Plan(Limits()))
            let_go.set()
        suggest(resources, SLUG, Plan(Limits()))

        assert all(names_of(answers) == {"avant"} for answers in found)
        assert names_of(answer(resources, Query("les bus du soir", k=60))) == {"avant", "apres"}
        assert audit(resources, journal_of(place)) == []
    tally(2, "answers without what was not embedded")


@pytest.mark.fault("F8")
def test_the_command_says_that_the_database_is_busy(sqlite_place: Place, tally: Tally) -> None:
    path = write_file(sqlite_place.folder, "lot", 5)
    let_go = Event()
    command = f"import {path} --sociopole {SLUG} --kind problem --data {sqlite_place.folder}"
    environment = {"SOCIOPOLES_LOCK_WAIT": str(SHORT_WAIT), "SOCIOPOLES_MODEL": "fast"}

    with locked(sqlite_place, let_go):
        done = CliRunner().invoke(cli, command.split(), env=environment)
        let_go.set()

    assert done.exit_code == 1
    assert "Recommencez dans quelques secondes" in " ".join(done.output.split())
    tally(1, "commands refused")


def fill(place: Place) -> None:
    with opened(place) as resources:
        take(resources, write_file(place.folder, "avant", 20))


def names_of(answers: list[Answer]) -> set[str]:
    """The files that the answers come from."""
    return {found.view.public_id.partition("-")[0] for found in answers}


@contextmanager
def locked(
    place: Place, let_go: Event, tables: str = "sociopole, run, vector", mode: str = ""
) -> Iterator[None]:
    """The database held by another program, until told otherwise."""
    engine = open_engine(Settings(data=place.folder, database_url=place.url).url)
    connection = engine.connect()
    if place.is_sqlite:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.execute("BEGIN EXCLUSIVE")  # type: ignore[attr-defined]  # SQLite's own connection
    else:
        mode = mode or "ACCESS EXCLUSIVE"
        connection.execute(text(f"LOCK TABLE {tables} IN {mode} MODE"))
    with ThreadPoolExecutor(1) as pool:
        # Let go by another thread: the test may be waiting for an answer.
        free = pool.submit(let_go.wait, 60)
        try:
            yield
        finally:
            let_go.set()
            free.result()
            connection.connection.rollback()
            connection.close()
            engine.dispose()
