"""Rows to a CSV or an XLSX file that no spreadsheet takes for a program."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, NamedTuple

import xlsxwriter
from xlsxwriter.format import Format as CellFormat
from xlsxwriter.worksheet import Worksheet

from service.errors import Refused
from service.files.neutralising import neutralise

Cell = str | int | float | dt.date | dt.datetime | None
"""An identifier is a text, also one made of digits."""

LONGEST_CELL = 32_767
"""UTF-16 units: what a cell of an XLSX holds."""
FIRST_SURE_DAY = dt.date(1900, 3, 1)
"""Excel has a 29th of February 1900: days before it are written as text."""
NARROW, WIDE = 14, 60
INK, READ_BACK, FOR_INFORMATION = "#FFFFFF", "#1F4E5F", "#6B7280"
MOST_ROWS = 1_048_576
MOST_ROWS_IN_MEMORY = 20_000
"""A region over years. 100,000 rows would take 640 MB more than the 240 they take with files."""
A4, PRINTED_PERCENT = 9, 65
LINE_POINTS, MOST_LINES = 15, 27
"""A row is at most 409 points high."""


class SheetFormat(StrEnum):
    """What an export can be."""

    CSV = "csv"
    XLSX = "xlsx"

    @property
    def media_type(self) -> str:
        """As HTTP names it."""
        if self == SheetFormat.CSV:
            return "text/csv; charset=utf-8"
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Column(NamedTuple):
    """A column: its width in characters, what may be chosen in it, whether it is read back."""

    title: str
    width: int = NARROW
    choices: tuple[str, ...] = ()
    read_back: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table to write; the rows are asked for once, and are as wide as there are columns."""

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]
    frozen: int = 1
    """How many columns stay in sight at the left."""


class Styles(NamedTuple):
    """How the cells of an XLSX look; what is typed in an empty one stays as typed: a text."""

    text: CellFormat
    number: CellFormat
    day: CellFormat
    hour: CellFormat


def write_csv(path: Path, columns: Sequence[str], *, rows: Iterable[Sequence[str]]) -> None:
    """A file of texts, as `write_sheet` would write it."""
    with path.open("wb") as stream:
        write_sheet(stream, Sheet("", [Column(title) for title in columns], rows), SheetFormat.CSV)


def write_sheet(stream: BinaryIO, sheet: Sheet, format_: SheetFormat) -> int:
    """Write a sheet, its names first; returns how many rows there were below them."""
    return (_write_csv if format_ == SheetFormat.CSV else _write_xlsx)(stream, sheet)


def _write_csv(stream: BinaryIO, sheet: Sheet) -> int:
    """As Excel in French opens it with a double click: semicolons, UTF-8 with its mark."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow([neutralise(column.title) for column in sheet.columns])
    count = 0
    for row in sheet.rows:
        writer.writerow([_as_text(cell) for cell in row])
        count += 1
    # Writes what is left, and leaves the caller's stream open.
    text.detach()
    return count


def _as_text(cell: Cell) -> str:
    if isinstance(cell, str):
        return neutralise(cell)
    if cell is None:
        return ""
    if isinstance(cell, dt.datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    if isinstance(cell, dt.date):
        # Spreadsheets know it for a date, and save it without cutting the year in two.
        return cell.isoformat()
    # A French spreadsheet takes 0.5 for a text, or for the fifth month.
    return str(cell).replace(".", ",")


def _write_xlsx(stream: BinaryIO, sheet: Sheet) -> int:
    # The folder goes away with what is in it, also when a row is refused.
    with TemporaryDirectory(prefix="sociopoles-") as scratch:
        options = {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "tmpdir": scratch,
        }
        with xlsxwriter.Workbook(stream, options) as workbook:
            count = _fill(workbook, sheet)
            # A file of people's texts would outlive a process that is killed: only where there are
            # too many of them for memory.
            workbook.in_memory = count <= MOST_ROWS_IN_MEMORY
    return count


def _fill(workbook: xlsxwriter.Workbook, sheet: Sheet) -> int:
    workbook.set_properties({"title": sheet.title, "author": "Sociopoles"})
    page = workbook.add_worksheet(sheet.title[:31])
    plain = {"valign": "top", "text_wrap": True}
    styles = Styles(
        text=workbook.add_format(plain | {"num_format": "@"}),
        number=workbook.add_format(plain),
        day=workbook.add_format(plain | {"num_format": "dd/mm/yyyy"}),
        hour=workbook.add_format(plain | {"num_format": "dd/mm/yyyy hh:mm"}),
    )
    _head(workbook, page, sheet, styles.text)
    count = 0
    for count, row in enumerate(sheet.rows, start=1):
        lines = _lines(row, sheet.columns)
        if lines > 1:
            page.set_row(count, LINE_POINTS * lines)
        _write_row(page, count, row, styles)
    page.autofilter(0, 0, max(count, 1), len(sheet.columns) - 1)
    _offer_choices(page, sheet.columns, count)
    return count


def _head(workbook: xlsxwriter.Workbook, page: Worksheet, sheet: Sheet, texts: CellFormat) -> None:
    """The names of the columns, which stay in sight and on each printed page."""
    titles = [column.title for column in sheet.columns]
    page.set_row(0, LINE_POINTS * _lines(titles, sheet.columns))
    for place, column in enumerate(sheet.columns):
        page.set_column(place, place, column.width, texts)
        head = workbook.add_format(
            {
                "bold": True,
                "font_color": INK,
                "bg_color": READ_BACK if column.read_back else FOR_INFORMATION,
                "text_wrap": True,
                "valign": "vcenter",
            }
        )
        page.write_string(0, place, neutralise(column.title, typed=True), head)
    page.freeze_panes(1, sheet.frozen)
    page.set_landscape()
    page.set_paper(A4)
    page.set_print_scale(PRINTED_PERCENT)
    page.repeat_rows(0)
    page.repeat_columns(0)
    # Identifiers made of digits are texts on purpose: no green corner on each.
    page.ignore_errors({"number_stored_as_text": f"A1:XFD{MOST_ROWS}"})


def _write_row(page: Worksheet, number: int, row: Sequence[Cell], styles: Styles) -> None:
    for place, cell in enumerate(row):
        if isinstance(cell, str):
            if cell:
                page.write_string(number, place, _fit(neutralise(cell, typed=True), number))
        elif isinstance(cell, dt.datetime):
            page.write_datetime(number, place, cell, styles.hour)
        elif isinstance(cell, dt.date):
            if cell >= FIRST_SURE_DAY:
                page.write_datetime(number, place, cell, styles.day)
            else:
                page.write_string(number, place, cell.isoformat())
        elif cell is not None:
            page.write_number(number, place, cell, styles.number)


def _lines(row: Sequence[Cell], columns: Sequence[Column]) -> int:
    """How many lines the highest cell takes: not every spreadsheet finds out by itself."""
    lines = 1
    for cell, column in zip(row, columns, strict=True):
        if isinstance(cell, str) and (len(cell) > column.width or "\n" in cell):
            # Words are not cut, which leaves about a tenth of a line empty.
            lines = max(lines, 1 + cell.count("\n") + int(len(cell) * 1.1) // column.width)
    return min(lines, MOST_LINES)


def _fit(text: str, number: int) -> str:
    # What is longer would be cut without a word.
    if len(text) > LONGEST_CELL // 2 and len(text.encode("utf-16-le")) > 2 * LONGEST_CELL:
        raise Refused(
            f"Une cellule de la ligne {number + 1} dépasse {LONGEST_CELL} caractères, la limite "
            "d'un classeur : exportez en CSV."
        )
    return text


def _offer_choices(page: Worksheet, columns: Sequence[Column], count: int) -> None:
    for place, column in _with_choices(columns):
        page.data_validation(
            1,
            place,
            max(count, 1),
            place,
            {
                "validate": "list",
                "source": list(column.choices),
                "error_title": column.title[:32],
                "error_message": "Choisissez dans la liste, ou laissez vide.",
            },
        )


def _with_choices(columns: Sequence[Column]) -> Iterator[tuple[int, Column]]:
    return ((place, column) for place, column in enumerate(columns) if column.choices)
