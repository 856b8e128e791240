"""What a spreadsheet becomes once read."""

from dataclasses import dataclass
from typing import NamedTuple

from service.files.formats import Format


class Row(NamedTuple):
    """One line: its number as a spreadsheet shows it, and one cell for each column."""

    number: int
    cells: tuple[str, ...]


class Problem(NamedTuple):
    """What a person should look at in one cell; the row itself is kept."""

    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class Table:
    """Every row has as many cells as there are columns; no two columns have the same name."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str
    """Empty for a workbook, as the delimiter."""
    delimiter: str
    format: Format
    problems: tuple[Problem, ...] = ()
    sheet: str = ""
