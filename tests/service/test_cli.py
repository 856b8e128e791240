"""The command line: what it prints, and the exit code a script relies on."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner, Result

from service.cli import cli
from tests.builders import SLUG, write_beir, write_csv
from tests.service.conftest import Run, read

HEADER = ("id", "organisation", "text", "territory")
PROBLEMS = [("P1", "Roue Libre", "vélos enfants école", ""), ("P2", "Amicale", "murs humides", "")]
INTERESTS = [
    ("I1", "Labo", "recherche vélo école enfants", ""),
    ("I2", "Unité", "logement murs", ""),
]


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "problems.csv", HEADER, PROBLEMS)


@pytest.fixture
def filled(run: Run, problems: Path, tmp_path: Path) -> Run:
    run("import", problems, "--sociopole", SLUG, "--kind", "problem")
    interests = write_csv(tmp_path / "interests.csv", HEADER, INTERESTS)
    run("import", interests, "--sociopole", SLUG, "--kind", "interest")
    return run


def test_sociopoles_are_listed_under_stable_names(filled: Run) -> None:
    shown = read(filled("sociopole", "list", "--json"))

    assert shown["sociopoles"] == [
        {
            "slug": SLUG,
            "name": "Plaine Commune",
            "territory": {
                "id": "ept:200057867",
                "level": "ept",
                "code": "200057867",
                "name": "Plaine Commune",
            },
            "statements": {"problem": 2, "offer": 0, "interest": 2, "course": 0},
        }
    ]


def test_an_import_says_what_it_did_under_stable_names(run: Run, problems: Path) -> None:
    shown = read(run("import", problems, "--sociopole", SLUG, "--kind", "problem", "--json"))

    assert {key: shown[key] for key in ("rows", "created", "updated", "unchanged")} == {
        "rows": 2,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
    }
    assert (shown["duplicates"], shown["errors"]) == (0, [])


def test_suggestions_have_stable_names(filled: Run) -> None:
    shown = read(filled("suggest", SLUG, "--json"))

    assert {"sociopole", "run", "pairings", "orphans", "limits"} <= set(shown)
    side = {"id", "kind", "title", "organisation", "college", "sector"}
    for pairing in shown["pairings"]:
        assert {"rank", "left", "right", "score", "bars", "reasons", "alternates"} <= set(pairing)
        assert side <= set(pairing["left"])
        assert side <= set(pairing["right"])
        assert {"left_sentence", "right_sentence", "shared_terms"} <= set(pairing["reasons"][0])
    for orphan in shown["orphans"]:
        assert {"id", "title", "why"} <= set(orphan)
    assert len(shown["pairings"]) + len(shown["orphans"]) >= 2


def test_answers_have_stable_names(filled: Run) -> None:
    shown = read(filled("search", "murs humides", "--kind", "problem", "-k", 1, "--json"))

    [found] = shown["answers"]
    assert {"id", "kind", "title", "organisation", "score", "sentence"} <= set(found)
    assert (found["id"], found["sentence"]) == ("P2", "murs humides")


def test_measures_have_stable_names(run: Run, tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "gold", {"d": "vélos"}, {"q": "vélos"}, ["q d 1"])

    shown = read(run("evaluate", folder, "--json"))

    names = {"ndcg@10", "mrr@10", "recall@1", "recall@10", "recall@100"}
    rankings = {"words", "meaning", "both"}
    assert set(shown) == rankings | {"intervals", "differences"}
    assert all(set(shown[ranking]) == names for ranking in rankings)
    assert all(set(shown["intervals"][ranking]) == names for ranking in rankings)


def test_two_models_are_compared_on_one_collection(run: Run, tmp_path: Path, model: Path) -> None:
    folder = write_beir(tmp_path / "gold", {"d": "vélos"}, {"q": "vélos"}, ["q d 1"])

    shown = read(run("evaluate", folder, "--model", model, "--json"))
    told = run("evaluate", folder, "--model", model)

    assert shown["other"]["both"] == shown["both"]
    assert "autre" in told.output


def test_the_lexicon_is_read_and_changed_from_the_command_line(run: Run) -> None:
    run("lexicon", "add", SLUG, "--term", "biodéchets", "--say", "les seaux du kiosque")
    run("lexicon", "off", SLUG, "communs")

    own = read(run("lexicon", "list", SLUG, "--json"))["own"]
    found = read(run("lexicon", "find", "précarité énergétique", "--json"))["entries"]

    assert {(entry["terms"][0], entry["state"]) for entry in own} == {
        ("biodéchets", "on"),
        ("communs", "off"),
    }
    assert "précarité énergétique" in {entry["terms"][0] for entry in found}
    assert "coupée" in run("lexicon", "list", SLUG).output
    assert run("lexicon", "on", SLUG, "communs").exit_code == 0
    assert "chauff" in run("lexicon", "find", "précarité énergétique").output


def test_an_entry_that_is_not_there_is_refused_with_what_to_do(run: Run) -> None:
    result = run("lexicon", "off", SLUG, "rien de tel")

    assert result.exit_code == 1
    assert "lexicon list" in " ".join(result.output.split())


def test_an_accepted_pairing_proposes_entries_from_the_command_line(
    run: Run, data: Path, tmp_path: Path
) -> None:
    def shipped(*arguments: object) -> Result:
        environment = {"SOCIOPOLES_MODEL": "fast", "SOCIOPOLES_DATA": str(data)}
        return CliRunner().invoke(cli, [str(a) for a in arguments], env=environment)

    texts = {
        "problem": "Nos vieux ne sortent plus de chez eux et mangent seuls.",
        "interest": "Isolement social des personnes âgées et sociabilités alimentaires.",
    }
    for kind, written in texts.items():
        sheet = write_csv(tmp_path / f"{kind}.csv", HEADER, [(kind, kind, written, "")])
        shipped("import", sheet, "--sociopole", SLUG, "--kind", kind)
    shipped("suggest", SLUG, "--kinds", "problem-interest")

    proposed = read(shipped("lexicon", "propose", SLUG, "--pairing", 1, "--json"))["proposed"]
    told = shipped("lexicon", "propose", SLUG, "--pairing", 1)

    assert proposed
    assert all(entry["said"] in texts["problem"] for entry in proposed)
    assert all(entry["term"] in texts["interest"] for entry in proposed)
    assert told.exit_code == 0
    assert run("lexicon", "propose", SLUG, "--pairing", 9).exit_code == 1


def test_what_is_clean_ends_with_code_zero(filled: Run) -> None:
    assert read(filled("check", "--json"))["status"] == "clean"


def test_what_is_repairable_ends_with_code_one_and_is_repaired(filled: Run, data: Path) -> None:
    [path] = (data / "indexes").rglob("words.json")
    path.write_text("{}")

    assert read(filled("check", "--json"), code=1)["status"] == "repairable"
    assert read(filled("check", "--repair", "--json"))["repaired"] is True
    assert filled("check").exit_code == 0


def test_data_lost_ends_with_code_two(filled: Run, data: Path) -> None:
    engine = create_engine(f"sqlite:///{data / 'sociopoles.sqlite3'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE statement SET text = 'autre' WHERE public_id = 'P1'"))
    engine.dispose()

    assert read(filled("check", "--json"), code=2)["status"] == "lost"
    assert "restaurez une sauvegarde" in filled("check").output


def test_a_damaged_database_file_ends_with_code_two_and_a_message(filled: Run, data: Path) -> None:
    path = data / "sociopoles.sqlite3"
    content = bytearray(path.read_bytes())
    # Every page but the first, which says that it is a database.
    for start in range(4096, len(content), 4096):
        content[start : start + 64] = b"\xff" * 64
    path.write_bytes(content)

    result = filled("check")

    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("text_", ["", "  "])
def test_what_is_refused_ends_with_code_one_and_its_message(filled: Run, text_: str) -> None:
    result = filled("search", text_, "--json")

    assert "vide" in read(result, code=1)["error"]
    assert "vide" in result.stderr


def test_bad_rows_end_with_code_one_and_change_nothing(run: Run, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bad.csv", HEADER, [*PROBLEMS, ("P3", "A", "", "")])

    result = run("import", path, "--sociopole", SLUG, "--kind", "problem", "--json")

    [error] = read(result, code=1)["errors"]
    assert set(error) == {"row", "column", "message"}
    assert read(run("sociopole", "list", "--json"))["sociopoles"][0]["statements"]["problem"] == 0


def test_bad_rows_left_aside_end_with_code_three(run: Run, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bad.csv", HEADER, [*PROBLEMS, ("P3", "A", "", "")])

    result = run("import", path, "--sociopole", SLUG, "--kind", "problem", "--skip-errors")

    assert result.exit_code == 3
    assert "ligne" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["import", "x.csv", "--sociopole", SLUG],
        ["import", "x.csv", "--sociopole", SLUG, "--kind", "recette"],
        ["suggest", SLUG, "--proposals", "0"],
        ["suggest", SLUG, "--max-load", "beaucoup"],
        ["search"],
        ["nonsense"],
        ["suggest", SLUG, "--nonsense"],
    ],
)
def test_wrong_usage_ends_with_code_two(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["suggest", "lyon"],
        ["suggest", SLUG, "--kinds", "problem-lab"],
        ["import", "absent.csv", "--sociopole", SLUG, "--kind", "problem"],
        ["search", "vélos", "-k", "0"],
        ["search", "vélos", "--sociopole", "lyon"],
        ["evaluate", "absent"],
    ],
)
def test_what_is_not_there_ends_with_code_one_and_says_so(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert len(result.stderr) > 20


def test_a_mapping_that_is_none_is_refused(run: Run, problems: Path) -> None:
    result = run(
        "import", problems, "--sociopole", SLUG, "--kind", "problem", "--map", "text:Objet"
    )

    assert result.exit_code == 1
    assert "--map champ=Colonne" in result.stderr


def test_a_mapping_is_followed(run: Run, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "rows.csv", ("A", "B = C"), [("vélos", "Roue Libre")])

    options = ("--map", "text=A", "--map", "organisation=B = C", "--json")
    shown = read(run("import", path, "--sociopole", SLUG, "--kind", "offer", *options))

    assert shown["columns"] == {"text": "A", "organisation": "B = C"}


def test_a_trial_changes_nothing(run: Run, problems: Path) -> None:
    options = ("--sociopole", SLUG, "--kind", "problem")

    assert read(run("import", problems, *options, "--dry-run", "--json"))["created"] == 2

    assert read(run("import", problems, *options, "--json"))["created"] == 2


def test_the_data_folder_is_given_before_or_after_the_command(run: Run, data: Path) -> None:
    before = run("--data", data, "sociopole", "list", "--json", folder=None)
    after = run("sociopole", "list", "--json", "--data", data, folder=None)

    assert read(before) == read(after)
    assert len(read(after)["sociopoles"]) == 1


def test_a_sociopole_is_added_and_the_territory_named(run: Run) -> None:
    result = run("sociopole", "add", "mm", "--name", "Meurthe", "--territory", "54")

    assert result.exit_code == 0
    assert "Meurthe-et-Moselle (département, 54)" in result.output
    assert run("sociopole", "add", "mm", "--name", "M", "--territory", "54").exit_code == 1


@pytest.mark.parametrize("arguments", [["suggest", SLUG], ["search", "vélos"], ["check"]])
def test_for_people_there_are_tables_without_a_fault(filled: Run, arguments: list[str]) -> None:
    result = filled(*arguments)

    assert result.exit_code == 0
    assert len(result.stdout) > 50


def test_markup_in_what_people_wrote_is_shown_as_written(run: Run, tmp_path: Path) -> None:
    rows = [("[red]1", "[bold]Asso[/bold]", "vélos [/] enfants", "")]
    path = write_csv(tmp_path / "rows.csv", HEADER, rows)
    run("import", path, "--sociopole", SLUG, "--kind", "problem")

    result = run("search", "vélos")

    assert result.exit_code == 0
    assert "[bold]Asso[/bold]" in result.stdout
    assert "[red]1" in result.stdout


def test_help_is_in_french(run: Run) -> None:
    result = run("--help")

    assert result.exit_code == 0
    assert "Rapproche" in result.stdout
