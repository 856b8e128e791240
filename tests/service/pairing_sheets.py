"""What tests of sheets of pairings share: a sociopôle with three pairings and one orphan."""

import datetime as dt
from pathlib import Path
from typing import Any

from matcher.assignment import Limits
from service.files.writing import SheetFormat
from service.resources import Resources
from service.store.decisions import Say
from service.workflows.decide import Choice, Said, decide, show_decisions
from service.workflows.pairing_sheet import export_pairings
from service.workflows.show import show_suggestions
from service.workflows.suggest import Plan, parse_kinds, suggest
from service.workflows.take_in_decisions import DecisionsReport, take_in_decisions
from tests.builders import SLUG, import_rows
from tests.spreadsheets import column, edit_sheet, open_sheet

HEADER = ("id", "organisation", "text")
TOPICS = (
    "vélo piste cyclable école",
    "moisissure logement humidité mur",
    "compost jardin déchets",
)
ALONE = "chorale trombone partition"
TODAY = dt.date(2026, 11, 25)
FORMATS = list(SheetFormat)


def fill(resources: Resources) -> None:
    """Problems P0, P1, P2 that I0, I1, I2 answer, and P9 that nobody does."""
    problems = [(f"P{i}", f"Asso {i}", f"besoin {topic}") for i, topic in enumerate(TOPICS)]
    interests = [(f"I{i}", f"Labo {i}", f"recherche {topic}") for i, topic in enumerate(TOPICS)]
    import_rows(resources, HEADER, [*problems, ("P9", "Fanfare", ALONE)])
    import_rows(resources, HEADER, interests, kind="interest")
    run(resources)


def run(resources: Resources) -> None:
    suggest(resources, SLUG, Plan(Limits(), parse_kinds("problem-interest")), today=TODAY)


def export(resources: Resources, folder: Path, format_: SheetFormat = SheetFormat.CSV) -> Path:
    path = folder / f"rapprochements.{format_}"
    path.write_bytes(export_pairings(resources, SLUG, format_).body)
    return path


def bring_back(resources: Resources, path: Path, **options: Any) -> DecisionsReport:
    return take_in_decisions(resources, SLUG, path, by="Ada", today=TODAY, **options)


def rank_of(resources: Resources, problem: str) -> int:
    pairings = show_suggestions(resources, SLUG)["pairings"]
    return int(next(p["rank"] for p in pairings if p["left"]["id"] == problem))


def say(resources: Resources, action: Say, problem: str = "P0", **more: Any) -> int:
    choice = Choice((rank_of(resources, problem),))
    return decide(resources, SLUG, choice, Said(action, "Blaise", **more), TODAY)


def decisions(resources: Resources) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = show_decisions(resources, SLUG)["decisions"]
    return listed


def edit(path: Path, problem: str, **cells: Any) -> Path:
    """Change cells of the row of one problem."""
    ids = column(open_sheet(path), "Identifiant A")
    return edit_sheet(path, ids.index(problem) + 1, **cells)
