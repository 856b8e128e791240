"""Pairings leave in a sheet; what a person decided in it comes back, and nothing else changes."""

import datetime as dt
from itertools import cycle
from pathlib import Path

import pytest

from service.database import read
from service.errors import NotFound, Refused
from service.files.writing import SheetFormat
from service.resources import Resources
from service.store.decisions import Say, list_decisions
from service.store.sociopoles import get_sociopole
from service.workflows.decide import undo_decision
from service.workflows.pairing_sheet import MARK
from service.workflows.show import show_suggestions
from service.workflows.take_in_decisions import take_in_decisions
from tests.builders import SLUG, import_rows
from tests.service.pairing_sheets import (
    FORMATS,
    HEADER,
    TODAY,
    TOPICS,
    bring_back,
    decisions,
    edit,
    export,
    fill,
    run,
    say,
)
from tests.spreadsheets import column, open_sheet, save_sheet


@pytest.fixture
def filled(resources: Resources) -> Resources:
    fill(resources)
    return resources


@pytest.mark.parametrize("format_", FORMATS)
def test_a_sheet_that_nobody_edited_decides_nothing(
    filled: Resources, tmp_path: Path, format_: SheetFormat
) -> None:
    say(filled, Say.SET_ASIDE, reason="too-far", words="=à deux heures\r\nde route ")
    say(filled, Say.POSTPONE, "P1", until=TODAY + dt.timedelta(days=30))
    before = decisions(filled)

    report = bring_back(filled, export(filled, tmp_path, format_))

    # Three pairings and the problem that stays without an answer.
    assert (report.rows, report.decided, report.unchanged, report.errors) == (4, [], 4, [])
    assert decisions(filled) == before


DECIDED: list[tuple[dict[str, str], str, dict[str, str]]] = [
    ({"Décision": "accepter"}, "accept", {}),
    (
        {"Décision": "Accepté", "Commentaire": 'mardi ;\n"chez eux"'},
        "accept",
        {"words": 'mardi ;\n"chez eux"'},
    ),
    ({"Décision": "écarter", "Motif": "trop loin"}, "set-aside", {"reason": "too-far"}),
    ({"Décision": "ECARTER", "Motif": "hors-sujet"}, "set-aside", {"reason": "off-topic"}),
    (
        {"Décision": "plus tard", "Jusqu'au": "15/01/2027"},
        "postpone",
        {"until": "2027-01-15"},
    ),
    ({"Décision": "déjà en contact"}, "in-contact", {}),
    (
        {"Décision": "incertain", "Commentaire": "'=à voir"},
        "uncertain",
        {"words": "=à voir"},
    ),
]


def test_each_decision_comes_back_as_it_was_written(filled: Resources, tmp_path: Path) -> None:
    # The formats in turns: neighbours in the list differ by little else.
    for (cells, action, kept), format_ in zip(DECIDED, cycle(FORMATS), strict=False):
        path = edit(export(filled, tmp_path, format_), "P1", **cells)

        report = bring_back(filled, path)

        assert (len(report.decided), report.unchanged, report.written) == (1, 3, True)
        decision = decisions(filled)[-1]
        assert (decision["action"], decision["by"]) == (action, "Ada")
        [pair] = decision["pairs"]
        assert (pair["left"], pair["right"]) == ("P1", "I1")
        blank = {"reason": "", "words": "", "until": None}
        assert {name: decision[name] for name in blank} == blank | kept
        undo_decision(filled, SLUG, by="Ada")


def test_a_date_of_a_spreadsheet_is_a_date(filled: Resources, tmp_path: Path) -> None:
    path = export(filled, tmp_path, SheetFormat.XLSX)
    until = dt.date(2027, 1, 15)

    bring_back(filled, edit(path, "P1", **{"Décision": "plus tard", "Jusqu'au": until}))

    assert decisions(filled)[0]["until"] == "2027-01-15"


def test_the_same_sheet_again_changes_nothing(filled: Resources, tmp_path: Path) -> None:
    path = edit(export(filled, tmp_path), "P1", Décision="accepter", Commentaire="mardi")
    bring_back(filled, path)

    again = bring_back(filled, path)

    assert (again.decided, again.unchanged, again.errors) == ([], 4, [])
    assert len(decisions(filled)) == 1


def test_each_row_is_a_decision_that_is_undone_alone(filled: Resources, tmp_path: Path) -> None:
    path = export(filled, tmp_path)
    edit(path, "P0", Décision="accepter")
    report = bring_back(filled, edit(path, "P1", Décision="accepter"))

    assert len({taken.decision for taken in report.decided}) == 2
    number = next(taken.decision for taken in report.decided if taken.left == "P0")
    undo_decision(filled, SLUG, by="Ada", number=number)
    accepted = show_suggestions(filled, SLUG)["accepted"]
    assert [(pair["left"]["id"]) for pair in accepted] == ["P1"]


def test_a_decision_is_changed_by_the_sheet_that_shows_it(
    filled: Resources, tmp_path: Path
) -> None:
    say(filled, Say.UNCERTAIN, words="à voir")
    path = export(filled, tmp_path)

    bring_back(filled, edit(path, "P0", Décision="accepter"))

    said = [(d["action"], d["words"]) for d in decisions(filled)]
    assert said == [("uncertain", "à voir"), ("accept", "à voir")]


def test_a_decision_of_a_sheet_keeps_what_was_shown_of_the_pairing(
    filled: Resources, tmp_path: Path
) -> None:
    bring_back(filled, edit(export(filled, tmp_path), "P1", Décision="accepter"))

    with read(filled.engine) as session:
        [decision] = list_decisions(session, get_sociopole(session, SLUG).id)
    [pair] = decision.pairs
    shown = show_suggestions(filled, SLUG)["pairings"]
    assert pair.bars == next(p["bars"] for p in shown if p["left"]["id"] == "P1")
    assert pair.model == filled.encoder.fingerprint


def test_what_was_put_off_may_be_left_as_it_is_after_its_day(
    filled: Resources, tmp_path: Path
) -> None:
    day = TODAY + dt.timedelta(days=30)
    say(filled, Say.POSTPONE, "P1", until=day)
    path = export(filled, tmp_path)

    report = take_in_decisions(filled, SLUG, path, by="Ada", today=day + dt.timedelta(days=1))

    assert (report.unchanged, report.errors) == (4, [])


def test_what_was_set_aside_holds_in_the_next_run(filled: Resources, tmp_path: Path) -> None:
    path = edit(export(filled, tmp_path), "P0", Décision="écarter", Motif="pas le moment")
    bring_back(filled, path)

    run(filled)

    assert "P0" in {orphan["id"] for orphan in show_suggestions(filled, SLUG)["orphans"]}


def test_a_sheet_outlives_a_new_run(filled: Resources, tmp_path: Path) -> None:
    path = export(filled, tmp_path)
    run(filled)

    report = bring_back(filled, edit(path, "P1", Décision="accepter"))

    assert [(taken.left, taken.right) for taken in report.decided] == [("P1", "I1")]


def test_a_trial_says_the_same_and_writes_nothing(filled: Resources, tmp_path: Path) -> None:
    path = edit(export(filled, tmp_path), "P1", Décision="accepter")

    trial = bring_back(filled, path, dry_run=True)

    assert (len(trial.decided), trial.decided[0].decision, trial.written) == (1, 0, False)
    assert decisions(filled) == []
    assert len(bring_back(filled, path).decided) == 1


BAD: list[tuple[dict[str, str], str, str]] = [
    ({"Décision": "peut-être"}, "Décision", "écrivez accepter, écarter, plus tard"),
    ({"Décision": "écarter"}, "Motif", "hors sujet, déjà essayé"),
    ({"Décision": "écarter", "Motif": "bof"}, "Motif", "n'est pas un motif"),
    ({"Décision": "accepter", "Motif": "autre"}, "Motif", "que ce qui est écarté"),
    ({"Décision": "plus tard"}, "Jusqu'au", "à venir"),
    ({"Décision": "plus tard", "Jusqu'au": "25/11/2026"}, "Jusqu'au", "à venir"),
    ({"Décision": "plus tard", "Jusqu'au": "demain"}, "Jusqu'au", "AAAA-MM-JJ"),
    ({"Décision": "accepter", "Jusqu'au": "15/01/2027"}, "Jusqu'au", "que « plus tard »"),
    ({"Commentaire": "à voir"}, "Décision", "choisissez une décision"),
    ({"Décision": "accepter", "Commentaire": "x" * 2001}, "Commentaire", "il y en a 2001"),
    ({"Décision": "accepter", MARK: ""}, MARK, "manque"),
    (
        {"Décision": "accepter", MARK: "p999-1-0-" + "a" * 12 + "-" + "b" * 12},
        MARK,
        "ce repère",
    ),
    ({"Identifiant B": "I2"}, "Identifiant A", "mêle deux rapprochements"),
    ({"Titre A": "a\x07b"}, "Titre A", "Caractère de contrôle"),
]


def test_one_bad_row_leaves_everything_as_it_was_and_says_what_to_do(
    filled: Resources, tmp_path: Path
) -> None:
    for cells, wrong, message in BAD:
        path = edit(export(filled, tmp_path), "P0", Décision="accepter")
        edit(path, "P1", **cells)

        report = bring_back(filled, path)

        [error] = report.errors
        line = column(open_sheet(path), "Identifiant A").index("P1") + 2
        assert (error.row, error.column) == (line, wrong)
        assert message in error.message
        assert (len(report.decided), report.unchanged, report.written) == (1, 2, False)
        assert decisions(filled) == []


def test_a_row_decided_otherwise_since_the_export_is_an_error_that_says_by_whom(
    filled: Resources, tmp_path: Path
) -> None:
    path = export(filled, tmp_path)
    say(filled, Say.SET_ASIDE, "P1", reason="other")

    report = bring_back(filled, edit(path, "P1", Décision="accepter"))

    [error] = report.errors
    assert "décidé autrement depuis l'export (« écarter », Blaise" in error.message
    assert [d["action"] for d in decisions(filled)] == ["set-aside"]


def test_a_row_decided_since_the_export_and_left_alone_in_the_sheet_stays_decided(
    filled: Resources, tmp_path: Path
) -> None:
    say(filled, Say.UNCERTAIN, "P1")
    path = export(filled, tmp_path)
    say(filled, Say.ACCEPT, "P1")

    report = bring_back(filled, edit(path, "P0", Décision="accepter"))

    assert ([taken.left for taken in report.decided], report.errors) == (["P0"], [])


def test_two_who_decide_the_same_do_not_collide(filled: Resources, tmp_path: Path) -> None:
    path = export(filled, tmp_path)
    say(filled, Say.ACCEPT, "P1")

    report = bring_back(filled, edit(path, "P1", Décision="accepter"))

    assert (report.decided, report.errors) == ([], [])


def test_a_decision_undone_since_the_export_is_not_changed_blindly(
    filled: Resources, tmp_path: Path
) -> None:
    say(filled, Say.UNCERTAIN, "P1")
    path = export(filled, tmp_path)
    undo_decision(filled, SLUG, by="Blaise")

    report = bring_back(filled, edit(path, "P1", Décision="accepter"))

    assert "annulée depuis" in report.errors[0].message


def test_a_decision_is_not_undone_by_an_empty_cell(filled: Resources, tmp_path: Path) -> None:
    number = say(filled, Say.ACCEPT, "P1")
    path = export(filled, tmp_path)

    report = bring_back(filled, edit(path, "P1", Décision=""))

    assert f"undo-decision --decision {number}" in report.errors[0].message


def test_a_text_that_changed_since_the_export_is_to_be_read_again(
    filled: Resources, tmp_path: Path
) -> None:
    path = edit(export(filled, tmp_path), "P1", Décision="accepter")
    import_rows(filled, HEADER, [("P1", "Asso 1", f"besoin {TOPICS[1]} cave")])

    report = bring_back(filled, path)

    assert "le texte de P1 a changé depuis l'export" in report.errors[0].message


def test_a_pairing_twice_in_a_sheet_is_an_error(filled: Resources, tmp_path: Path) -> None:
    path = export(filled, tmp_path)
    rows = open_sheet(path)

    report = bring_back(filled, save_sheet(path, [*rows, rows[1]]))

    assert "déjà à la ligne 2" in report.errors[0].message


def test_the_order_of_rows_and_columns_does_not_matter(filled: Resources, tmp_path: Path) -> None:
    path = edit(export(filled, tmp_path), "P1", Décision="accepter")
    head, *rows = [list(reversed(row)) for row in open_sheet(path)]

    report = bring_back(filled, save_sheet(path, [head, *reversed(rows)]))

    assert [taken.left for taken in report.decided] == ["P1"]


def test_a_sheet_without_its_columns_is_refused_with_their_names(
    filled: Resources, tmp_path: Path
) -> None:
    path = export(filled, tmp_path)
    rows = [row[:-1] for row in open_sheet(path)]

    with pytest.raises(Refused, match="il y manque « Repère"):
        bring_back(filled, save_sheet(path, rows))


def test_another_sociopole_is_none_of_this_sheet(filled: Resources, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nulle-part"):
        take_in_decisions(filled, "nulle-part", export(filled, tmp_path), by="Ada")
    with pytest.raises(Refused, match="qui décide"):
        take_in_decisions(filled, SLUG, export(filled, tmp_path), by=" ")


def test_an_orphan_cannot_be_decided(filled: Resources, tmp_path: Path) -> None:
    report = bring_back(filled, edit(export(filled, tmp_path), "P9", Décision="accepter"))

    assert "sans réponse ne se décide pas" in report.errors[0].message
