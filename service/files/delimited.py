"""Text with delimiters to records, quotes and line breaks inside quotes understood."""

import csv
import io
from collections.abc import Iterator
from itertools import count, islice

from service.errors import Refused

DELIMITERS = ";,\t|"
# Enough to see the shape of a table, whatever the size of the file.
RECORDS_LOOKED_AT = 50
CHARACTERS_LOOKED_AT = 200_000
# A title with a comma in it must not pass for two columns.
LEAST_SHARE_IN_SHAPE = 0.5

Record = tuple[int, list[str]]
"""Number of the row as a spreadsheet shows it, the header's being 1, and its cells."""


def read_delimited(text: str, delimiter: str | None = None) -> tuple[str, Iterator[Record]]:
    """The delimiter, given or guessed, and the records as they are asked for."""
    if delimiter is not None and (len(delimiter) != 1 or delimiter not in DELIMITERS):
        raise Refused(
            f"Séparateur inconnu : « {delimiter} ». "
            "Choisissez « ; », « , », « | » ou la tabulation."
        )
    declared, text = _take_declaration(text)
    chosen = delimiter or declared or _guess_delimiter(text)
    return chosen, _records(text, chosen)


def _take_declaration(text: str) -> tuple[str | None, str]:
    """Excel's own first line, `sep=;`, which it does not show."""
    line, _, rest = text.partition("\n")
    line = line.rstrip("\r")
    if len(line) == len("sep=;") and line[:4].lower() == "sep=" and line[4] in DELIMITERS:
        return line[4], rest
    return None, text


def _guess_delimiter(text: str) -> str:
    """The delimiter that gives most rows the width of the header.

    Not csv.Sniffer: a regular expression of its takes quadratic time, 1.2 s on 16 kB made for it.
    """
    sample = text[:CHARACTERS_LOOKED_AT]
    return max(DELIMITERS, key=lambda delimiter: _fit(sample, delimiter))


def _fit(sample: str, delimiter: str) -> tuple[bool, float, int]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        records = [record for record in islice(reader, RECORDS_LOOKED_AT) if any(record)]
    except csv.Error:
        # One cell longer than the csv module's limit: not this delimiter.
        return False, 0.0, 0
    if not records:
        # Nothing but this delimiter.
        return True, 1.0, 0
    header, *rows = records
    width = len(header)
    if not rows:
        return width > 1, 1.0, width
    # Short rows are in shape: a hand-made file leaves out the empty cells at the end.
    in_shape = sum(len(row) > 1 and not any(row[width:]) for row in rows) / len(rows)
    exact = sum(len(row) == width for row in rows) / len(rows)
    return width > 1 and in_shape >= LEAST_SHARE_IN_SHAPE, exact, width


def _records(text: str, delimiter: str) -> Iterator[Record]:
    # Strict: a reader that forgives a missing quote swallows the rest of the file in one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    for number in count(1):
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _unreadable(error, line) from error
        yield number, cells


def _unreadable(error: csv.Error, line: int) -> Refused:
    reason = str(error)
    if "unexpected end of data" in reason:
        return Refused(
            f"Un guillemet ouvert à la ligne {line} n’est jamais fermé : "
            "fermez-le, ou doublez les guillemets qui font partie du texte."
        )
    if "field larger" in reason:
        return Refused(
            f"Une cellule de la ligne {line} est trop longue : un guillemet manque peut-être."
        )
    return Refused(
        f"Un guillemet est mal placé à la ligne {line} : doublez les guillemets qui font partie "
        "du texte, ou enregistrez le fichier en .xlsx."
    )
