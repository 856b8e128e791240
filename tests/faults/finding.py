"""Ways to see which index a place answers from, and what it answers."""

from indexes.snapshot import SnapshotRefused
from service.catchup import catch_up, read_snapshot
from service.database import read
from service.resources import Resources
from service.store.revisions import current_mark
from service.workflows.answer import Query, answer
from tests.builders import SLUG
from tests.fakes import WordEncoder
from tests.faults.audit import audit
from tests.faults.children import journal_of, opened, take, write_file
from tests.faults.processes import Place

QUERY = Query("les bus du soir et les logements humides", SLUG)

Top = list[tuple[str, float]]


def fill(place: Place, name: str, rows: int) -> None:
    """Import so many needs, by a process of its own."""
    with opened(place) as resources:
        take(resources, write_file(place.folder, name, rows))


def top(resources: Resources) -> Top:
    """The ten best answers, with their scores to the last figure."""
    found = [(found.view.public_id, found.score) for found in answer(resources, QUERY)]
    assert len(found) == 10
    return found


def answers_of(place: Place) -> Top:
    """What a process started now answers."""
    with opened(place) as resources:
        return top(resources)


def assert_same_answers(place: Place, before: Top) -> None:
    """A process started now answers the same, and embeds no statement for it."""
    encoder = WordEncoder()
    with opened(place, encoder) as resources:
        catch_up(resources)
        assert encoder.embedded == []
        assert top(resources) == before


def assert_clean(place: Place) -> None:
    """All invariants hold."""
    with opened(place) as resources:
        assert audit(resources, journal_of(place)) == []


def refusal(place: Place, encoder: WordEncoder | None = None) -> str:
    """Why the published snapshot is not used, empty where it is."""
    with opened(place, encoder) as resources:
        with read(resources.engine) as session:
            mark = current_mark(session)
        try:
            read_snapshot(resources, mark)
        except SnapshotRefused as refused:
            return refused.reason
    return ""
