"""F7: two processes write, index and publish in one folder; nobody fails, and a reader sees all."""

import pytest

from service.catchup import catch_up
from service.database import read
from service.resources import Resources
from service.store.statements import searchable_ids, statements_by_id
from tests.faults.audit import audit
from tests.faults.children import import_and_publish, journal_of, opened
from tests.faults.conftest import Fresh, Tally, rounds
from tests.faults.processes import Children

TRANSACTIONS = 60


@pytest.mark.fault("F7")
def test_two_publishers_never_fail_and_a_reader_finds_each_row_at_its_next_search(
    fresh: Fresh, children: Children, tally: Tally
) -> None:
    searches = 0
    for number in range(rounds(1, at_most=10)):
        place = fresh(f"round-{number}")
        journal = journal_of(place)
        writers = [
            children.start(import_and_publish, place, name, TRANSACTIONS) for name in ("un", "deux")
        ]
        with opened(place) as reader:
            while any(writer.is_alive for writer in writers):
                acknowledged = {line["name"] for line in journal.read()}
                assert acknowledged <= imports_indexed(reader)
                searches += 1
            for writer in writers:
                writer.end()

        assert len(journal.read()) == 2 * TRANSACTIONS
        with opened(place) as resources:
            assert audit(resources, journal) == []
            assert len(resources.indexes.vectors) == 4 * TRANSACTIONS
    tally(rounds(1, at_most=10) * 2 * TRANSACTIONS, "transactions")
    tally(searches, "searches meanwhile")


def imports_indexed(resources: Resources) -> set[str]:
    """The files of which a search finds both rows."""
    catch_up(resources)
    indexed = set(resources.indexes.vectors.ids().tolist())
    with read(resources.engine) as session:
        views = statements_by_id(session, searchable_ids(session))
    found = [view.public_id.partition("-")[0] for view in views if view.statement.id in indexed]
    return {name for name in found if found.count(name) == 2}
