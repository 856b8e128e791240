"""The program that opens one untrusted workbook, alone in a process of limited memory and time.

Writes JSON lines: `{"sheet": name}`, then `[row number, [cells]]`; `{"refused": why}` ends it.
"""

import datetime
import json
import resource
import sys
from collections.abc import Iterator

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from service.files.limits import (
    MAX_COLUMNS,
    MAX_PARSER_CPU_SECONDS,
    MAX_PARSER_MEMORY_BYTES,
    MAX_ROWS,
    MAX_TEXT_CHARACTERS,
)

Value = (
    int
    | float
    | str
    | bool
    | datetime.time
    | datetime.date
    | datetime.datetime
    | datetime.timedelta
)
Line = dict[str, str] | tuple[int, list[str]]


def main(path: str) -> None:
    _limit_process()
    for line in _lines(path):
        encoded = json.dumps(line, ensure_ascii=False).encode("utf-8", "replace")
        sys.stdout.buffer.write(encoded + b"\n")


def _limit_process() -> None:
    limits = {
        resource.RLIMIT_AS: MAX_PARSER_MEMORY_BYTES,
        resource.RLIMIT_CPU: MAX_PARSER_CPU_SECONDS,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))


def _lines(path: str) -> Iterator[Line]:
    try:
        sheet = _first_sheet(CalamineWorkbook.from_path(path))
    # pyo3 turns a failed reading of the file into these two.
    except (CalamineError, OSError) as error:
        yield {
            "refused": f"Le classeur est illisible ({type(error).__name__}) : "
            "ouvrez-le dans un tableur et enregistrez-le en .xlsx, sans mot de passe."
        }
        return
    if sheet is None:
        yield {"refused": "Le classeur est vide : aucune feuille n’a de cellule remplie."}
        return
    yield {"sheet": sheet.name}
    yield from _rows(sheet)


def _first_sheet(workbook: CalamineWorkbook) -> CalamineSheet | None:
    """The first sheet with a filled cell, a hidden one only when no other has any."""
    sheets = [s for s in workbook.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
    # False sorts first, and the sort keeps the order of the tabs.
    sheets.sort(key=lambda sheet: sheet.visible != SheetVisibleEnum.Visible)
    for metadata in sheets:
        sheet = workbook.get_sheet_by_name(metadata.name)
        if any(to_text(value).strip() for row in sheet.iter_rows() for value in row):
            return sheet
    return None


def _rows(sheet: CalamineSheet) -> Iterator[Line]:
    characters = rows = 0
    first_column = sheet.start[1] if sheet.start else 0
    for number, values in enumerate(sheet.iter_rows(), start=1):
        cells = [to_text(value) for value in values]
        filled = [index for index, cell in enumerate(cells) if cell.strip()]
        if not filled:
            continue
        if filled[-1] >= MAX_COLUMNS:
            column = first_column + filled[-1] + 1
            yield {
                "refused": f"La ligne {number} a une cellule en colonne {column} "
                f"(au plus {MAX_COLUMNS}) : effacez les colonnes inutiles."
            }
            return
        characters += sum(map(len, cells))
        if characters > MAX_TEXT_CHARACTERS:
            yield {"refused": "Le classeur contient trop de texte : envoyez-le en plusieurs fois."}
            return
        rows += 1
        # One more than allowed, plus the header: the reader of these lines says it is too long.
        if rows > MAX_ROWS + 2:
            return
        yield number, cells[:MAX_COLUMNS]


def to_text(value: Value) -> str:
    """A cell as a French spreadsheet user would type it, dates apart: AAAA-MM-JJ."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    return str(value)


if __name__ == "__main__":
    main(sys.argv[1])
