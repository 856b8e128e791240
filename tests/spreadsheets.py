"""What a person does to a sheet we handed out: open it, change cells, save it."""

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import xlsxwriter  # type: ignore[import-untyped] # it ships no types
from python_calamine import CalamineWorkbook

Rows = list[list[Any]]


def open_sheet(path: Path) -> Rows:
    """The cells as a spreadsheet holds them, the names of the columns first."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file, delimiter=";"))
    return CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()


def column(rows: Rows, title: str) -> list[Any]:
    """The cells under a title."""
    place = rows[0].index(title)
    return [row[place] for row in rows[1:]]


def save_sheet(path: Path, rows: Rows) -> Path:
    """Save as a spreadsheet does: its own quotes, its own line breaks, texts as texts."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=";", lineterminator="\n").writerows(rows)
        return path
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as workbook:
        sheet = workbook.add_worksheet()
        day = workbook.add_format({"num_format": "dd/mm/yyyy"})
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if isinstance(cell, dt.date):
                    sheet.write_datetime(number, place, cell, day)
                elif isinstance(cell, str):
                    sheet.write_string(number, place, cell)
                else:
                    sheet.write(number, place, cell)
    return path


def edit_sheet(path: Path, row: int, **cells: Any) -> Path:
    """Change cells of one row, counted from 1 under the names; « _ » in a name is a space."""
    rows = open_sheet(path)
    for title, value in cells.items():
        rows[row][rows[0].index(title.replace("_", " "))] = value
    return save_sheet(path, rows)
