"""A sheet of pairings shows what was proposed, what was decided and what stays unanswered."""

from pathlib import Path

import pytest

from service.errors import NotFound
from service.files.writing import SheetFormat
from service.resources import Resources
from service.store.decisions import Say
from service.workflows.pairing_sheet import export_pairings
from tests.builders import SLUG, import_rows
from tests.service.pairing_sheets import HEADER, TOPICS, bring_back, edit, export, fill, run, say
from tests.spreadsheets import column, open_sheet


@pytest.fixture
def filled(resources: Resources) -> Resources:
    fill(resources)
    return resources


def test_what_stays_without_an_answer_is_listed_after_the_pairings(
    filled: Resources, tmp_path: Path
) -> None:
    sheet = open_sheet(export(filled, tmp_path))

    assert column(sheet, "Identifiant A")[3:] == ["P9"]
    assert column(sheet, "Rang") == ["1", "2", "3", ""]
    assert [bool(why) for why in column(sheet, "Sans réponse")] == [False, False, False, True]


def test_a_published_sheet_of_pairings_says_nothing_of_decisions(filled: Resources) -> None:
    header = ("id", "organisation", "text", "consent")
    import_rows(filled, header, [("P0", "Asso 0", f"besoin {TOPICS[0]}", "oui")])
    rows = [(f"I{i}", f"Labo {i}", f"recherche {topic}", "oui") for i, topic in enumerate(TOPICS)]
    import_rows(filled, header, rows, kind="interest")
    say(filled, Say.ACCEPT, words="Mme Diallo est injoignable")

    exported = export_pairings(filled, SLUG, SheetFormat.CSV, only_published=True)

    text = exported.body.decode("utf-8-sig")
    assert exported.rows == 1
    assert "P0" in text
    assert all(
        word not in text for word in ("P1", "P9", "Diallo", "Blaise", "Décision", "accepter")
    )


def test_without_a_run_there_is_nothing_to_export(resources: Resources) -> None:
    with pytest.raises(NotFound, match="sociopoles suggest"):
        export_pairings(resources, SLUG, SheetFormat.CSV)


def test_what_comes_back_because_a_text_changed_is_open_again_in_the_sheet(
    filled: Resources, tmp_path: Path
) -> None:
    say(filled, Say.SET_ASIDE, "P1", reason="off-topic")
    import_rows(filled, HEADER, [("P1", "Asso 1", f"besoin {TOPICS[1]} cave")])
    run(filled)
    path = export(filled, tmp_path, SheetFormat.XLSX)

    sheet = open_sheet(path)
    place = column(sheet, "Identifiant A").index("P1")
    assert column(sheet, "Décision")[place] == ""
    assert column(sheet, "Dernière décision")[place].startswith("écarter, Blaise")
    assert bring_back(filled, path).unchanged == 4
    cells = {"Décision": "écarter", "Motif": "hors sujet"}
    assert len(bring_back(filled, edit(path, "P1", **cells)).decided) == 1


def test_what_was_accepted_stays_accepted_when_a_text_changes(
    filled: Resources, tmp_path: Path
) -> None:
    say(filled, Say.ACCEPT, "P1")
    import_rows(filled, HEADER, [("P1", "Asso 1", f"besoin {TOPICS[1]} cave")])
    path = export(filled, tmp_path)

    assert column(open_sheet(path), "Décision").count("accepter") == 1
    assert bring_back(filled, path).unchanged == 4
