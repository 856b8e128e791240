"""The reader held against files as users bring them, where the shared folder has them."""

import io
import lzma
from pathlib import Path

import pytest

from service.database import read
from service.files.columns import guess_columns
from service.files.reading import read_table
from service.files.table import Table
from service.files.writing import Column, Sheet, SheetFormat, write_sheet
from service.resources import Resources
from service.store.revisions import current_mark
from service.workflows.export import export_statements
from service.workflows.take_in import ImportPlan, take_in
from tests.builders import SLUG
from tests.pace import SECOND, pace
from tests.spreadsheets import edit_sheet

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "real"


def real(name: str) -> Path:
    path = REAL / name
    if not path.exists():
        pytest.skip(f"{path} is not here: real files are not part of the project")
    return path


def unpacked(name: str, folder: Path) -> Path:
    path = folder / name.removesuffix(".xz")
    path.write_bytes(lzma.decompress(real(name).read_bytes()))
    return path


def test_the_grants_of_the_assemblee_nationale_are_read_whole(tmp_path: Path) -> None:
    path = unpacked("subventions_associations.csv.xz", tmp_path)

    table, spent = pace(lambda: read_table(path))

    assert (table.encoding, table.delimiter, len(table.rows)) == ("cp1252", ";", 16_513)
    assert table.problems == ()
    assert table.rows[0].cells[2].startswith("l'installation d'un radar pédagogique à l'entrée")
    assert guess_columns(table.columns, table.rows) == {
        "organisation": "Bénéficiaire",
        "text": "Objet",
        "date": "Année",
    }
    assert spent < SECOND


def test_the_problem_sheets_are_read_whole() -> None:
    table = read_table(real("problem_sheets.csv"))

    assert (table.encoding, table.delimiter, len(table.rows)) == ("utf-8-sig", ";", 141)
    assert table.problems == ()
    assert guess_columns(table.columns, table.rows) == {
        "id": "Identifiant",
        "title": "Titre",
        "text": "Problème",
        "sector": "Thématiques",
    }


def test_the_grants_of_loire_atlantique_are_read_whole() -> None:
    table = read_table(real("subventions_loire_atlantique.csv"))

    assert (table.encoding, table.delimiter, len(table.rows)) == ("utf-8", ",", 435)
    assert table.problems == ()
    assert guess_columns(table.columns, table.rows) == {
        "organisation": "beneficiaire",
        "text": "objet",
    }


@pytest.mark.parametrize("format_", SheetFormat)
def test_the_grants_of_the_assemblee_nationale_are_written_and_read_back_alike(
    tmp_path: Path, format_: SheetFormat
) -> None:
    table = read_table(unpacked("subventions_associations.csv.xz", tmp_path))
    stream = io.BytesIO()

    write_sheet(stream, as_sheet(table), format_)
    path = tmp_path / f"export.{format_}"
    path.write_bytes(stream.getvalue())
    again = read_table(path)

    assert again.columns == table.columns
    assert [row.cells for row in again.rows] == [row.cells for row in table.rows]


def as_sheet(table: Table) -> Sheet:
    columns = [Column(column) for column in table.columns]
    return Sheet("Subventions", columns, [row.cells for row in table.rows])


@pytest.mark.parametrize("name", ["problem_sheets.csv", "subventions_loire_atlantique.csv"])
@pytest.mark.parametrize("format_", SheetFormat)
def test_real_statements_leave_and_come_back_as_they_were(
    resources: Resources, tmp_path: Path, name: str, format_: SheetFormat
) -> None:
    taken = take_in(resources, ImportPlan(real(name), SLUG, "problem"))
    exported = export_statements(resources, SLUG, format_)
    path = tmp_path / exported.name
    path.write_bytes(exported.body)
    with read(resources.engine) as session:
        before = current_mark(session)

    same = take_in(resources, ImportPlan(path, SLUG, "problem"))
    with read(resources.engine) as session:
        assert current_mark(session) == before
    edited = take_in(resources, ImportPlan(edit_sheet(path, 7, Titre="=Autre"), SLUG, "problem"))

    assert (exported.rows, same.unchanged, same.errors) == (taken.created, taken.created, [])
    assert (edited.created, edited.updated) == (0, 1)
    assert edited.unchanged == taken.created - 1
