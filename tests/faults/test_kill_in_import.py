"""F1, F16: a killed import left all its rows or none, and sending it again completes it."""

import random
import shutil
import time
from pathlib import Path

import pytest

from tests.faults.audit import audit
from tests.faults.children import import_file, import_files, journal_of, opened, take, write_file
from tests.faults.conftest import Fresh, Tally, rounds
from tests.faults.processes import Children, Place

ROWS = 5_000
BEFORE_COMMIT = "import.written:kill"
AFTER_COMMIT = (
    "import.committed:kill",
    "vectors.kept:kill",
    "vectors.kept:kill:2",
    "publish.begins:kill",
    "publish.done:kill",
)


@pytest.fixture(scope="module")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_file(tmp_path_factory.mktemp("files"), "recueil", ROWS)


@pytest.mark.fault("F1")
def test_a_kill_at_any_moment_leaves_all_or_nothing_and_sending_again_gives_all(
    big_file: Path, fresh: Fresh, children: Children, tally: Tally
) -> None:
    moments = random.Random(11)
    lasts = time_one_import(fresh("quiet"), big_file, children)

    for number in range(rounds(3, at_most=60)):
        place = fresh(f"round-{number}")
        child = children.start(import_file, place, big_file)
        journal_of(place).wait_for(1, child)
        time.sleep(moments.uniform(0, lasts))
        child.kill()

        assert_all_or_nothing(place, ROWS)
        assert_sent_again_gives_all(place, big_file, ROWS)
        shutil.rmtree(place.folder)
    tally(rounds(3, at_most=60), "kills at random")


@pytest.mark.fault("F1")
@pytest.mark.parametrize("at", [BEFORE_COMMIT, *AFTER_COMMIT])
def test_a_kill_at_each_step_leaves_all_or_nothing_and_sending_again_gives_all(
    at: str, place: Place, children: Children, tally: Tally
) -> None:
    path = write_file(place.folder, "recueil", 1_200)
    children.start(import_file, place, path, at=at).end(-9)

    assert_all_or_nothing(place, 1_200)
    created = assert_sent_again_gives_all(place, path, 1_200)

    assert created == (1_200 if at == BEFORE_COMMIT else 0)
    tally(1, "kills at a step")


@pytest.mark.fault("F1")
def test_of_many_imports_none_that_was_acknowledged_is_lost_to_a_kill(
    fresh: Fresh, children: Children, tally: Tally
) -> None:
    moments = random.Random(12)
    acknowledged = 0
    for number in range(rounds(8)):
        place = fresh(f"round-{number}")
        child = children.start(import_files, place, "lot", [40] * 1_000)
        # From a kill at the very instant of an answer to one in the middle of the next import.
        journal_of(place).wait_for(moments.randint(1, 6), child)
        time.sleep(moments.choice((0, moments.uniform(0, 0.05))))
        child.kill()

        acknowledged += len(journal_of(place).read())
        with opened(place) as resources:
            assert audit(resources, journal_of(place)) == []
        shutil.rmtree(place.folder)
    tally(rounds(8), "kills between imports")
    tally(acknowledged, "acknowledged imports")


@pytest.mark.fault("F16")
@pytest.mark.parametrize("at", ["import.committed:kill", "vectors.kept:kill"])
def test_what_was_committed_and_not_indexed_is_found_after_the_restart(
    at: str, place: Place, children: Children, tally: Tally
) -> None:
    with opened(place) as resources:
        take(resources, write_file(place.folder, "avant", 300))
    children.start(import_files, place, "apres", [600], at=at).end(-9)

    with opened(place) as later:
        assert audit(later, journal_of(place)) == []
        assert len(later.indexes.vectors) == 900
    tally(1, "ends between commit and index")


def time_one_import(place: Place, path: Path, children: Children) -> float:
    """Seconds from the start of an import to its answer."""
    journal = journal_of(place)
    child = children.start(import_file, place, path)
    journal.wait_for(1, child)
    start = time.monotonic()
    journal.wait_for(2, child)
    return time.monotonic() - start


def assert_all_or_nothing(place: Place, rows: int) -> None:
    with opened(place) as resources:
        assert audit(resources, journal_of(place)) == []
        assert len(resources.indexes.vectors) in {0, rows}


def assert_sent_again_gives_all(place: Place, path: Path, rows: int) -> int:
    """How many of them were created by sending again."""
    with opened(place) as resources:
        report = take(resources, path)
        assert report.created + report.unchanged == rows
        assert audit(resources, journal_of(place)) == []
    return report.created
