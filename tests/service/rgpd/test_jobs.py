"""Jobs: their arguments and reports forget a person; what still waits is told, and done well."""

from service.database import read
from service.resources import Resources
from service.rgpd.durations import DURATIONS
from service.store.statements import statements_by_id
from service.workflows.background import Asked, submit_purge, tidy_uploads
from service.workflows.erase import erase
from service.workflows.identify import Asking
from service.workflows.purge import purge
from service.workflows.show_jobs import show_job, show_jobs
from tests.service.rgpd.background import ask, do_all
from tests.service.rgpd.test_purge import later

AWA = Asking(email="awa@exemple.example", name="Awa Diallo")


def test_a_job_that_is_over_names_nobody(resources: Resources) -> None:
    number = ask(resources, "Awa Diallo", "1;un texte;", "2;un autre;chez Awa Diallo")
    do_all(resources)
    assert "Diallo" in str(show_job(resources, number)["result"]["errors"])

    assert erase(resources, AWA, mask_texts=True).is_whole

    shown = show_job(resources, number)
    assert (shown["state"], shown["by"]) == ("done", "personne effacée")
    assert "Diallo" not in str(shown)
    assert shown["result"]["created"] == 1


def test_a_file_that_waits_is_not_lost_and_goes_when_it_was_taken_in(resources: Resources) -> None:
    number = ask(resources, "Ana", "1;Awa Diallo a une idée;")

    erasure = erase(resources, AWA, mask_texts=True)

    assert not erasure.is_whole
    assert len(erasure.done.waiting) == 1
    do_all(resources)
    tidy_uploads(resources.settings, resources.engine)
    assert show_job(resources, number)["state"] == "done"
    with read(resources.engine) as session:
        (view,) = statements_by_id(session, list(range(1000)))
    assert view.statement.text == "▒▒▒▒ a une idée"
    assert purge(resources)["files_clean"]


def test_a_lock_is_nobodys_copy(resources: Resources) -> None:
    ask(resources, "Ana", "1;un texte;")
    lock = resources.settings.upload_folder / ".lock"
    assert lock.exists()

    erase(resources, AWA, mask_texts=True)

    assert lock.exists()


def test_the_purge_is_a_job_too(resources: Resources) -> None:
    trial = submit_purge(resources, Asked("Ana"), dry_run=True)
    done = submit_purge(resources, Asked("Ana"))
    do_all(resources)

    results = [show_job(resources, number)["result"] for number in (trial, done)]
    assert [result["dry_run"] for result in results] == [True, False]


def test_jobs_go_with_their_reports(resources: Resources) -> None:
    ask(resources, "Ana", "1;un texte;")
    do_all(resources)
    assert "import_report" in DURATIONS

    purge(resources, at=later("import_report", -2))
    assert len(show_jobs(resources)["jobs"]) == 1
    purge(resources, at=later("import_report", 1))

    assert show_jobs(resources)["jobs"] == []
