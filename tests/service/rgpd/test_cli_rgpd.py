"""The commands about personal data."""

import zipfile
from itertools import chain
from pathlib import Path

import pytest
from sqlalchemy import select

from service import database
from service.database import open_engine
from service.database import read as read_session
from service.settings import Settings
from service.tables import StatementRow
from tests.builders import SLUG, write_csv
from tests.service.conftest import Run, read

HEADER = ("id", "organisation", "texte", "contact", "courriel", "accord")
AWA = "awa@exemple.example"
ROWS = [
    ("1", "Labo", "Awa Diallo répare des vélos, 06 12 34 56 78", "Awa Diallo", AWA, "oui"),
    ("2", "Asso", "des murs humides", "", "", "oui"),
]


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "feuille.csv", HEADER, ROWS)


@pytest.fixture
def filled(run: Run, sheet: Path) -> Run:
    take(run, sheet)
    return run


def take(run: Run, sheet: Path, *options: str) -> str:
    columns = ("--map", "text=texte", "--map", "contact_name=contact")
    columns += ("--map", "contact_email=courriel", "--map", "consent=accord")
    done = run("import", sheet, "--sociopole", SLUG, "--kind", "interest", *columns, *options)
    assert done.exit_code == 0, done.output
    return " ".join(done.stdout.split())


def test_an_import_says_which_lines_seem_to_speak_of_somebody(run: Run, sheet: Path) -> None:
    said = take(run, sheet)

    assert "nom d'une personne" in said
    assert "numéro de téléphone" in said
    assert "1 lignes à relire" in said
    assert "Diallo" not in said


def test_the_register_is_a_page_and_a_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOPOLES_CONTROLLER", "Association d'ici")

    shown = read(run("rgpd", "register", "--json"))

    assert shown["controller"] == "Association d'ici"
    assert len(shown["processings"]) >= 5
    assert "Association d'ici" in run("rgpd", "register").stdout


def test_what_is_held_is_written_once_to_a_file_of_its_own(filled: Run, tmp_path: Path) -> None:
    out = tmp_path / "awa.zip"

    said = filled("rgpd", "held-on", AWA, "--out", out)

    assert said.exit_code == 0, said.output
    assert "contacts : 1" in said.stdout
    assert zipfile.ZipFile(out).testzip() is None
    again = filled("rgpd", "held-on", AWA, "--out", out)
    assert (again.exit_code, "existe" in again.stderr or "exists" in again.stderr) == (1, True)


def test_an_erasure_is_shown_before_it_is_done(filled: Run) -> None:
    trial = filled("rgpd", "erase", AWA, "--mask-texts")
    assert "--yes" in trial.stdout
    assert read(filled("rgpd", "held-on", AWA, "--json"))["held"]

    half = filled("rgpd", "erase", AWA, "--yes")
    assert half.exit_code == 3
    assert "--mask-texts" in half.stderr

    done = filled("rgpd", "erase", AWA, "--mask-texts", "--yes", "--json")
    assert read(done)["whole"]
    assert "Aucune donnée" in filled("rgpd", "held-on", AWA).stdout


def test_a_correction_that_leaves_old_bytes_says_so(
    filled: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 200)
    monkeypatch.setenv("SOCIOPOLES_LOCK_WAIT", "0.2")
    names = {"--new-name": "Awa Sow", "--new-email": "sow@exemple.fr"}
    other = open_engine(Settings(data=data).url)
    with read_session(other) as session:
        session.execute(select(StatementRow)).all()
        half = filled("rgpd", "rectify", AWA, *chain(*names.items()))
    other.dispose()

    assert (half.exit_code, "Corrigé" in half.stdout) == (3, True)
    assert "arrêtez-le" in half.stderr

    again = filled("rgpd", "rectify", "sow@exemple.fr", *chain(*names.items()))
    assert (again.exit_code, again.stderr) == (0, "")


def test_who_objects_does_not_come_back_until_allowed(filled: Run, sheet: Path) -> None:
    assert "Contacts supprimés : 1" in filled("rgpd", "object", AWA).stdout
    assert "laissé de côté" in take(filled, sheet)

    filled("rgpd", "allow", AWA, "--name", "Awa Diallo", "--organisation", "Labo")

    assert "laissé de côté" not in take(filled, sheet)


def test_a_consent_is_withdrawn_and_given_back(filled: Run, sheet: Path) -> None:
    assert "publication : 1" in filled("rgpd", "withdraw", SLUG, "--statement", "2").stdout
    assert "1 accords de publication retirés" in take(filled, sheet)

    given = filled("rgpd", "withdraw", SLUG, "--statement", "2", "--give-back")

    assert "de nouveau publiables : 1" in given.stdout


def test_a_person_is_rectified(filled: Run) -> None:
    filled("rgpd", "rectify", AWA, "--new-email", "diallo@exemple.example")

    assert "contacts : 1" in filled("rgpd", "held-on", "diallo@exemple.example").stdout


def test_academics_to_inform_are_listed_until_told(filled: Run) -> None:
    listed = filled("rgpd", "notices", SLUG)
    assert "à informer" in " ".join(listed.stdout.split())
    assert read(filled("rgpd", "notices", SLUG, "--json"))["notices"][0]["email"] == AWA
    assert "Bonjour Awa Diallo" in listed.stdout

    assert "Informés : 1" in filled("rgpd", "notices", SLUG, "--sent", "--to", AWA).stdout

    assert "ont été informés" in filled("rgpd", "notices", SLUG).stdout


def test_a_purge_is_tried_and_done(filled: Run) -> None:
    assert read(filled("rgpd", "purge", "--dry-run", "--json"))["dry_run"]
    assert "ôtés" in filled("rgpd", "purge").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("held-on",), "Désignez la personne"),
        (("held-on", "awa"), "n'est pas une adresse"),
        (("erase", "--yes"), "Désignez la personne"),
        (("rectify", "x@exemple.example", "--new-name", "X"), "Personne n'est connu"),
        (("withdraw", SLUG), "--statement, --organisation ou --contact"),
        (("withdraw", "nulle-part", "--statement", "1"), "n'existe pas"),
        (("notices", "nulle-part"), "n'existe pas"),
        (("notices", SLUG, "--to", AWA), "ajoutez --sent"),
        (("notices", SLUG, "--sent", "--to", "x@exemple.example"), "n'attend d'avis"),
    ],
)
def test_bad_input_is_answered_in_words(
    filled: Run, arguments: tuple[str, ...], message: str
) -> None:
    result = filled("rgpd", *arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in " ".join(result.stderr.split())
