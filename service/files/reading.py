"""An untrusted spreadsheet to clean rows of text, with what is wrong in it said in French."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from service.errors import Refused
from service.files.columns import fold
from service.files.decoding import decode
from service.files.delimited import Record, read_delimited
from service.files.formats import check_format
from service.files.limits import (
    MAX_CELL_CHARACTERS,
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_COLUMNS_WITH_EMPTY,
    MAX_FILE_BYTES,
    MAX_PROBLEMS,
    MAX_ROWS,
    MAX_ROWS_WITH_EMPTY,
)
from service.files.neutralising import restore
from service.files.sheets import read_workbook
from service.files.table import Problem, Row, Table

__all__ = ["Problem", "Row", "Table", "read_table", "tidy"]

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Not str.strip's own list, which takes control characters off before they are seen.
SPACES = " \t\r\n\u00a0\u202f"


def read_table(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> Table:
    """Read any accepted file whole, or refuse it.

    Cells are tidy, and without the apostrophe that our exports put before a formula. The encoding
    and the delimiter are guessed unless given; a workbook has neither.
    """
    content = _load(path)
    format_ = check_format(path, content)
    sheet = ""
    if format_ == "csv":
        text, encoding = decode(content, encoding)
        delimiter, records = read_delimited(text, delimiter)
    else:
        encoding = delimiter = ""
        sheet, records = read_workbook(path)
    header, numbered = _take_header(records)
    columns = _name_columns(header, numbered)
    return Table(
        columns=columns,
        rows=tuple(_fit(row, len(columns)) for row in numbered),
        encoding=encoding,
        delimiter=delimiter,
        format=format_,
        problems=tuple(_find_problems(columns, numbered)),
        sheet=sheet,
    )


def tidy(cell: str) -> str:
    """NFC, without spaces around; a line break is one sign, whatever saved the file."""
    text = unicodedata.normalize("NFC", cell).strip(SPACES)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _load(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise Refused(f"« {path.name} » ne peut pas être lu : {error.strerror}.") from error
    if len(content) > MAX_FILE_BYTES:
        raise Refused(
            f"« {path.name} » pèse plus de {MAX_FILE_BYTES // 1_000_000} Mo : "
            "envoyez-le en plusieurs fois."
        )
    if not content:
        raise Refused(f"« {path.name} » est vide.")
    return content


def _take_header(records: Iterator[Record]) -> tuple[list[str], list[Row]]:
    """The first filled record, and the filled ones below it, at their own width."""
    filled = _clean(records)
    header = next(filled, None)
    if header is None:
        raise Refused("Le fichier est vide : la première ligne doit nommer les colonnes.")
    rows: list[Row] = []
    total = 0
    for number, cells in filled:
        # Without the empty cells at the end, which would be kept by the million.
        row = Row(number, cells[: _last_filled(cells)])
        total += len(row.cells)
        if len(rows) == MAX_ROWS:
            raise Refused(f"Plus de {MAX_ROWS} lignes : envoyez le fichier en plusieurs fois.")
        if total > MAX_CELLS:
            raise Refused(f"Plus de {MAX_CELLS} cellules : envoyez le fichier en plusieurs fois.")
        rows.append(row)
    if not rows:
        raise Refused(
            "Le fichier n’a qu’une ligne remplie : il faut une ligne d’en-tête, "
            "puis au moins une ligne."
        )
    return [" ".join(CONTROL.sub(" ", cell).split()) for cell in header.cells], rows


def _clean(records: Iterator[Record]) -> Iterator[Row]:
    for number, raw in records:
        _check_extent(number, raw)
        if not any(raw):
            continue
        cells = tuple([restore(tidy(cell)) if cell else cell for cell in raw])
        if not any(cells):
            continue
        if max(map(len, cells)) > MAX_CELL_CHARACTERS:
            raise Refused(
                f"Une cellule de la ligne {number} dépasse {MAX_CELL_CHARACTERS} caractères : "
                "raccourcissez-la, ou cherchez un guillemet manquant."
            )
        yield Row(number, cells)


def _check_extent(number: int, raw: Sequence[str]) -> None:
    """Refuse what no spreadsheet holds: twenty million empty cells are a file of 20 MB."""
    if number > MAX_ROWS_WITH_EMPTY:
        raise Refused(
            f"Plus de {MAX_ROWS_WITH_EMPTY} lignes, vides comprises : ôtez les lignes vides."
        )
    if len(raw) > MAX_COLUMNS_WITH_EMPTY:
        raise Refused(
            f"{len(raw)} colonnes à la ligne {number}, au plus {MAX_COLUMNS} : "
            "gardez les colonnes utiles."
        )


def _name_columns(header: Sequence[str], rows: Sequence[Row]) -> tuple[str, ...]:
    """Names that differ by more than case and accents, also for columns without one."""
    # Spreadsheets save empty columns on the right: only those with something in them count.
    named = _last_filled(header)
    used = max(_last_filled(row.cells) for row in rows)
    width = max(named, min(len(header), used))
    if width > MAX_COLUMNS:
        raise Refused(f"{width} colonnes, au plus {MAX_COLUMNS} : gardez les colonnes utiles.")
    columns: list[str] = []
    taken: set[str] = set()
    for place in range(width):
        base = name = header[place] or f"Colonne {place + 1}"
        copy = 1
        while fold(name) in taken:
            copy += 1
            name = f"{base} ({copy})"
        taken.add(fold(name))
        columns.append(name)
    return tuple(columns)


def _last_filled(cells: Sequence[str]) -> int:
    """How many cells remain without the empty ones at the end."""
    return next((place for place in range(len(cells), 0, -1) if cells[place - 1]), 0)


def _fit(row: Row, width: int) -> Row:
    return Row(row.number, row.cells[:width] + ("",) * (width - len(row.cells)))


def _find_problems(columns: Sequence[str], rows: Sequence[Row]) -> list[Problem]:
    problems: list[Problem] = []
    for row in rows:
        problems.extend(_problems_of(row, columns))
        if len(problems) > MAX_PROBLEMS:
            raise Refused(
                f"Plus de {MAX_PROBLEMS} cellules en défaut, la dernière à la ligne {row.number} : "
                "vérifiez l’encodage et le séparateur du fichier."
            )
    return problems


def _problems_of(row: Row, columns: Sequence[str]) -> Iterator[Problem]:
    for column, cell in zip(columns, row.cells, strict=False):
        found = CONTROL.search(cell)
        if found:
            code = f"U+{ord(found.group()):04X}"
            yield Problem(row.number, column, f"Caractère de contrôle invisible ({code}).")
    if _last_filled(row.cells) > len(columns):
        place = next(p for p in range(len(columns), len(row.cells)) if row.cells[p])
        yield Problem(
            row.number,
            f"Colonne {place + 1}",
            "Cellule en trop : la ligne a plus de cellules que l’en-tête. "
            "Un texte contient peut-être le séparateur sans être entre guillemets.",
        )
