"""Rows to a CSV file that no spreadsheet takes for a program."""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

# OWASP's list, with the fullwidth signs that Excel may read as the plain ones. The quotes before
# them make `restore` exact: a cell typed as '=x comes back as '=x.
DANGEROUS = re.compile("'*[=+\\-@\t\r\n\0＝＋－＠]")
NEUTRALISED = re.compile("''*[=+\\-@\t\r\n\0＝＋－＠]")

NUMBER = re.compile(r"[+-]?\d+([ .\u00a0\u202f]\d{3})*([.,]\d+)?( ?[%€])?")
# No hyphen: +33-1-42 is a subtraction.
PHONE = re.compile(r"\+\d{1,3}( ?\(0\))?([ .\u00a0\u202f]?\d{1,4}){2,6}")


def neutralise(cell: str) -> str:
    """The cell, behind a quote when a spreadsheet would otherwise calculate it."""
    if not DANGEROUS.match(cell) or NUMBER.fullmatch(cell) or PHONE.fullmatch(cell):
        return cell
    return "'" + cell


def restore(cell: str) -> str:
    """The cell as it was before `neutralise`."""
    return cell[1:] if NEUTRALISED.match(cell) else cell


def write_csv(path: Path, columns: Sequence[str], *, rows: Iterable[Sequence[str]]) -> None:
    """As Excel in French opens it with a double click: semicolons, UTF-8 with its mark."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow([neutralise(column) for column in columns])
        writer.writerows([neutralise(cell) for cell in row] for row in rows)
