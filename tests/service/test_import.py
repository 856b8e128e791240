"""A spreadsheet becomes statements, all rows or none, and comes back under the same ids."""

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from matcher.nomenclature import Tied
from matcher.statements import Kind
from service.database import read
from service.errors import NotFound
from service.resources import Resources
from service.store.revisions import current_mark
from service.store.sociopoles import get_sociopole
from service.store.statements import StatementView, statements_of
from service.tables import Contact, Import, Organisation, StatementRow
from service.workflows.take_in import ImportPlan, ImportReport, take_in
from tests.builders import HEADER, SLUG, import_rows, import_texts, write_csv
from tests.conftest import OpenResources

VELO = ("1", "Roue Libre", "", "Pas de vélos pour les enfants", "011075", "", "93066")
HUMIDE = ("2", "Amicale", "Moisissures", "Les murs sont noirs", "", "", "")


def stored(resources: Resources) -> list[StatementView]:
    with read(resources.engine) as session:
        return statements_of(session, get_sociopole(session, SLUG).id, list(Kind))


def counts(report: ImportReport) -> tuple[int, int, int, int, int]:
    return (report.created, report.updated, report.unchanged, report.duplicates, len(report.errors))


def test_each_row_becomes_a_statement(resources: Resources) -> None:
    report = import_rows(resources, HEADER, [VELO, HUMIDE])

    assert counts(report) == (2, 0, 0, 0, 0)
    velo, humide = stored(resources)
    assert (velo.public_id, velo.organisation, velo.territory) == ("1", "Roue Libre", "Saint-Denis")
    assert (velo.statement.title, velo.statement.sector) == (VELO[3], "011075")
    assert (humide.statement.title, humide.territory) == ("Moisissures", "Plaine Commune")


def test_importing_again_changes_nothing(resources: Resources) -> None:
    import_rows(resources, HEADER, [VELO, HUMIDE])
    with read(resources.engine) as session:
        before = current_mark(session)

    report = import_rows(resources, HEADER, [HUMIDE, VELO])

    assert counts(report) == (0, 0, 2, 0, 0)
    with read(resources.engine) as session:
        assert current_mark(session) == before


def test_a_row_without_id_is_known_again_by_its_organisation_and_text(resources: Resources) -> None:
    header = ("organisation", "text", "date")
    import_rows(resources, header, [("Roue Libre", "Pas de  vélos", "2025")])

    report = import_rows(resources, header, [("ROUE-LIBRE", "Pas de vélos", "2026")])

    assert counts(report) == (0, 1, 0, 0, 0)
    assert len(stored(resources)) == 1


def test_what_was_exported_comes_back_as_an_update_of_itself(resources: Resources) -> None:
    import_texts(resources, "besoin de vélos")
    import_texts(resources, "recherche sur le vélo", kind="interest")
    exported = [(s.public_id, s.statement.kind, s.statement.text + " !") for s in stored(resources)]

    report = import_rows(resources, ("id", "kind", "text"), exported)

    assert counts(report) == (0, 2, 0, 0, 0)
    assert [s.statement.text for s in stored(resources)] == [
        "besoin de vélos !",
        "recherche sur le vélo !",
    ]


def test_two_sheets_numbered_from_one_do_not_overwrite_each_other(resources: Resources) -> None:
    import_texts(resources, "un", "deux")
    again = import_texts(resources, "trois", "quatre", kind="interest")

    assert counts(again) == (2, 0, 0, 0, 0)
    assert [s.public_id for s in stored(resources)] == ["1", "2", "interest-1", "interest-2"]
    assert counts(import_texts(resources, "trois", "quatre", kind="interest")) == (0, 0, 2, 0, 0)


def test_public_ids_stay_apart_whatever_the_ids_of_the_files(resources: Resources) -> None:
    import_texts(resources, "un problème")

    rows = [("interest-1", "premier intérêt"), ("1", "second intérêt")]
    report = import_rows(resources, ("id", "text"), rows, kind="interest")

    assert counts(report) == (2, 0, 0, 0, 0)
    assert len({s.public_id for s in stored(resources)}) == 3


def test_a_row_twice_in_a_file_counts_once(resources: Resources) -> None:
    rows = [("Roue Libre", "vélos"), ("roue libre", "vélos"), ("Autre", "vélos")]

    report = import_rows(resources, ("organisation", "text"), rows)

    assert counts(report) == (2, 0, 0, 1, 0)
    assert report.rows == 3


def test_rows_that_differ_by_spaces_only_are_duplicates(resources: Resources) -> None:
    rows = [("Roue Libre", "Pas de vélos"), ("Roue Libre", "Pas  de\nvélos")]

    report = import_rows(resources, ("organisation", "text"), rows)

    assert counts(report) == (1, 0, 0, 1, 0)


def test_a_trial_says_the_same_and_writes_nothing(resources: Resources) -> None:
    import_rows(resources, HEADER, [VELO])
    changed = (*VELO[:3], "Pas de vélos pour les aînés", *VELO[4:])
    with read(resources.engine) as session:
        before = current_mark(session)

    trial = import_rows(resources, HEADER, [changed, HUMIDE], dry_run=True)

    assert counts(trial) == (1, 1, 0, 0, 0)
    assert not trial.written
    assert [s.statement.text for s in stored(resources)] == [VELO[3]]
    with read(resources.engine) as session:
        assert current_mark(session) == before
        assert session.scalar(select(func.count()).select_from(Import)) == 1
        assert session.scalars(select(Organisation.name)).all() == ["Roue Libre"]
    assert counts(import_rows(resources, HEADER, [changed, HUMIDE])) == counts(trial)


def test_one_bad_row_leaves_everything_as_it_was(resources: Resources) -> None:
    report = import_rows(resources, HEADER, [VELO, ("3", "Vide", "", "", "", "", "")])

    assert not report.written
    assert stored(resources) == []
    with read(resources.engine) as session:
        assert session.scalar(select(func.count()).select_from(Organisation)) == 0


def test_bad_rows_can_be_left_aside(resources: Resources) -> None:
    rows = [VELO, ("3", "Vide", "", "", "", "", ""), HUMIDE]

    report = import_rows(resources, HEADER, rows, skip_errors=True)

    assert counts(report) == (2, 0, 0, 0, 1)
    assert report.written
    assert [s.public_id for s in stored(resources)] == ["1", "2"]


def test_free_words_are_tied_to_a_sector_and_kept_as_written(resources: Resources) -> None:
    rows = [("1", "football pour les jeunes"), ("2", "xylophage abscons"), ("3", "011075")]

    report = import_rows(resources, ("text", "sector"), rows)

    free, unknown, code = stored(resources)
    assert (free.sector_written, free.statement.sector) == ("football pour les jeunes", "011000")
    assert (unknown.sector_written, unknown.statement.sector) == ("xylophage abscons", "")
    assert code.statement.sector == "011075"
    assert [(tie["written"], tie["code"], tie["how"]) for tie in report.tied] == [
        ("football pour les jeunes", "011000", Tied.NEAREST),
        ("xylophage abscons", "", Tied.NOT),
    ]


@pytest.mark.parametrize(
    ("kind", "written", "college"),
    [
        ("problem", "", "association"),
        ("offer", "", "association"),
        ("interest", "", "academic"),
        ("course", "", "academic"),
        ("problem", "mairie", "public"),
        ("interest", "entreprise", "private"),
    ],
)
def test_a_college_that_is_not_said_follows_the_kind(
    resources: Resources, kind: str, written: str, college: str
) -> None:
    import_rows(resources, ("organisation", "college", "text"), [("X", written, "t")], kind=kind)

    [view] = stored(resources)
    assert view.statement.college == college


def test_a_college_said_later_moves_the_organisation(resources: Resources) -> None:
    header = ("organisation", "college", "text")
    import_rows(resources, header, [("Ville", "", "premier")])

    import_rows(resources, header, [("VILLE", "collectivité", "second")])

    assert {view.statement.college for view in stored(resources)} == {"public"}


@pytest.mark.parametrize(("answer", "consent"), [("", False), ("oui", True), ("non", False)])
def test_consent_is_no_unless_it_is_said(resources: Resources, answer: str, consent: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    import_rows(resources, ("text", "consent"), [("vélos", answer)])

    with read(resources.engine) as session:
        assert session.scalars(select(StatementRow.consent)).all() == [consent]


def test_without_a_column_of_consent_there_is_none(resources: Resources) -> None:
    import_rows(resources, ("text", "date"), [("vélos", "12/03/2025")])

    with read(resources.engine) as session:
        [row] = session.execute(select(StatementRow.consent, StatementRow.written_on)).all()
    assert tuple(row) == (False, dt.date(2025, 3, 12))


def test_contacts_are_kept_apart_and_once(resources: Resources) -> None:
    header = ("id", "organisation", "text", "contact_name", "contact_email")
    ada = ("Ada", "ada@example.org")
    rows = [("1", "Roue Libre", "a", *ada), ("2", "Roue Libre", "b", *ada), ("3", "", "c", *ada)]

    import_rows(resources, header, rows)
    import_rows(resources, header, rows)

    with read(resources.engine) as session:
        found = session.execute(select(Contact.name, Contact.email)).all()
    assert [tuple(row) for row in found] == [ada]


@pytest.mark.parametrize("column", ["contact_name", "contact_email"])
def test_a_contact_however_long_never_breaks_the_import(resources: Resources, column: str) -> None:
    rows = [("Roue Libre", "vélos", "x" * 2000)]

    report = import_rows(resources, ("organisation", "text", column), rows)

    assert report.written or [error.column for error in report.errors] == [column]


def test_a_column_says_the_kind_of_each_row(resources: Resources) -> None:
    rows = [("vélos", "intérêt"), ("jardin", ""), ("cours de sol", "cours")]

    import_rows(resources, ("text", "kind"), rows, kind="offer")

    assert [s.statement.kind for s in stored(resources)] == ["interest", "offer", "course"]


def test_columns_can_be_named_by_hand(resources: Resources) -> None:
    rows = [("vélos", "Roue Libre")]

    report = import_rows(resources, ("A", "B"), rows, mapping={"text": "a", "organisation": "B"})

    assert report.columns == {"text": "A", "organisation": "B"}
    assert stored(resources)[0].organisation == "Roue Libre"


def test_a_column_whose_cells_are_something_else_is_not_taken_by_its_name(
    resources: Resources,
) -> None:
    rows: Sequence[Sequence[str]] = [("vélos", "rouge"), ("jardin", "vert")]

    report = import_rows(resources, ("text", "Type"), rows)

    assert report.columns == {"text": "text"}
    assert report.written


def test_an_unknown_sociopole_is_refused_with_those_that_exist(
    resources: Resources, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "rows.csv", ("text",), [("vélos",)])

    with pytest.raises(NotFound, match=SLUG):
        take_in(resources, ImportPlan(path, "lyon", "problem"))


def test_each_file_taken_in_is_remembered_with_its_columns_and_report(resources: Resources) -> None:
    report = import_rows(resources, HEADER, [VELO])

    with read(resources.engine) as session:
        [kept] = session.scalars(select(Import)).all()
        assert (kept.file_name, kept.kind, kept.columns) == ("rows.csv", "problem", report.columns)
        assert kept.report["created"] == 1
        assert len(kept.file_hash) == 64


def test_the_progress_of_an_import_is_told(resources: Resources) -> None:
    heard: list[tuple[str, int, int]] = []
    path = write_csv(resources.settings.data / "rows.csv", ("text",), [("vélos",)])

    take_in(resources, ImportPlan(path, SLUG, "problem"), lambda *told: heard.append(told))

    assert heard[0] == ("Lecture du fichier", 0, 3)
    assert ("Enregistrement", 3, 3) in heard


def test_two_imports_at_once_both_arrive(resources: Resources, open_more: OpenResources) -> None:
    paths = [
        write_csv(
            resources.settings.data / f"{name}.csv",
            ("id", "organisation", "text"),
            [(f"{name}{i}", f"Asso {i}", f"texte {name} {i}") for i in range(200)],
        )
        for name in "ab"
    ]
    plans = [ImportPlan(path, SLUG, "problem") for path in paths]

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(take_in, [resources, open_more()], plans))

    assert [report.created for report in reports] == [200, 200]
    assert len(stored(resources)) == 400
    assert len({view.statement.organisation for view in stored(resources)}) == 200
