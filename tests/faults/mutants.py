"""The faults of a careless program, on purpose: the harness must report each of them."""

import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

from indexes import snapshot
from service import database
from service.catchup import catch_up, publish_now
from service.workflows import take_in as workflow
from tests.faults.children import (
    dying_before,
    import_when_told,
    journal_of,
    open_place,
    take,
    write_file,
)
from tests.faults.processes import Place

ROWS = 40


def acknowledge_before_commit(place: Place, times: int) -> None:
    """Imports that are said to be done while their transaction is still open."""
    resources = open_place(place)
    journal = journal_of(place)
    save = workflow.save_import

    def save_too_soon(session: Any, sociopole: int, path: Path, **rest: Any) -> None:
        save(session, sociopole, path, **rest)
        journal.acknowledge(name=path.stem, rows=ROWS)
        time.sleep(0.02)

    with patch.object(workflow, "save_import", save_too_soon):
        for number in range(times):
            take(resources, write_file(place.folder, f"lot{number}", ROWS))


def import_without_syncing(place: Place, path: Path) -> None:
    """What a kill cannot show, and a power cut would: nothing waits for the disk."""
    safe = database._configure_sqlite

    def configure(lock_wait: float, connection: Any, record: object) -> None:
        safe(lock_wait, connection, record)
        connection.execute("PRAGMA synchronous=OFF")

    with patch.object(database, "_configure_sqlite", configure):
        import_when_told(place, path)


def publish_beyond_what_is_indexed(place: Place, too_high: int) -> None:
    """A snapshot whose label promises revisions that it does not hold."""
    resources = open_place(place)
    catch_up(resources)
    resources.indexes.revision += too_high
    publish_now(resources)


def publish_the_manifest_first(place: Place, nth: int) -> None:
    """A snapshot that is named before it is there; dies as `publish_until` does."""
    resources = open_place(place)
    catch_up(resources)
    write_place, write_durably = snapshot._write_place, snapshot.write_durably
    held: list[tuple[Any, ...]] = []

    def write_later(*what: Any) -> None:
        held.append(what)

    def write_both(*manifest: Any) -> None:
        write_durably(*manifest)
        write_place(*held[0])

    with (
        patch.object(snapshot, "_write_place", write_later),
        patch.object(snapshot, "write_durably", write_both),
        dying_before(nth),
    ):
        publish_now(resources)
