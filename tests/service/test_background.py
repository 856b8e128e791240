"""Imports, suggestions, groupings and vectors in the background."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from matcher.assignment import Limits
from matcher.encoder import Vectors
from matcher.group_size import Size
from matcher.statements import Kind
from service.access import Role
from service.app import create_app
from service.database import now, read, write
from service.errors import Forbidden, NotFound, Refused
from service.failpoints import FailpointError, arm
from service.files.limits import MAX_FILE_BYTES
from service.jobs import work
from service.resources import Resources
from service.store.accounts import NewAccount
from service.store.groupings import get_grouping
from service.store.jobs import MOST_ATTEMPTS, give_back, keep_result, running_jobs, take_next
from service.store.pairings import latest_run
from service.store.scope import Scope
from service.store.sociopoles import add_sociopole, get_sociopole
from service.store.statements import statements_of
from service.store.vectors import lacks_vectors
from service.workflows.accounts import RoleWanted, create_account
from service.workflows.background import (
    WORKS,
    Asked,
    cancel,
    retry,
    submit_embedding,
    submit_grouping,
    submit_import,
    submit_suggestions,
    tidy_uploads,
)
from service.workflows.group import GroupPlan
from service.workflows.show_jobs import show_job, show_jobs
from service.workflows.suggest import Plan, parse_kinds
from service.workflows.take_in import ImportPlan
from tests.builders import SLUG, import_texts
from tests.conftest import OpenResources
from tests.fakes import WordEncoder
from tests.service.people import ANIMATOR, sign_in
from tests.service.workers import worker

ANA = Asked("Ana")
NEEDS = (
    "id;organisation;text\n1;Les Jardins;des vélos pour les enfants\n2;Repair;un jardin humide\n"
)
WITHOUT_TEXT = "id;organisation;text\n1;Les Jardins;\n2;Repair;un jardin humide\n"


def submit(resources: Resources, content: str = NEEDS, asked: Asked = ANA, **options: Any) -> int:
    plan: dict[str, Any] = {"path": Path("besoins.csv"), "sociopole": SLUG, "kind": "problem"}
    return submit_import(
        resources, ImportPlan(**plan | options), io.BytesIO(content.encode()), asked
    )


def do_all(resources: Resources) -> None:
    one = worker(resources, **{kind: known.run for kind, known in WORKS.items()})
    work(one, once=True)
    tidy_uploads(resources.settings, resources.engine)


def uploads(resources: Resources) -> list[str]:
    folder = resources.settings.upload_folder
    return sorted(path.name for path in folder.glob("*") if path.name != ".lock")


def texts(resources: Resources) -> list[str]:
    with read(resources.engine) as session:
        home = get_sociopole(session, SLUG).id
        return [v.statement.text for v in statements_of(session, home, list(Kind))]


def test_a_file_waits_under_a_name_of_our_own_until_it_is_imported_and_no_longer(
    resources: Resources,
) -> None:
    number = submit(resources, path=Path("../../Besoins (été).CSV"))
    waiting = uploads(resources)
    do_all(resources)

    assert len(waiting) == 1
    assert waiting[0].endswith(".csv")
    assert "Besoins" not in waiting[0]
    assert texts(resources) == ["des vélos pour les enfants", "un jardin humide"]
    assert uploads(resources) == []
    shown = show_job(resources, number)
    assert (shown["state"], shown["result"]["created"]) == ("done", 2)
    assert shown["arguments"]["file_name"] == "Besoins (été).CSV"
    assert waiting[0] not in str(shown)


def test_an_import_with_errors_fails_with_its_report_and_changes_nothing(
    resources: Resources,
) -> None:
    refused = submit(resources, WITHOUT_TEXT)
    in_part = submit(resources, WITHOUT_TEXT, skip_errors=True)
    trial = submit(resources, dry_run=True)
    do_all(resources)

    shown = [show_job(resources, number) for number in (refused, in_part, trial)]
    assert [one["state"] for one in shown] == ["failed", "done", "done"]
    assert shown[0]["result"]["errors"][0]["row"] == 2
    assert "rien n'a été enregistré" in shown[0]["error"]
    assert shown[2]["result"]["written"] is False
    assert texts(resources) == ["un jardin humide"]


def test_a_file_that_cannot_be_read_is_told_by_the_name_people_know(resources: Resources) -> None:
    number = submit(resources, "%PDF-1.7 …")
    do_all(resources)

    assert show_job(resources, number)["error"].startswith("« besoins.csv » est en réalité")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sociopole": "atlantide"}, "atlantide"),
        ({"path": Path("besoins.exe")}, "besoins.exe"),
        ({"asked": Asked("Ana", "k")}, "« k »"),
    ],
    ids=["sociopole", "suffix", "key"],
)
def test_what_cannot_be_done_is_refused_at_once_and_leaves_no_file(
    resources: Resources, options: dict[str, Any], message: str
) -> None:
    submit_suggestions(resources, SLUG, Plan(Limits()), Asked("Ana", "k"))

    with pytest.raises(Refused, match=message):
        submit(resources, **options)

    assert uploads(resources) == []
    assert len(show_jobs(resources)["jobs"]) == 1


def test_a_file_too_large_is_refused_while_it_comes_in(resources: Resources) -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return b"x" * size

    content = Endless()
    with pytest.raises(Refused, match="Mo"):
        submit_import(resources, ImportPlan(Path("a.csv"), SLUG, "problem"), content, ANA)  # type: ignore[arg-type]  # as much of a file as is read

    assert content.given < 2 * MAX_FILE_BYTES
    assert uploads(resources) == []


def test_the_same_key_twice_keeps_one_file_and_imports_once(resources: Resources) -> None:
    numbers = {submit(resources, asked=Asked("Ana", "k")) for _ in range(2)}

    assert len(numbers) == len(uploads(resources)) == 1


def test_a_file_whose_job_was_never_asked_for_is_cleared(resources: Resources) -> None:
    folder = resources.settings.upload_folder
    arm({"SOCIOPOLES_TESTING": "1", "SOCIOPOLES_FAILPOINT": "job-upload-kept:raise"})
    with pytest.raises(FailpointError):
        submit(resources)
    after_a_fault = uploads(resources)
    number = submit(resources)
    (folder / "0123456789abcdef.csv").write_text("id;text\n")
    tidy_uploads(resources.settings, resources.engine)

    assert after_a_fault == []
    assert len(uploads(resources)) == 1
    do_all(resources)
    assert show_job(resources, number)["state"] == "done"


def test_a_file_that_comes_in_is_not_cleared_before_its_job_is_asked_for(
    resources: Resources,
) -> None:
    class TidiedMeanwhile(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            tidy_uploads(resources.settings, resources.engine)
            return super().read(size)

    plan = ImportPlan(Path("a.csv"), SLUG, "problem")
    number = submit_import(resources, plan, TidiedMeanwhile(NEEDS.encode()), ANA)
    do_all(resources)

    assert show_job(resources, number)["state"] == "done"


def test_a_cancelled_import_leaves_no_file_and_is_not_done_again(resources: Resources) -> None:
    number = submit(resources)
    cancel(resources, number)

    assert uploads(resources) == []
    with pytest.raises(Refused, match="importez-le de nouveau"):
        retry(resources, number)
    assert show_job(resources, number)["state"] == "cancelled"


def test_what_one_person_cancels_leaves_the_files_of_others(resources: Resources) -> None:
    with write(resources.engine) as session:
        add_sociopole(session, slug="lyon", name="Lyon", territory_id="metropole:200046977")
        home = get_sociopole(session, SLUG).id
    mine, theirs = submit(resources), submit(resources, sociopole="lyon")
    person = resources.seen_by(Scope(full=frozenset({home})))
    cancel(person, mine)

    with pytest.raises(NotFound):
        cancel(person, theirs)
    with pytest.raises(NotFound):
        show_job(person, theirs)
    assert len(uploads(resources)) == 1
    do_all(resources)
    assert show_job(resources, theirs)["state"] == "done"


def test_an_import_that_was_committed_is_finished_without_its_file(
    open_more: OpenResources,
) -> None:
    """The worker died while the vectors were made."""

    class NoMemory(WordEncoder):
        def encode_passages(self, *_: Any) -> Vectors:
            raise MemoryError

    dying, resources = open_more(NoMemory()), open_more()
    number = submit(dying)
    do_all(dying)
    failed = show_job(resources, number)
    retry(resources, number)
    do_all(resources)

    assert (failed["state"], uploads(resources)) == ("failed", [])
    shown = show_job(resources, number)
    assert (shown["state"], shown["result"]["created"]) == ("done", 2)
    assert len(texts(resources)) == 2


def test_an_import_that_was_committed_is_done_though_its_worker_dies_each_time(
    resources: Resources,
) -> None:
    """Killed as far as the database knows, while the vectors are made."""
    number, states = submit(resources), []
    for attempt in range(MOST_ATTEMPTS):
        with write(resources.engine) as session:
            job = take_next(session, ["import"], worker="un@ici", claim=f"c{attempt}", at=now())
            assert job is not None
            keep_result(session, job, {"created": 2})
        with write(resources.engine) as session:
            states.append(give_back(session, running_jobs(session)[0], now()))

    shown = show_job(resources, number)
    assert states == ["queued", "queued", "done"]
    assert (shown["state"], shown["attempts"]) == ("done", MOST_ATTEMPTS)
    assert (shown["error"], shown["result"]) == ("", {"created": 2})
    assert shown["finished_at"]


def test_suggestions_are_made_as_asked(resources: Resources) -> None:
    import_texts(resources, "des vélos pour les enfants", kind="problem")
    import_texts(resources, "les vélos et les enfants", kind="interest")
    plan = Plan(Limits(proposals=2, max_load=7), parse_kinds("problem-interest"))
    number = submit_suggestions(resources, SLUG, plan, ANA)
    do_all(resources)

    with read(resources.engine) as session:
        run = latest_run(session, get_sociopole(session, SLUG).id)
    assert run is not None
    assert show_job(resources, number)["result"] == {"run": run.id}
    assert run.settings | plan.as_settings() == run.settings


@pytest.mark.parametrize("size", [None, 2, Size.SMALL])
def test_groups_are_made_as_asked(resources: Resources, size: Size | int | None) -> None:
    import_texts(resources, *(f"le vélo des enfants {i}, le jardin {i % 3}" for i in range(8)))
    plan = GroupPlan(SLUG, kinds=(Kind.PROBLEM,), size=size)
    number = submit_grouping(resources, plan, ANA)
    do_all(resources)

    result = show_job(resources, number)["result"]
    with read(resources.engine) as session:
        made = get_grouping(session, result["grouping"])
    assert made.head.settings == plan.as_settings()
    assert made.head.by == "Ana"


def test_a_grouping_with_an_unknown_sociopole_is_refused_at_once(resources: Resources) -> None:
    with pytest.raises(NotFound, match="atlantide"):
        submit_grouping(resources, GroupPlan(SLUG, also=("atlantide",)), ANA)


def test_groups_with_a_sociopole_that_one_does_not_read_whole_are_refused_at_once(
    resources: Resources,
) -> None:
    """A worker reads everything: the groups would show what the asker may not see."""
    with write(resources.engine) as session:
        add_sociopole(session, slug="lyon", name="Lyon", territory_id="metropole:200046977")
        home, lyon = (get_sociopole(session, slug).id for slug in (SLUG, "lyon"))
    plan = GroupPlan(SLUG, also=("lyon",))
    animator = resources.seen_by(Scope(frozenset({home}), frozenset({home, lyon})))
    both = resources.seen_by(Scope(frozenset({home, lyon})))
    roles = [RoleWanted(SLUG, Role.ANIMATOR), RoleWanted("lyon", Role.READER)]
    create_account(resources, NewAccount(ANIMATOR.email, "Ana"), by=None, roles=roles)
    client = sign_in(TestClient(create_app(resources)), resources)

    with pytest.raises(Forbidden, match="« lyon »"):
        submit_grouping(animator, plan, ANA)
    answer = client.post(f"/api/v1/sociopoles/{SLUG}/jobs/groupings", json={"also": ["lyon"]})

    assert answer.status_code == 403
    assert "« lyon »" in answer.json()["detail"]
    assert show_jobs(resources)["jobs"] == []
    assert submit_grouping(both, plan, ANA) < submit_grouping(resources, plan, ANA)


def test_after_a_change_of_model_every_text_is_embedded_once(open_more: OpenResources) -> None:
    import_texts(open_more(WordEncoder("words-1")), "un vélo", "un jardin", "une école")
    encoder = WordEncoder("words-2")
    resources = open_more(encoder)
    number = submit_embedding(resources, ANA)
    again = submit_embedding(resources, ANA)
    do_all(resources)

    assert number == again is not None
    assert show_job(resources, number)["state"] == "done"
    assert len([text for text in encoder.embedded if text in texts(resources)]) == 3
    assert submit_embedding(resources, ANA) is None
    with read(resources.engine) as session:
        assert not lacks_vectors(session, "words-2")


def test_a_worker_of_another_model_does_not_embed_in_its_place(open_more: OpenResources) -> None:
    import_texts(open_more(WordEncoder("words-1")), "un vélo")
    number = submit_embedding(open_more(WordEncoder("words-2")), ANA)
    other = open_more(WordEncoder("words-1"))
    do_all(other)

    assert number is not None
    assert "autre modèle" in show_job(other, number)["error"]


@pytest.mark.parametrize("make", [lambda: Asked("x" * 201), lambda: Asked("Ana", "x" * 201)])
def test_what_no_column_holds_is_refused(make: Callable[[], Asked]) -> None:
    with pytest.raises(Refused, match="200"):
        make()


def test_jobs_are_listed_from_the_newest_and_on(resources: Resources) -> None:
    numbers = [submit(resources) for _ in range(5)]

    first = [job["id"] for job in show_jobs(resources, limit=3)["jobs"]]
    then = [job["id"] for job in show_jobs(resources, before=first[-1], limit=3)["jobs"]]

    assert [*first, *then] == numbers[::-1]
