"""What we write opens with a double click, calculates nothing, and reads back as it was."""

import datetime as dt
import io
import itertools
import zipfile
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.errors import Refused
from service.files.reading import read_table, tidy
from service.files.writing import Cell, Column, Sheet, SheetFormat, write_csv, write_sheet

FORMATS = list(SheetFormat)
SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
HOSTILE = [
    '=HYPERLINK("http://exemple.fr";"clic")',
    "+33-1-42",
    "@SUM(A1)",
    "\u200b=1+1",
    "＝1+1",
    "- les vélos",
    "http://exemple.fr",
    "mailto:ada@exemple.fr",
    "<r><t>gras</t></r>",
    "<b>&amp;</b>",
    "_x0041_",
    "007",
    "1E5",
    "12345678901234567890",
    '=1;2\n"=3"',
]


def written(format_: SheetFormat, rows: list[tuple[Cell, ...]], *titles: str) -> bytes:
    stream = io.BytesIO()
    columns = [Column(title) for title in titles or ("Ligne", "Texte")]
    assert write_sheet(stream, Sheet("Essai", columns, rows), format_) == len(rows)
    return stream.getvalue()


def part(content: bytes, name: str) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return ElementTree.fromstring(archive.read(name))  # noqa: S314 - our own file


def sheet_of(content: bytes) -> ElementTree.Element:
    return part(content, "xl/worksheets/sheet1.xml")


def test_a_csv_opens_with_a_double_click_in_a_french_excel(tmp_path: Path) -> None:
    path = tmp_path / "erreurs.csv"

    write_csv(path, ["Ligne", "Défaut"], rows=[["2", "=1;2"]])

    expected = 'Ligne;Défaut\r\n2;"\'=1;2"\r\n'
    assert path.read_bytes() == b"\xef\xbb\xbf" + expected.encode()


def test_numbers_and_dates_are_written_as_a_french_spreadsheet_understands_them() -> None:
    row = (3, 0.5, dt.date(2025, 3, 12), dt.datetime(2025, 3, 12, 9, 5), None)  # noqa: DTZ001

    content = written(SheetFormat.CSV, [row], *"abcde").decode("utf-8-sig")

    assert content.splitlines()[1] == "3;0,5;2025-03-12;2025-03-12 09:05;"


def test_every_text_of_an_xlsx_is_a_text_and_none_a_formula_nor_a_link() -> None:
    content = written(SheetFormat.XLSX, [(str(i), text) for i, text in enumerate(HOSTILE)])

    sheet = sheet_of(content)
    cells = list(sheet.iter(f"{SPACE}c"))
    assert {cell.get("t") for cell in cells} == {"s"}
    assert len(cells) == 2 * (len(HOSTILE) + 1)
    assert list(sheet.iter(f"{SPACE}f")) == list(sheet.iter(f"{SPACE}hyperlink")) == []
    strings = {
        "".join(item.itertext())
        for item in part(content, "xl/sharedStrings.xml").iter(f"{SPACE}si")
    }
    assert strings & set("=+-@＝") == set()
    assert {text[0] for text in strings} <= {"'", *"0123456789", *"LThm<_"}


def test_numbers_and_dates_of_an_xlsx_are_numbers_that_can_be_added_and_sorted() -> None:
    content = written(SheetFormat.XLSX, [(3, dt.date(2025, 3, 12)), (0.5, None)])

    first, second = list(sheet_of(content).iter(f"{SPACE}row"))[1:]
    assert [(c.get("t"), c.findtext(f"{SPACE}v")) for c in first] == [(None, "3"), (None, "45728")]
    assert [c.findtext(f"{SPACE}v") for c in second] == ["0.5"]


def test_the_names_of_the_columns_stay_in_sight_and_filter() -> None:
    sheet = sheet_of(written(SheetFormat.XLSX, [("1", "a"), ("2", "b")]))

    pane = next(sheet.iter(f"{SPACE}pane"))
    assert (pane.get("ySplit"), pane.get("state")) == ("1", "frozen")
    assert next(sheet.iter(f"{SPACE}autoFilter")).get("ref") == "A1:B3"


def test_a_column_offers_its_choices() -> None:
    stream = io.BytesIO()
    columns = [Column("Accord", choices=("oui", "non"))]
    write_sheet(stream, Sheet("Essai", columns, [("oui",), ("non",)]), SheetFormat.XLSX)

    choice = next(sheet_of(stream.getvalue()).iter(f"{SPACE}dataValidation"))
    assert (choice.get("sqref"), choice.findtext(f"{SPACE}formula1")) == ("A2:A3", '"oui,non"')


def test_what_is_written_passes_by_no_file_that_a_killed_process_would_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file")

    monkeypatch.setattr("tempfile.mkstemp", refuse)

    assert written(SheetFormat.XLSX, [("1", "a")])


@pytest.mark.parametrize("text", ["a", "é" * 40_000])
def test_a_sheet_too_long_for_memory_leaves_no_file_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("service.files.writing.MOST_ROWS_IN_MEMORY", 1)

    with suppress(Refused):
        written(SheetFormat.XLSX, [("1", "a"), ("2", text)])

    assert list(tmp_path.iterdir()) == []


def test_a_cell_that_an_xlsx_would_cut_is_refused() -> None:
    # 17,000 signs of two units each.
    with pytest.raises(Refused, match="ligne 2 dépasse 32767"):
        written(SheetFormat.XLSX, [("1", "𝄞" * 17_000)])
    assert written(SheetFormat.XLSX, [("1", "𝄞" * 16_000), ("2", "e" * 32_767)])


@pytest.mark.parametrize("format_", FORMATS)
def test_an_empty_sheet_is_its_names(format_: SheetFormat) -> None:
    assert written(format_, [])


# A control character is told on reading; these two no XLSX can hold.
PRINTED = st.text(
    st.sampled_from("'=+-@＝a01.;,\"é|\n\u200b<r>_x&\u202f ")
    | st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    max_size=12,
)


@pytest.mark.parametrize("format_", FORMATS)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(texts=st.lists(PRINTED, min_size=20, max_size=200))
def test_a_written_file_reads_back_as_it_was(
    tmp_path: Path, format_: SheetFormat, texts: list[str]
) -> None:
    path = tmp_path / f"essai.{format_}"
    rows = [(f"r{i}", tidy(text)) for i, text in enumerate(texts)]

    path.write_bytes(written(format_, list(itertools.chain(rows)), "Ligne", "=Texte"))
    table = read_table(path)

    assert table.columns == ("Ligne", "=Texte")
    assert [row.cells for row in table.rows] == rows


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_reads_back_as_it_was(
    tmp_path: Path, format_: SheetFormat, text: str
) -> None:
    path = tmp_path / f"essai.{format_}"
    path.write_bytes(written(format_, [("1", text)]))

    assert read_table(path).rows[0].cells == ("1", text)
