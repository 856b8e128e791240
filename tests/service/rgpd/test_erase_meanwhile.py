"""An erasure is not undone by who had read the person before it and writes after it."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from matcher.assignment import Limits
from matcher.encoder import Progress, Vectors
from matcher.wishes import Action
from service.access import Role, as_person
from service.app import create_app
from service.catchup import catch_up, publish_now
from service.database import now, read, write
from service.errors import Overtaken
from service.jobs import Task, work
from service.resources import Resources
from service.store.accounts import get_account
from service.store.jobs import NewJob, add_job
from service.store.readings import hold_reading, note_reading
from service.tables import Once, Pairing, SavedAnswer, SavedQuery, Table, Vector
from service.workflows import alerts, lexicon
from service.workflows.answer import Query
from service.workflows.background import WORKS
from service.workflows.edit_group import Who, edit_group
from service.workflows.erase import erase
from service.workflows.group import GroupPlan, group
from service.workflows.identify import Asking
from service.workflows.ledger import open_ledger
from service.workflows.show_jobs import show_job
from service.workflows.suggest import Plan, parse_kinds, suggest
from service.workflows.understand_edit import Wanted
from tests.builders import SLUG, import_rows
from tests.conftest import OpenResources
from tests.fakes import WordEncoder
from tests.service.people import Someone, add_person, sign_in
from tests.service.rgpd.background import ask
from tests.service.workers import ask as ask_for
from tests.service.workers import job, worker

AWA = Asking(email=Someone("Awa Diallo").email, name="Awa Diallo")
PLAN = Plan(Limits(), parse_kinds("problem-interest"))
HEADER = ("id", "organisation", "title", "text")


class StruckEncoder(WordEncoder):
    """Embeds as ever, but for what a test has happen meanwhile, once."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] | None = None

    def encode_passages(self, texts: Any, progress: Progress | None = None) -> Vectors:
        happen, self.meanwhile = self.meanwhile, None
        if happen and any("Diallo" in one for one in texts):
            happen()
        elif happen:
            self.meanwhile = happen
        return super().encode_passages(texts, progress)


class Meanwhile:
    """A progress that has Awa erased when a step is told of, once, as another process would."""

    def __init__(self, resources: Resources, step: str) -> None:
        self._resources, self._step = resources, step
        self.is_over = False

    def __call__(self, step: str, _done: int, _total: int) -> None:
        if step == self._step and not self.is_over:
            self.is_over = True
            forget(self._resources)


@pytest.fixture
def encoder() -> StruckEncoder:
    return StruckEncoder()


@pytest.fixture
def here(open_more: OpenResources, encoder: StruckEncoder) -> Resources:
    return open_more(encoder)


@pytest.fixture
def there(here: Resources, open_more: OpenResources) -> Resources:
    """Another process."""
    fill(here)
    return open_more()


def fill(resources: Resources) -> None:
    problems = [
        (f"P{i}", f"Asso {i}", f"Le vélo {i}", f"Awa Diallo cherche un garage à vélos {word}")
        for i, word in enumerate(("école", "mairie", "jardin", "logement"))
    ]
    import_rows(resources, HEADER, problems)
    interests = [("I1", "Labo", "Le vélo", "recherche sur les garages à vélos, avec Awa Diallo")]
    import_rows(resources, HEADER, interests, kind="interest")
    (resources.settings.data / "rows.csv").unlink()


def forget(resources: Resources) -> None:
    erase(resources, AWA, mask_texts=True)


def rows_that_name_her(resources: Resources) -> Iterator[str]:
    with read(resources.engine) as session:
        for table in Table.metadata.sorted_tables:
            for row in session.execute(select(table)):
                if "Diallo" in str(row) or any(
                    b"Diallo" in cell for cell in row if isinstance(cell, bytes)
                ):
                    yield f"{table.name}: {row}"


def count(resources: Resources, table: type[Table]) -> int:
    with read(resources.engine) as session:
        return len(session.execute(select(table)).all())


def test_suggestions_that_read_who_is_erased_are_not_kept(
    here: Resources, there: Resources
) -> None:
    erased = Meanwhile(there, "Raisons")

    with pytest.raises(Overtaken, match="Recommencez"):
        suggest(here, SLUG, PLAN, erased)

    assert erased.is_over
    assert list(rows_that_name_her(here)) == []
    suggest(here, SLUG, PLAN)
    assert count(here, Pairing) > 0
    assert list(rows_that_name_her(here)) == []


def test_a_grouping_that_read_who_is_erased_is_not_kept(here: Resources, there: Resources) -> None:
    erased = Meanwhile(there, "Titres des groupes")

    with pytest.raises(Overtaken):
        group(here, GroupPlan(SLUG, size=1), by="Awa Diallo", progress=erased)

    assert erased.is_over
    assert list(rows_that_name_her(here)) == []


def test_an_edit_of_groups_that_read_who_is_erased_is_not_kept(
    here: Resources, there: Resources
) -> None:
    group(here, GroupPlan(SLUG, size=1), by="Ada")
    out = Wanted(Action.TAKE_OUT, statements=("P0",))
    erased = Meanwhile(there, "Titres des groupes")

    with pytest.raises(Overtaken):
        edit_group(here, SLUG, out, Who("Awa Diallo"), erased)

    assert erased.is_over

    assert list(rows_that_name_her(here)) == []


def test_vectors_of_a_text_that_was_masked_meanwhile_are_not_kept(
    here: Resources, open_more: OpenResources, encoder: StruckEncoder
) -> None:
    there = open_more()
    old = WordEncoder().encode_passages(["Awa Diallo cherche un garage"])[0].tobytes()
    encoder.meanwhile = lambda: forget(there)

    import_rows(here, ("id", "text"), [("1", "Awa Diallo cherche un garage")])

    assert encoder.meanwhile is None
    with read(here.engine) as session:
        assert old not in set(session.execute(select(Vector.row)).scalars())
    (here.settings.data / "rows.csv").unlink()
    assert list(rows_that_name_her(here)) == []


def test_answers_to_a_kept_question_are_looked_for_again(
    here: Resources, there: Resources, encoder: StruckEncoder
) -> None:
    someone = add_person(here, Someone("Un chercheur", Role.ACADEMIC))
    with read(here.engine) as session:
        person = as_person(get_account(session, someone))
    seen = here.seen_by(person.scope())
    alerts.keep_query(seen, person, Query("jardin", k=10), by_mail=False)
    import_rows(here, HEADER, [("N1", "Asso N", "Le jardin", "Awa Diallo a un jardin, un jardin")])
    (here.settings.data / "rows.csv").unlink()
    catch_up(there)
    before = count(here, SavedAnswer)
    encoder.meanwhile = lambda: forget(there)

    assert alerts.look_again(here) == 0
    assert encoder.meanwhile is None
    assert list(rows_that_name_her(here)) == []
    assert alerts.look_again(here) > 0
    assert count(here, SavedAnswer) > before
    assert list(rows_that_name_her(here)) == []


def test_a_question_kept_by_who_is_erased_meanwhile_is_not_kept(
    here: Resources, there: Resources, encoder: StruckEncoder
) -> None:
    someone = add_person(here, Someone("Awa Diallo", Role.ACADEMIC))
    with read(here.engine) as session:
        person = as_person(get_account(session, someone))
    encoder.meanwhile = lambda: forget(there)

    with pytest.raises(Overtaken):
        alerts.keep_query(
            here.seen_by(person.scope()), person, Query("garage vélos", k=10), by_mail=True
        )

    assert count(here, SavedQuery) == 0
    assert list(rows_that_name_her(here)) == []


def test_proposals_for_the_lexicon_from_texts_of_before_are_not_kept(
    here: Resources, there: Resources, encoder: StruckEncoder
) -> None:
    suggest(here, SLUG, PLAN)
    encoder.meanwhile = None
    original = here.encoder.encode_passages

    def struck(texts: Any, progress: Progress | None = None) -> Vectors:
        forget(there)
        here.encoder.encode_passages = original  # type: ignore[method-assign]
        return original(texts, progress)

    here.encoder.encode_passages = struck  # type: ignore[method-assign]
    with pytest.raises(Overtaken):
        lexicon.propose_from_pairing(here, SLUG, 1)

    assert list(rows_that_name_her(here)) == []


def test_a_job_under_way_is_begun_again_and_keeps_nothing_it_read(resources: Resources) -> None:
    fill(resources)
    number = ask(resources, "Awa Diallo", "J1;un garage;")
    attempts: list[Mapping[str, Any]] = []

    def import_it(own: Resources, arguments: Mapping[str, Any], task: Task) -> Mapping[str, Any]:
        attempts.append(arguments)
        if len(attempts) == 1:
            forget(own)
        return WORKS["import"].run(own, arguments, task)

    work(worker(resources, **{"import": import_it}), once=True)

    shown = show_job(resources, number)
    assert (shown["state"], shown["attempts"]) == ("done", 1)
    assert shown["result"]["created"] == 1
    assert "Diallo" in str(attempts[0])
    assert "Diallo" not in str(attempts[1])
    assert list(rows_that_name_her(resources)) == []


def test_what_a_job_found_before_is_not_its_result(resources: Resources) -> None:
    number = ask_for(resources, "look")
    attempts: list[int] = []

    def look(own: Resources, _arguments: Mapping[str, Any], task: Task) -> Mapping[str, Any]:
        attempts.append(1)
        found = {"seen": "Awa Diallo" if len(attempts) == 1 else "personne"}
        task.progress("Awa Diallo", 1, 1)
        if len(attempts) == 1:
            forget(own)
        return found

    work(worker(resources, look=look), once=True)

    assert job(resources, number).result == {"seen": "personne"}
    assert len(attempts) == 2


def test_a_job_to_be_cancelled_is_cancelled_by_it(resources: Resources) -> None:
    number = ask_for(resources, "look")

    def look(own: Resources, _arguments: Mapping[str, Any], _task: Task) -> Mapping[str, Any]:
        with write(own.engine) as session:
            session.execute(text("UPDATE job SET cancelling = true"))
        forget(own)
        return {}

    work(worker(resources, look=look), once=True)

    assert str(job(resources, number).state) == "cancelled"


def test_an_answer_kept_for_who_asks_again_forgets_her_too(
    here: Resources, there: Resources, encoder: StruckEncoder
) -> None:
    new = {"kind": "problem", "organisation": "Asso", "text": "Awa Diallo a un autre jardin"}
    with TestClient(create_app(here)) as client:
        sign_in(client, here)
        catch_up(here)
        encoder.meanwhile = lambda: forget(there)
        url = f"/api/v1/sociopoles/{SLUG}/statements"
        first = client.post(url, json=new, headers={"Idempotency-Key": "k"})
        again = client.post(url, json=new, headers={"Idempotency-Key": "k"})

    assert encoder.meanwhile is None
    assert count(here, Once) == 1
    assert list(rows_that_name_her(here)) == []
    assert (first.status_code, again.status_code) == (201, 201)
    assert "Diallo" not in again.text


def test_an_erasure_waits_for_who_is_writing_what_they_read(
    resources: Resources, open_more: OpenResources
) -> None:
    there = open_more()
    open_ledger(resources)
    with read(resources.engine) as session:
        reading = note_reading(session)
    erasing = threading.Thread(target=forget, args=(there,))

    with write(resources.engine) as session:
        hold_reading(session, reading)
        erasing.start()
        wait_until(lambda: not erasing.is_alive() or is_at_the_door(resources))
        add_job(session, NewJob("look", {"seen": "Awa Diallo"}), now())
    erasing.join()

    assert list(rows_that_name_her(resources)) == []


def test_who_read_before_an_erasure_writes_no_more(resources: Resources) -> None:
    with read(resources.engine) as session:
        reading = note_reading(session)
    forget(resources)

    with write(resources.engine) as session, pytest.raises(Overtaken):
        hold_reading(session, reading)


def is_at_the_door(resources: Resources) -> bool:
    """Whether the erasure began, and (PostgreSQL says so) waits for a lock."""
    if resources.engine.dialect.name == "sqlite":
        return bool(open_ledger(resources).lines())
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    with read(resources.engine) as session:
        found = session.execute(text(f"{waiting} AND wait_event_type = 'Lock'")).scalar_one()
    return bool(found)


def wait_until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_indexes_of_before_are_not_published_again(
    resources: Resources, open_more: OpenResources
) -> None:
    """Also where no statement is left to index."""
    there = open_more()
    import_rows(resources, ("id", "text"), [("1", "Awa Diallo cherche un garage")])
    (resources.settings.data / "rows.csv").unlink()
    catch_up(there)
    with write(resources.engine) as session:
        session.execute(text("DELETE FROM statement"))
    forget(resources)

    publish_now(there)

    files = [path for path in resources.settings.index_folder.rglob("*") if path.is_file()]
    assert files
    assert not any(b"diallo" in path.read_bytes() for path in files)
