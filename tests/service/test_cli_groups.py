"""The commands about groups: what they print, and the exit code a script relies on."""

import json
from pathlib import Path

import pytest

from tests.builders import SLUG, write_csv
from tests.service.conftest import Run, read

HEADER = ("id", "organisation", "text")
PROBLEMS = [
    *((f"V{i}", f"Roue {i}", f"vélo vélos école {word}") for i, word in enumerate(["", "enfants"])),
    *((f"M{i}", f"Murs {i}", f"murs humides logement {w}") for i, w in enumerate(["", "besoin"])),
    *((f"C{i}", f"Vert {i}", f"compost jardin {word}") for i, word in enumerate(["", "enfants"])),
]


@pytest.fixture
def filled(run: Run, tmp_path: Path) -> Run:
    problems = write_csv(tmp_path / "problems.csv", HEADER, PROBLEMS)
    run("import", problems, "--sociopole", SLUG, "--kind", "problem")
    interests = write_csv(
        tmp_path / "interests.csv", HEADER, [("I1", "Labo", "recherche vélo école enfants")]
    )
    run("import", interests, "--sociopole", SLUG, "--kind", "interest")
    return run


def test_groups_have_the_names_that_scripts_read(filled: Run) -> None:
    shown = read(filled("group", SLUG, "--groups", "3", "--json"))

    assert {"grouping", "sociopoles", "groups", "isolated", "recommended"} <= set(shown)
    group = shown["groups"][0]
    wanted = "id title terms central members sectors transversality stability locked nearest"
    assert set(wanted.split()) <= set(group)
    assert set(group["members"][0]) >= {"id", "strength"}
    assert set(shown["recommended"]) >= {"groups", "why"}


def test_a_second_run_prints_the_same_to_the_byte(filled: Run) -> None:
    first = filled("group", SLUG, "--groups", "3", "--json")

    assert filled("group", SLUG, "--groups", "3", "--json").stdout == first.stdout
    assert filled("groups", SLUG, "--json").stdout == first.stdout


def test_groups_are_shown_in_words(filled: Run) -> None:
    result = filled("group", SLUG, "--groups", "3")

    assert result.exit_code == 0
    assert "Regroupement 1 : 3 groupes." in result.stdout
    assert "C'est ce qui a été demandé." in " ".join(result.stdout.split())
    assert "V0" in result.stdout


def test_edits_are_shown_and_listed_with_who_made_them(filled: Run) -> None:
    filled("group", SLUG, "--groups", "3")
    edited = ("edit-group", "rename", SLUG, "g1", "À vélo", "--by", "Ada", "--why", "plus clair")
    assert "À vélo" in filled(*edited).stdout
    names = [g["id"] for g in read(filled("groups", SLUG, "--json"))["groups"]]
    merged = read(filled("edit-group", "merge", SLUG, *names[:2], "--json"))
    assert len(merged["groups"]) == 2
    undone = read(filled("edit-group", "undo", SLUG, "--json"))
    assert len(undone["groups"]) == 3

    listed = read(filled("edit-group", "history", SLUG, "--json"))["edits"]

    assert [edit["action"] for edit in listed] == ["rename", "merge", "undo"]
    assert (listed[0]["by"], listed[0]["why"]) == ("Ada", "plus clair")
    assert "plus clair" in filled("edit-group", "history", SLUG).stdout


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("split", ("G1", "--statement", "V0")),
        ("take-out", ("V0",)),
        ("lock", ("G1",)),
    ],
)
def test_other_edits_are_commands_too(
    filled: Run, command: str, arguments: tuple[str, ...]
) -> None:
    filled("group", SLUG, "--groups", "3")

    assert filled("edit-group", command, SLUG, *arguments).exit_code == 0


def test_a_locked_group_refuses_until_it_is_unlocked(filled: Run) -> None:
    filled("group", SLUG, "--groups", "3")
    filled("edit-group", "lock", SLUG, "G1")

    refused = filled("edit-group", "move", SLUG, "M0", "G1")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "verrouillé" in refused.stderr

    assert filled("edit-group", "unlock", SLUG, "G1").exit_code == 0
    assert filled("edit-group", "move", SLUG, "M0", "G1").exit_code == 0


def test_changes_are_shown_in_words(filled: Run) -> None:
    filled("group", SLUG, "--groups", "3")
    filled("edit-group", "take-out", SLUG, "V0")

    result = filled("compare-groups", "1", "2")

    assert result.exit_code == 0
    assert "2 groupes sans changement." in result.stdout
    assert read(filled("compare-groups", "1", "2", "--json"))["after"] == 2


def test_a_workshop_is_shown_in_words(filled: Run) -> None:
    filled("group", SLUG, "--groups", "3")

    result = filled("workshop", SLUG, "--groups", "G1,G2", "--seats", "4")

    assert result.exit_code == 0
    assert "Table 1" in result.stdout
    assert "à inviter" in result.stdout


def test_methods_are_compared_on_labelled_texts(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "labelled.jsonl"
    rows = [{"text": text, "label": id_[0]} for id_, _, text in PROBLEMS]
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")

    shown = read(run("evaluate-groups", path, "--baseline", "ward", "--json"))

    assert set(shown["methods"]) == {"ours", "ward"}
    assert "la nôtre" in run("evaluate-groups", path).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("group", "nulle-part"), "n'existe pas"),
        (("group", SLUG, "--size", "small", "--groups", "3"), "pas les deux"),
        (("group", SLUG, "--groups", "0"), "Demandez de 1"),
        (("group", SLUG, "--kinds", "besoin"), "besoin"),
        (("groups", SLUG), "Aucun regroupement"),
        (("compare-groups", "8", "9"), "n'existe pas"),
        (("workshop", SLUG, "--groups", "G1"), "Aucun regroupement"),
        (("edit-group", "lock", SLUG, "G1"), "Aucun regroupement"),
    ],
)
def test_bad_input_is_answered_in_words(
    filled: Run, arguments: tuple[str, ...], message: str
) -> None:
    result = filled(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in " ".join(result.stderr.split())


def test_an_id_that_looks_like_markup_is_shown_as_it_is(run: Run, tmp_path: Path) -> None:
    rows = [(f"[b]{i}", f"Roue {i}", "vélos école enfants") for i in range(3)]
    run(
        "import",
        write_csv(tmp_path / "p.csv", HEADER, rows),
        "--sociopole",
        SLUG,
        "--kind",
        "problem",
    )

    assert "[b]1" in run("group", SLUG).stdout
