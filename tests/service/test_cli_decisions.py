"""The commands about decisions."""

import pytest

from tests.builders import SLUG, write_csv
from tests.service.conftest import Run, read

HEADER = ("id", "organisation", "text")


@pytest.fixture
def model() -> str:
    """The shipped one: a tiny model finds nobody near enough."""
    return "fast"


@pytest.fixture
def filled(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("sheets")
    topics = (
        "isolement des personnes âgées",
        "moisissures dans les logements",
        "compostage des déchets",
    )
    problems = [
        (f"P{i}", f"Asso {i}", f"Nous cherchons à comprendre : {topic}.")
        for i, topic in enumerate(topics)
    ]
    interests = [
        (f"I{i}", f"Labo {i}", f"Recherche sur : {topic}.") for i, topic in enumerate(topics)
    ]
    for kind, rows in (("problem", problems), ("interest", interests)):
        sheet = write_csv(folder / f"{kind}.csv", HEADER, rows)
        run("import", sheet, "--sociopole", SLUG, "--kind", kind)
    run("suggest", SLUG)
    return run


def test_a_decision_is_said_listed_and_undone(filled: Run) -> None:
    said = filled("decide", SLUG, "set-aside", "--pairing", 1, "--reason", "too-far", "--by", "Ada")
    assert said.exit_code == 0, said.output
    assert "Décision 1 : écarté" in said.stdout

    listed = read(filled("decisions", SLUG, "--json"))["decisions"]
    assert (listed[0]["action"], listed[0]["by"], listed[0]["reason"]) == (
        "set-aside", "Ada", "too-far",
    )  # fmt: skip
    assert "trop loin" in filled("decisions", SLUG).stdout

    assert "annulation de la décision 1" in filled("undo-decision", SLUG).stdout


def test_pairings_show_what_was_said_of_them(filled: Run) -> None:
    filled("decide", SLUG, "accept", "--pairing", 1, "--why", "mardi")

    shown = read(filled("suggest", SLUG, "--json"))

    states = [p["state"]["action"] for p in shown["pairings"] if p["state"]]
    assert states == ["accept"]
    assert len(shown["accepted"]) == 1
    assert "accepté" in filled("suggest", SLUG).stdout


def test_pairings_are_listed_and_decided_on_by_filter_and_by_id(filled: Run) -> None:
    listed = read(filled("pairings", SLUG, "--kinds", "problem-interest", "--limit", 2, "--json"))
    first, second = (p["id"] for p in listed["pairings"])
    assert read(filled("pairings", SLUG, "--after", listed["next"], "--json"))["next"] is None

    filled("decide", SLUG, "accept", "--id", first, "--id", second)
    filled("decide", SLUG, "uncertain", "--state", "undecided", "--least", "meaning=0.5")

    accepted = read(filled("pairings", SLUG, "--state", "accept", "--ranks", "1..9", "--json"))
    assert {p["id"] for p in accepted["pairings"]} == {first, second}
    assert {p["version"] for p in accepted["pairings"]} == {1}
    shown = filled("pairings", SLUG, "--state", "uncertain", "--scores", "0..1").stdout
    assert "incertain" in shown
    assert first not in shown
    assert "Aucun rapprochement" in filled("pairings", SLUG, "--state", "undecided").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("decide", SLUG, "set-aside", "--pairing", 1), "trop loin"),
        (("decide", SLUG, "postpone", "--pairing", 1, "--until", "demain"), "AAAA-MM-JJ"),
        (("decide", SLUG, "undo", "--pairing", 1), "undo-decision"),
        (("decide", SLUG, "accept"), "par leur rang"),
        (
            ("decide", SLUG, "accept", "--kinds", "problem-offer,problem-course"),
            "une seule paire",
        ),
        (("decide", SLUG, "accept", "--state", "note"), "n'est pas un état"),
        (("decide", SLUG, "accept", "--id", "12"), "écrivez par exemple 12-34"),
        (("pairings", SLUG, "--ranks", "un..deux"), "1..20"),
        (("pairings", SLUG, "--least", "meaning"), "meaning=0.7"),
        (("undo-decision", SLUG), "aucune"),
        (("decisions", "nulle-part"), "n'existe pas"),
    ],
)
def test_bad_input_is_answered_in_words(
    filled: Run, arguments: tuple[object, ...], message: str
) -> None:
    result = filled(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in " ".join(result.stderr.split())


def test_no_decision_yet_is_said(filled: Run) -> None:
    assert "Aucune décision" in filled("decisions", SLUG).stdout
