"""Background jobs from the command line."""

from pathlib import Path

import pytest

from service.errors import Refused
from service.worker import hold_name
from tests.builders import SLUG, write_csv
from tests.service.conftest import Run, read

TEXTS = (
    ("1", "Les Jardins", "besoin de vélos sur les murs"),
    ("2", "Repair", "jardin des enfants, compost"),
    ("3", "Le Toit", "logement humide, recherche"),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "besoins.csv", ("id", "organisation", "text"), TEXTS)


def test_what_is_asked_for_in_the_background_is_done_by_a_worker(run: Run, file: Path) -> None:
    asked = [
        run("import", file, "--sociopole", SLUG, "--kind", "problem", "--background", "--json"),
        run("suggest", SLUG, "--max-load", "2", "--background", "--json"),
        run("group", SLUG, "--by", "Ana", "--background", "--json"),
    ]
    numbers = [read(result)["job"] for result in asked]
    file.unlink()
    waiting = read(run("jobs", "--json"))["jobs"]
    assert run("worker", "--name", "un", "--once").exit_code == 0
    done = read(run("jobs", "--json"))["jobs"]

    assert [job["id"] for job in waiting] == numbers[::-1]
    assert {job["state"] for job in waiting} == {"queued"}
    assert [job["state"] for job in done] == ["done"] * 3
    assert done[0]["by"] == "Ana"
    assert read(run("job", "show", numbers[0], "--json"))["result"]["created"] == 3
    assert run("groups", SLUG).exit_code == 0


def test_jobs_are_shown_in_words(run: Run, file: Path) -> None:
    nothing = run("jobs").output
    asked = run("import", file, "--sociopole", SLUG, "--kind", "problem", "--background").output
    waiting = run("jobs").output
    run("worker", "--name", "un", "--once")
    shown = run("job", "show", 1).output

    assert "Aucune tâche de fond" in nothing
    assert "job show 1" in asked
    assert "en attente" in waiting
    assert "Tâche 1 (import) : finie." in shown
    assert "3 nouvelles" in shown


def test_a_job_is_cancelled_then_asked_for_again(run: Run) -> None:
    run("suggest", SLUG, "--background")
    cancelled = run("job", "cancel", 1)
    again = run("job", "cancel", 1)
    retried = run("job", "retry", 1)
    run("worker", "--name", "un", "--once")

    assert "annulée" in cancelled.output
    assert (again.exit_code, "déjà finie" in again.output) == (1, True)
    assert "Tâche 1 demandée" in retried.output
    assert read(run("job", "show", 1, "--json"))["state"] == "done"


def test_the_error_of_a_job_is_shown_with_its_report(run: Run, tmp_path: Path) -> None:
    bad = write_csv(tmp_path / "b.csv", ("id", "organisation", "text"), [("1", "Repair", "")])
    run("import", bad, "--sociopole", SLUG, "--kind", "problem", "--background")
    run("worker", "--name", "un", "--once")
    shown = run("job", "show", 1).output

    assert "échouée" in shown
    assert "rien n'a été enregistré" in " ".join(shown.split())
    assert "Erreurs" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("job", "show", "7"), "La tâche 7 n'existe pas"),
        (("job", "cancel", "7"), "La tâche 7 n'existe pas"),
        (("job", "retry", "7"), "La tâche 7 n'existe pas"),
        (("suggest", "atlantide", "--background"), "atlantide"),
        (("group", "atlantide", "--background"), "atlantide"),
        (("worker", "--name", "../un", "--once"), "nom d'exécutant"),
        (
            ("import", "nulle-part.csv", "--sociopole", SLUG, "--kind", "problem", "--background"),
            "ne peut pas être lu",
        ),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 1
    assert message in " ".join(result.output.split())


def test_a_name_is_borne_by_one_worker(run: Run, data: Path) -> None:
    folder = data / "workers"
    with hold_name(folder, "un"):
        with pytest.raises(Refused, match="tourne déjà"), hold_name(folder, "un", wait_s=0):
            pass
        other = run("worker", "--name", "deux", "--once")

    assert other.exit_code == 0
    assert run("worker", "--name", "un", "--once").exit_code == 0


def test_vectors_that_lack_are_computed_at_once_or_in_the_background(run: Run, file: Path) -> None:
    run("import", file, "--sociopole", SLUG, "--kind", "problem")
    sentences_lack = run("embed", "--background")
    run("embed")
    nothing_lacks = run("embed", "--background")

    assert "Tâche 1 demandée" in sentences_lack.output
    assert "Aucun vecteur ne manque" in nothing_lacks.output
    assert read(run("embed", "--json")) == {"job": None}
