"""F4: a full disk refuses what is new, in words; it loses nothing, and reading goes on."""

import datetime as dt
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from matcher.assignment import Limits
from service.database import now, read, write
from service.resources import Resources
from service.tables import Run, SignIn
from service.workflows.suggest import Plan, suggest
from service.workflows.take_in import ImportPlan, take_in
from tests.builders import SLUG, write_csv, write_static_model
from tests.faults.audit import audit
from tests.faults.children import HEADER, journal_of, opened, take, write_and_read, write_file
from tests.faults.conftest import Served, Tally
from tests.faults.processes import Child, Children, Place, wait_until

ROOT = Path(__file__).parents[2]
RUNS = f"/api/v1/sociopoles/{SLUG}/runs"
REFUSE = "CREATE TRIGGER full BEFORE {what} BEGIN SELECT RAISE(FAIL, 'no room for it'); END"
STATEMENTS = f"/api/v1/sociopoles/{SLUG}/statements"
CANARY = "canari cyclamen"
NEW = {"kind": "problem", "organisation": "Association"}
SHARED_MEMORY_BYTES = 32_768
"""What SQLite's -shm file has: a process that may not write even that reads nothing either."""
FIRST_LINES = 9
TMPFS_BYTES = 8_000_000

Fill = Callable[[Place, Child], None]


def limit_files(place: Place, child: Child, size: int = 0) -> None:
    """No file of this process grows any more beyond `size`, else what the log has and a little."""
    log = place.folder / "sociopoles.sqlite3-wal"
    size = size or max(log.stat().st_size if log.exists() else 0, 40_000) + 20_000
    unlimited = resource.RLIM_INFINITY
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (size, unlimited))


def lift_limit(_place: Place, child: Child) -> None:
    unlimited = resource.RLIM_INFINITY
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))


def fill_disk(place: Place, _child: Child) -> None:
    """Take what room there is, to the last byte."""
    with (place.folder / "filler").open("wb", buffering=0) as filler:
        for block in (65_536, 4_096):
            try:
                while True:
                    filler.write(bytes(block))
            except OSError:
                continue


def free_disk(place: Place, _child: Child) -> None:
    (place.folder / "filler").unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of a few megabytes, in memory."""
    folder.mkdir()
    size = f"size={TMPFS_BYTES}"
    mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    if (
        sys.platform != "linux"
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("a small disk may not be mounted here (tmpfs): only file sizes were limited")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(params=["file size", "tmpfs"])
def full(
    request: pytest.FixtureRequest, sqlite_place: Place, tmp_path: Path
) -> Iterator[tuple[Place, Fill, Fill]]:
    """A place, how to leave it no room, and how to give it room again."""
    if request.param == "file size":
        yield sqlite_place, limit_files, lift_limit
        return
    with small_disk(tmp_path / "small") as folder:
        sqlite_place.database.rename(tmp_path / "copied.sqlite3")
        (folder / "sociopoles.sqlite3").write_bytes((tmp_path / "copied.sqlite3").read_bytes())
        yield Place(folder, ""), fill_disk, free_disk


@pytest.mark.fault("F4")
def test_a_full_disk_loses_nothing_keeps_answering_and_recovers_by_itself(
    full: tuple[Place, Fill, Fill], children: Children, tally: Tally
) -> None:
    place, fill, free = full
    with opened(place) as resources:
        propose_pairings(resources)
    child = children.start(write_and_read, place)
    journal = journal_of(place)
    journal.wait_for(FIRST_LINES, child)

    fill(place, child)
    wait_until(lambda: refusals(journal_of(place).read(), "decision") >= 2 or not child.is_alive)
    while_full = len(journal.read())
    journal.wait_for(while_full + 3, child)
    free(place, child)
    freed = len(journal.read())
    journal.wait_for(freed + FIRST_LINES, child)
    place.beside("stop").touch()
    child.end()

    lines = journal.read()
    assert refusals(lines, "query") == 0
    assert {line["status"] for line in lines if "refused" in line} == {507}
    assert any("decision" in line for line in lines[freed:])
    assert any("name" in line for line in lines[freed:])
    with opened(place) as resources:
        assert audit(resources, journal) == []
    tally(sum("refused" in line for line in lines), "writes refused")


@pytest.mark.fault("F4")
def test_the_service_answers_507_to_what_it_cannot_write_and_serves_the_rest(
    sqlite_place: Place, served: Served, tally: Tally
) -> None:
    with opened(sqlite_place) as resources:
        propose_pairings(resources)
    client, child = served(sqlite_place)
    assert client.post(RUNS, json={}).status_code == 201

    limit_files(sqlite_place, child)
    answers = [client.post(RUNS, json={}) for _ in range(20)]
    with opened(sqlite_place) as resources:
        look_long_away(resources)
    limit_files(sqlite_place, child, SHARED_MEMORY_BYTES)
    page = client.post(f"/sociopoles/{SLUG}/rapprochements")
    read = [client.get(f"/api/v1/search?q=bus&sociopole={SLUG}"), client.get(f"/sociopoles/{SLUG}")]
    lift_limit(sqlite_place, child)
    afterwards = client.post(RUNS, json={})

    refused = [answer for answer in answers if answer.status_code != 201]
    assert refused
    assert {answer.status_code for answer in refused} == {507}
    assert refused[0].json()["title"] == "Le disque est plein"
    assert "Libérez de l'espace" in refused[0].json()["detail"]
    assert int(refused[0].headers["retry-after"]) > 0
    assert (page.status_code, "Plus de place" in page.text) == (507, True)
    assert [answer.status_code for answer in read] == [200, 200]
    assert afterwards.status_code == 201
    assert "Traceback" not in child.complaints
    assert "a visit was not noted" in child.complaints
    tally(len(refused), "answers 507")


@pytest.mark.fault("F4")
def test_a_fault_while_a_text_is_written_puts_none_of_it_into_the_log(
    sqlite_place: Place, served: Served, tally: Tally
) -> None:
    with opened(sqlite_place) as resources, write(resources.engine) as session:
        session.execute(text(REFUSE.format(what="INSERT ON statement")))
    client, child = served(sqlite_place)

    answer = client.post(STATEMENTS, json=NEW | {"text": CANARY})

    assert answer.status_code == 500
    assert "no room for it" in child.complaints
    assert CANARY not in child.complaints + answer.text
    tally(1, "faults logged")


@pytest.mark.fault("F4")
def test_what_was_done_is_answered_even_where_its_answer_cannot_be_kept(
    sqlite_place: Place, served: Served, tally: Tally
) -> None:
    with opened(sqlite_place) as resources:
        propose_pairings(resources)
        with write(resources.engine) as session:
            session.execute(text(REFUSE.format(what="UPDATE ON once")))
    client, _ = served(sqlite_place)

    done = client.post(RUNS, json={}, headers={"Idempotency-Key": "un"})

    # To answer otherwise would have it done again under another key.
    assert done.status_code == 201
    with opened(sqlite_place) as resources, read(resources.engine) as session:
        assert session.execute(select(func.count()).select_from(Run)).scalar_one() == 2
    tally(1, "answers not kept")


@pytest.mark.fault("F4")
def test_an_import_whose_vectors_cannot_be_kept_is_acknowledged(
    sqlite_place: Place, tally: Tally
) -> None:
    path = write_file(sqlite_place.folder, "lot", 20)
    with opened(sqlite_place) as resources:
        with write(resources.engine) as session:
            session.execute(text(REFUSE.format(what="INSERT ON vector")))

        assert take(resources, path).created == 20

        with write(resources.engine) as session:
            session.execute(text("DROP TRIGGER full"))
        assert audit(resources, journal_of(sqlite_place)) == []
        assert len(resources.indexes.vectors) == 20
    tally(1, "imports acknowledged before they are indexed")


@pytest.mark.fault("F4")
def test_the_command_says_what_to_do_about_a_full_disk(
    sqlite_place: Place, tmp_path: Path, tally: Tally
) -> None:
    model = write_static_model(tmp_path / "tiny", "bus jardin logement")
    path = write_file(sqlite_place.folder, "recueil", 2_000)
    command = f"import {path} --sociopole {SLUG} --kind problem --data {sqlite_place.folder}"
    program = "from service.cli import main; main()"
    limited = f"ulimit -f 400; SOCIOPOLES_MODEL={model} {sys.executable} -c '{program}' {command}"

    done = subprocess.run(
        ["bash", "-c", limited], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1, done.stderr
    assert "Libérez de l'espace" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    with opened(sqlite_place) as resources:
        assert audit(resources, journal_of(sqlite_place)) == []
        assert take(resources, path).created == 2_000
    tally(1, "commands refused")


def propose_pairings(resources: Resources) -> None:
    """Something to decide on and to find."""
    take(resources, write_file(resources.settings.data, "avant", 20))
    rows = [("labo-1", "Laboratoire", "mobilité du soir : les bus et ceux qui en dépendent")]
    path = write_csv(resources.settings.data / "labo.csv", HEADER, rows)
    take_in(resources, ImportPlan(path, SLUG, "interest"))
    suggest(resources, SLUG, Plan(Limits()))


def look_long_away(resources: Resources) -> None:
    """Let the next visit be one that is noted."""
    with write(resources.engine) as session:
        session.execute(update(SignIn).values(seen_at=now() - dt.timedelta(hours=1)))


def refusals(lines: list[dict[str, object]], what: str) -> int:
    return sum(line.get("refused") == what for line in lines)
