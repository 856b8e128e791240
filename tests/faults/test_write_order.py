"""F2, F4, F16: each write is on the disk before what relies on it; a kill or error at any of them.

A kill leaves what the system holds in memory, so it says nothing of power cuts: the order of the
calls does.
"""

from pathlib import Path

import pytest

from tests.faults import mutants
from tests.faults.audit import audit
from tests.faults.children import import_when_told, journal_of, opened, take, write_file
from tests.faults.conftest import Tally, rounds
from tests.faults.processes import Children, Place, wait_until
from tests.faults.tracing import Strace, order_faults

ROWS = 40
WRITES, SYNCS = 66, 8
"""At least so many calls of a kind an import of 40 rows and its snapshot make."""


@pytest.mark.fault("F16")
def test_all_is_on_the_disk_before_it_is_named_or_acknowledged(
    sqlite_place: Place, children: Children, strace: Strace, tally: Tally
) -> None:
    with opened(sqlite_place) as resources:
        take(resources, write_file(sqlite_place.folder, "avant", ROWS))

    trace = trace_import(sqlite_place, children, strace, import_when_told)

    assert "rows" in journal_of(sqlite_place).read()[-1]
    seen = trace.read_text("utf-8", "replace")
    assert all(name in seen for name in ("manifest.json", "vectors.faiss", "sqlite3-wal"))
    assert order_faults(trace, "acknowledged.jsonl") == []
    tally(1, "orders of writes")


@pytest.mark.fault("proof")
def test_a_database_that_does_not_wait_for_the_disk_is_caught(
    sqlite_place: Place, children: Children, strace: Strace, tally: Tally
) -> None:
    trace = trace_import(sqlite_place, children, strace, mutants.import_without_syncing)

    assert any("sqlite3-wal" in fault for fault in order_faults(trace, "acknowledged.jsonl"))
    tally(1, "missing syncs caught")


@pytest.mark.parametrize(
    ("fault", "kind", "calls"),
    [
        ("signal=SIGKILL", "pwrite64", WRITES),
        ("signal=SIGKILL", "fdatasync,fsync,rename", SYNCS),
        ("error=ENOSPC", "pwrite64,write", WRITES),
        ("error=EIO", "fdatasync,fsync", SYNCS),
    ],
)
@pytest.mark.fault("F2")
def test_a_call_that_kills_or_fails_loses_nothing_acknowledged(
    sqlite_place: Place,
    children: Children,
    strace: Strace,
    tally: Tally,
    fault: str,
    kind: str,
    calls: int,
) -> None:
    """One place struck again and again, as an unlucky machine would be."""
    with opened(sqlite_place) as resources:
        take(resources, write_file(sqlite_place.folder, "avant", ROWS))
    journal_of(sqlite_place).acknowledge(name="avant", rows=ROWS)
    struck = range(1, calls + 1, calls // min(rounds(3), calls))

    for nth in struck:
        inject = f"inject={kind}:{fault}:when={nth}"
        trace_import(sqlite_place, children, strace, import_when_told, "-e", inject, at=nth)
        with opened(sqlite_place) as resources:
            assert audit(resources, journal_of(sqlite_place)) == []
    tally(len(struck), f"calls with {fault}")


def trace_import(
    place: Place, children: Children, strace: Strace, work: object, *options: str, at: int = 0
) -> Path:
    """The trace of one import by `work`, however it ended."""
    go, trace = place.beside("go"), place.beside(f"trace-{at}.log")
    go.unlink(missing_ok=True)
    before = len(journal_of(place).read())
    path = write_file(place.folder, f"lot{at}", ROWS)
    child = children.start(work, place, path)  # type: ignore[arg-type]  # one of ours
    journal_of(place).wait_for(before + 1, child)
    with strace.on(child.pid, trace, *options):
        go.touch()
        wait_until(lambda: not child.is_alive)
    return trace
