"""F2: killed while it seals the indexes, a process leaves a snapshot that is whole."""

import random
import shutil
import time
from itertools import count
from pathlib import Path

import pytest

from service.catchup import catch_up, publish_now
from tests.faults.audit import audit
from tests.faults.children import (
    import_and_publish,
    journal_of,
    opened,
    publish_until,
    take,
    write_file,
)
from tests.faults.conftest import Tally, rounds
from tests.faults.processes import Children, Place

CALLS = 12
"""At least so many calls change the disk while a snapshot is sealed."""


@pytest.mark.fault("F2")
def test_a_kill_before_each_call_that_changes_the_disk_leaves_a_whole_snapshot(
    sqlite_place: Place, children: Children, tally: Tally
) -> None:
    fill(sqlite_place, "avant", 60)
    fill(sqlite_place, "apres", 2)

    for nth in count(1):
        child = children.start(publish_until, sqlite_place, nth)
        assert child.waited() in {0, -9}, child.complaints
        with opened(sqlite_place) as resources:
            catch_up(resources)
            assert resources.encoder.embedded == []
            assert audit(resources, journal_of(sqlite_place)) == []
        if child.exit_code == 0:
            break

    assert nth > CALLS
    assert_nothing_is_left_over(sqlite_place)
    tally(nth - 1, "kills at a call")


@pytest.mark.fault("F2")
def test_a_kill_at_random_leaves_a_whole_snapshot(
    sqlite_place: Place, tmp_path: Path, children: Children, tally: Tally
) -> None:
    fill(sqlite_place, "avant", 3_000)
    moments = random.Random(21)

    for number in range(rounds(10)):
        place = Place(tmp_path / f"round-{number}", "")
        shutil.copytree(sqlite_place.folder, place.folder)
        child = children.start(import_and_publish, place, "lot", 1_000)
        journal_of(place).wait_for(moments.randint(1, 2), child)
        time.sleep(moments.uniform(0, 0.15))
        child.kill()

        with opened(place) as resources:
            assert audit(resources, journal_of(place)) == []
            publish_now(resources)
        assert_nothing_is_left_over(place)
        shutil.rmtree(place.folder)
    tally(rounds(10), "kills at random")


def fill(place: Place, name: str, rows: int) -> None:
    with opened(place) as resources:
        take(resources, write_file(place.folder, name, rows))


def assert_nothing_is_left_over(place: Place) -> None:
    names = sorted(path.name.partition("-")[0] for path in (place.folder / "indexes").iterdir())

    assert names == ["manifest.json", "publisher.lock", "snapshot"]
