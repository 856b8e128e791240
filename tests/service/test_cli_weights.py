"""The commands about what each bar counts for."""

from pathlib import Path

import pytest

from service.database import open_engine, write
from service.settings import Settings
from service.store.sociopoles import add_relations, get_sociopole
from tests.builders import SLUG, write_csv
from tests.service.conftest import Run, read

HEADER = ("id", "organisation", "text", "sector")
CULTURE, SPORT = "006000", "011000"
SUBJECTS = (
    "l'isolement des personnes âgées",
    "les moisissures dans les logements",
    "le compostage des déchets de cuisine",
    "la pratique du vélo à l'école",
    "l'accès aux droits sans internet",
    "le bénévolat des jeunes",
    "les repas bio à la cantine",
    "le logement des étudiants",
)
OPENINGS = ("Nous constatons", "Il nous faut comprendre", "Nous suivons", "On nous parle de")


@pytest.fixture
def model() -> str:
    """The shipped one: a tiny model finds nobody near enough."""
    return "fast"


@pytest.fixture
def filled(run: Run, data: Path, tmp_path: Path) -> Run:
    """On each subject four problems: of strangers of one sector, or two and two of acquaintances.

    Subjects of acquaintances, one of whom is of another sector, are those of odd numbers.
    """
    rows, known = [], []
    for i, subject in enumerate(SUBJECTS):
        odd = i % 2
        for j, opening in enumerate(OPENINGS):
            name = f"Structure {i}{j // 2 if odd else j}"
            sector = SPORT if odd and j > 1 else CULTURE
            rows.append((f"P{i}{j}", name, f"{opening} {subject}.", sector))
        if odd:
            known.append((f"Structure {i}0", f"Structure {i}1", "", ""))
    sheet = write_csv(tmp_path / "problems.csv", HEADER, rows)
    run("import", sheet, "--sociopole", SLUG, "--kind", "problem")
    engine = open_engine(Settings(data=data).url)
    with write(engine) as session:
        add_relations(session, get_sociopole(session, SLUG).id, known)
    engine.dispose()
    run("suggest", SLUG)
    return run


def prefer_two_sectors(run: Run) -> None:
    """Accept what crosses sectors, though they know each other; set aside what does not."""
    pairings = read(run("pairings", SLUG, "--limit", 200, "--json"))["pairings"]
    for gap, said in ((1, ("accept",)), (0, ("set-aside", "--reason", "other"))):
        ids = [p["id"] for p in pairings if p["bars"]["sector_gap"] == gap]
        named = [argument for name in ids for argument in ("--id", name)]
        result = run("decide", SLUG, *said, *named, "--by", "Ada")
        assert result.exit_code == 0, result.output


def test_too_few_decisions_are_said_and_nothing_is_applied(filled: Run) -> None:
    filled("decide", SLUG, "accept", "--pairing", 1)

    shown = filled("weights", "show", SLUG)
    assert shown.exit_code == 0, shown.output
    assert "Il faut au moins 30" in shown.stdout
    assert "par défaut" in shown.stdout

    refused = filled("weights", "apply", SLUG)
    assert refused.exit_code == 1
    assert "Il faut au moins 30" in refused.stderr
    assert "déjà en vigueur" in filled("weights", "reset", SLUG).stderr
    assert "Rien à annuler" in filled("weights", "reset", SLUG, "--previous").stderr


def test_weights_are_shown_applied_and_taken_back(filled: Run) -> None:
    prefer_two_sectors(filled)
    learning = read(filled("weights", "show", SLUG, "--json"))
    assert learning["proposed"], learning["why_not"]
    shown = filled("weights", "show", SLUG)
    assert "fois sur 100 avec les poids appris" in " ".join(shown.stdout.split())
    assert "weights apply" in shown.stdout

    applied = filled("weights", "apply", SLUG, "--seen", learning["last_decision"], "--by", "Ada")
    assert applied.exit_code == 0, applied.output
    assert "mis en vigueur par Ada" in applied.stdout
    assert read(filled("suggest", SLUG, "--json"))["weights"] == learning["learnt"]

    back = filled("weights", "reset", SLUG, "--by", "Bo")
    assert "Poids par défaut remis en vigueur par Bo" in back.stdout
    again = filled("weights", "reset", SLUG, "--previous", "--by", "Bo", "--json")
    assert read(again)["in_force"] == learning["learnt"]
