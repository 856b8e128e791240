"""The commands that hand out sheets and take decisions back."""

import json
import shutil
from pathlib import Path

import pytest

from matcher.assignment import Limits
from service.resources import open_resources
from service.settings import Settings
from service.workflows.suggest import Plan, suggest
from tests.builders import SLUG, import_rows
from tests.service.conftest import Run, read
from tests.spreadsheets import column, edit_sheet, open_sheet

HEADER = ("id", "organisation", "text", "consent", "contact_email")
TOPICS = ("isolement des personnes âgées", "moisissures dans les logements")


# The shipped one: a tiny model finds nobody near enough.
MODEL = "fast"


@pytest.fixture
def model() -> str:
    return MODEL


@pytest.fixture(scope="module")
def prepared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with statements and their pairings, made once."""
    folder = tmp_path_factory.mktemp("prepared")
    shutil.copy(sqlite_template, folder)
    problems = [
        (f"0{i}", f"Asso {i}", f"Nous cherchons à comprendre : {topic}.", "oui", "ada@exemple.fr")
        for i, topic in enumerate(TOPICS)
    ]
    interests = [
        (f"I{i}", f"Labo {i}", f"Recherche sur : {topic}.", "non", "")
        for i, topic in enumerate(TOPICS)
    ]
    resources = open_resources(Settings(data=folder, model=MODEL))
    for kind, rows in (("problem", problems), ("interest", interests)):
        import_rows(resources, HEADER, rows, kind=kind)
    suggest(resources, SLUG, Plan(Limits()))
    resources.engine.dispose()
    return folder


@pytest.fixture
def data(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "data"))


@pytest.fixture
def filled(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    folder = tmp_path / "out"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return run


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_a_corrected_sheet_comes_back_by_the_command_line(filled: Run, name: str) -> None:
    shown = read(filled("export", "statements", SLUG, "--out", name, "--json"))
    assert (shown["file"], shown["rows"]) == (name, 4)

    same = read(filled("import", name, "--sociopole", SLUG, "--kind", "problem", "--json"))
    edit_sheet(Path(name), 1, Texte="Nous ne comprenons pas.")
    report = read(filled("import", name, "--sociopole", SLUG, "--kind", "problem", "--json"))

    assert (same["unchanged"], same["updated"]) == (4, 0)
    assert (report["created"], report["updated"], report["unchanged"]) == (0, 1, 3)


def test_decisions_of_a_sheet_come_back_by_the_command_line(filled: Run) -> None:
    filled("export", "pairings", SLUG, "--out", "r.xlsx")
    path = edit_sheet(Path("r.xlsx"), 1, Décision="accepter", Commentaire="mardi")
    again = ("import-decisions", path, "--sociopole", SLUG, "--by", "Ada")

    trial = filled(*again, "--dry-run")
    report = read(filled(*again, "--json"))

    assert trial.stdout.startswith("Essai : 3 lignes, 1 décision, 2 sans changement, 0 erreur.")
    assert [taken["action"] for taken in report["decided"]] == ["accept"]
    assert read(filled("decisions", SLUG, "--json"))["decisions"][0]["words"] == "mardi"
    assert "0 décision, 3 sans changement" in filled(*again).stdout


def test_a_bad_row_ends_with_code_1_its_line_and_what_to_do(filled: Run) -> None:
    filled("export", "pairings", SLUG, "--out", "r.csv")
    edit_sheet(Path("r.csv"), 1, Décision="écarter")

    result = filled("import-decisions", "r.csv", "--sociopole", SLUG)

    assert result.exit_code == 1
    assert "Refusé, rien n'a changé" in result.stdout
    assert "hors sujet" in " ".join(result.stdout.split())


@pytest.mark.parametrize("what", ["statements", "pairings", "groups", "decisions"])
def test_each_sheet_has_a_name_of_its_own_and_both_formats(filled: Run, what: str) -> None:
    if what == "groups":
        filled("group", SLUG)

    workbook = read(filled("export", what, SLUG, "--json"))
    text = read(filled("export", what, SLUG, "--format", "csv", "--only-published", "--json"))

    assert workbook["file"].endswith(".xlsx")
    assert Path(workbook["file"]).read_bytes()[:2] == b"PK"
    assert Path(text["file"]).read_bytes()[:3] == b"\xef\xbb\xbf"


def test_contacts_leave_only_when_asked_for(filled: Run) -> None:
    filled("export", "statements", SLUG, "--out", "sans.csv")
    filled("export", "statements", SLUG, "--out", "avec.csv", "--with-contacts")

    assert "ada@exemple.fr" not in Path("sans.csv").read_text("utf-8-sig")
    assert column(open_sheet(Path("avec.csv")), "E-mail")[0] == "ada@exemple.fr"


def test_what_is_public_is_printed_for_other_programs(filled: Run) -> None:
    result = filled("export", "public", SLUG, "--format", "jsonld", "--out", "-")

    shown = json.loads(result.stdout)
    assert [node["identifier"] for node in shown["@graph"] if node["@type"] == "Demand"] == [
        "00",
        "01",
    ]
    assert "exemple.fr" not in result.stdout


def test_a_sheet_that_is_there_is_not_written_over(filled: Run) -> None:
    Path("r.csv").write_text("mon travail", "utf-8")

    result = filled("export", "pairings", SLUG, "--out", "r.csv")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "existe déjà" in result.stderr
    assert Path("r.csv").read_text("utf-8") == "mon travail"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("export", "pairings", "nulle-part"), "n'existe pas"),
        (("export", "groups", SLUG), "sociopoles group"),
        (("export", "statements", SLUG, "--out", "a.pdf"), ".csv ou .xlsx"),
        (("export", "statements", SLUG, "--out", "a.csv", "--format", "xlsx"), ".csv ou .xlsx"),
        (("export", "statements", SLUG, "--out", "nulle/part/a.csv"), "ne s'écrit pas"),
        (("export", "statements", SLUG, "--only-published", "--with-contacts"), "jamais"),
        (("import-decisions", "absent.csv", "--sociopole", SLUG), "ne peut pas être lu"),
    ],
)
def test_bad_input_is_answered_in_words(
    filled: Run, arguments: tuple[object, ...], message: str
) -> None:
    result = filled(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in " ".join(result.stderr.split())
    assert list(Path.cwd().iterdir()) == []
