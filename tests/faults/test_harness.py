"""The harness proves itself: what a careless program loses is reported, each kind by its name."""

from collections.abc import Callable
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import delete, update

from service.database import write
from service.resources import Resources
from service.tables import Import, StatementRow, Vector
from tests.faults import mutants
from tests.faults.audit import audit
from tests.faults.children import import_files, journal_of, opened, take, write_file
from tests.faults.conftest import Fresh, Tally
from tests.faults.processes import Children, Place

pytestmark = pytest.mark.fault("proof")
ROUNDS = 5


def test_an_acknowledgement_before_the_commit_is_caught(
    fresh: Fresh, children: Children, tally: Tally
) -> None:
    for number in range(ROUNDS):
        place = fresh(f"round-{number}")
        child = children.start(mutants.acknowledge_before_commit, place, 1_000)
        journal_of(place).wait_for(2, child)
        child.kill()

        with opened(place) as resources:
            wrong = audit(resources, journal_of(place))

        assert [fault for fault in wrong if fault.startswith("lost")]
    tally(ROUNDS, "early acknowledgements caught")


def test_the_same_kills_find_nothing_in_the_program_itself(
    fresh: Fresh, children: Children, tally: Tally
) -> None:
    for number in range(ROUNDS):
        place = fresh(f"round-{number}")
        child = children.start(import_files, place, "lot", [mutants.ROWS] * 1_000)
        journal_of(place).wait_for(2, child)
        child.kill()

        with opened(place) as resources:
            assert audit(resources, journal_of(place)) == []
    tally(ROUNDS, "clean controls")


@pytest.mark.parametrize("later", [0, 10])
def test_a_snapshot_that_promises_more_than_it_holds_is_caught(
    place: Place, children: Children, tally: Tally, later: int
) -> None:
    with opened(place) as resources:
        take(resources, write_file(place.folder, "avant", 30))
    children.start(mutants.publish_beyond_what_is_indexed, place, 10).end()
    # Ten rows later the database has reached what the snapshot promised, and trusts it.
    children.start(import_unindexed, place, later).end()

    with opened(place) as resources:
        wrong = audit(resources, journal_of(place))

    if later:
        assert [fault for fault in wrong if fault.startswith("check: absents de l'index")]
        assert [fault for fault in wrong if fault.startswith("index at 40: lacks")]
    else:
        assert [fault for fault in wrong if "newer" in fault]
    tally(1, "false revisions caught")


def test_a_manifest_that_is_written_before_its_files_is_caught(
    sqlite_place: Place, children: Children, tally: Tally
) -> None:
    with opened(sqlite_place) as resources:
        take(resources, write_file(sqlite_place.folder, "avant", 60))
    caught = 0
    for nth in count(1):
        child = children.start(mutants.publish_the_manifest_first, sqlite_place, nth)
        if child.waited() == 0:
            break
        with opened(sqlite_place) as resources:
            caught += bool(audit(resources, journal_of(sqlite_place)))

    assert caught >= 3
    tally(caught, "snapshots named too soon caught")


def _lose_a_row(resources: Resources) -> None:
    change(resources, delete(StatementRow).where(StatementRow.public_id == "lot-7"))


def _lose_an_import(resources: Resources) -> None:
    change(resources, delete(Import))


def _lose_all_rows_of_an_import(resources: Resources) -> None:
    change(resources, delete(StatementRow))


def _change_a_text(resources: Resources) -> None:
    one = StatementRow.public_id == "lot-7"
    change(resources, update(StatementRow).where(one).values(text="autre chose"))


def _change_the_vectors(resources: Resources) -> None:
    change(resources, update(Vector).values(row=b"\0\0\0\x3d" * resources.encoder.dim))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_lose_a_row, "lost"),
        (_lose_a_row, "partial"),
        (_lose_a_row, "check: de trop"),
        (_lose_an_import, "partial"),
        (_lose_all_rows_of_an_import, "phantom import"),
        (_change_a_text, "check: contribution"),
        (_change_the_vectors, "check: vecteurs périmés"),
    ],
)
def test_each_loss_is_reported_by_its_name(
    place: Place, spoil: Callable[[Resources], None], said: str
) -> None:
    with opened(place) as resources:
        take(resources, write_file(place.folder, "lot", 20))
        journal_of(place).acknowledge(name="lot", rows=20)
        assert audit(resources, journal_of(place)) == []

        spoil(resources)

        assert [fault for fault in audit(resources, journal_of(place)) if fault.startswith(said)]


def import_unindexed(place: Place, rows: int) -> None:
    """An import whose process ends before it has indexed anything."""
    if not rows:
        return
    with (
        patch.object(mutants.workflow, "index_committed", lambda *_: None),
        opened(place) as resources,
    ):
        take(resources, write_file(place.folder, "apres", rows))


def change(resources: Resources, statement: Any) -> None:
    with write(resources.engine) as session:
        session.execute(statement)
