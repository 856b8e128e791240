"""Which column is which; one row to one draft of a statement, or to errors one can act on."""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from matcher.statements import College, Kind
from matcher.words import sentences
from service.errors import Refused
from service.files.columns import (
    apply_mapping,
    guess_columns,
    parse_college,
    parse_consent,
    parse_date,
    parse_kind,
)
from service.files.reading import Table
from service.store.territories import name_key
from service.workflows.signing import LONGEST_EMAIL

LONGEST_TEXT = 20_000
LONGEST_TITLE = 300
LONGEST_NAME = 300
LONGEST_ID = 200
LONGEST_CONTACT = 200
DERIVED_TITLE = 80
SAMPLED_ROWS = 200
"""Rows that say whether a guessed column holds what its name promises."""


def _consent(cell: str) -> bool:
    consent = parse_consent(cell)
    if consent is None:
        raise ValueError(f"« {cell} » ne se comprend pas comme un accord : écrivez oui ou non")
    return consent


PARSERS: dict[str, Callable[[str], object]] = {
    "kind": parse_kind,
    "college": parse_college,
    "consent": _consent,
    "date": parse_date,
}


def is_understood(field: str, cell: str) -> bool:
    """Whether a cell can be read as this field."""
    try:
        PARSERS[field](cell)
    except ValueError:
        return False
    return True


def map_columns(table: Table, given: Mapping[str, str]) -> dict[str, str]:
    """Field to column: as given, else guessed from the names, where the cells make sense.

    Raises Refused where no column holds the text.
    """
    chosen = apply_mapping(given, table.columns)
    mapping = dict(chosen)
    for name, column in guess_columns(table.columns, table.rows).items():
        if name not in mapping and column not in chosen.values() and _reads(table, name, column):
            mapping[name] = column
    if "text" not in mapping:
        raise Refused(
            "Aucune colonne ne contient le texte des contributions. Indiquez-la : "
            f"--map text=Colonne. Colonnes du fichier : {', '.join(table.columns)}."
        )
    return mapping


def _reads(table: Table, name: str, column: str) -> bool:
    """Whether a guessed column holds what its name promises: « Type » may be anything."""
    place = table.columns.index(column)
    cells = [row.cells[place].strip() for row in table.rows[:SAMPLED_ROWS]]
    filled = [cell for cell in cells if cell]
    if name not in PARSERS or not filled:
        return True
    understood = sum(is_understood(name, cell) for cell in filled)
    return understood * 2 >= len(filled)


class RowError(NamedTuple):
    """What is wrong with a row, where, and what to do."""

    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row whose cells were understood; codes and territory are tied to the lists afterwards."""

    number: int
    kind: str
    given_id: str
    organisation: str
    college: str
    college_given: bool
    title: str
    text: str
    sector: str
    discipline: str
    territory: str
    consent: bool
    written_on: dt.date | None
    contact: tuple[str, str]
    kept_reference: str = ""

    @property
    def reference(self) -> str:
        """The row's own id, else a hash of organisation and text: the same at each import."""
        if self.kept_reference:
            return self.kept_reference
        if self.given_id:
            return self.given_id
        content = f"{name_key(self.organisation)}\n{' '.join(self.text.split())}"
        return f"h-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


class RowReader:
    """Reads the cells of a row through the mapping of fields to columns."""

    def __init__(self, mapping: Mapping[str, str], columns: tuple[str, ...], kind: str) -> None:
        self._place = {field: columns.index(column) for field, column in mapping.items()}
        self._mapping, self._kind = mapping, kind

    def read(self, number: int, cells: tuple[str, ...]) -> ReadRow | list[RowError]:
        """The row understood, or everything that is wrong with it."""
        cell = {field: cells[place].strip() for field, place in self._place.items()}
        errors = [
            RowError(number, self._mapping.get(field, field), message)
            for field, message in self._faults(cell)
        ]
        values: dict[str, object] = {}
        for field, parse in PARSERS.items():
            self._parse(number, field, cell, parse, into=(values, errors))
        if errors:
            return errors
        kind = str(values["kind"] or self._kind)
        college = str(values["college"] or "")
        return ReadRow(
            number=number,
            kind=kind,
            given_id=cell.get("id", ""),
            organisation=" ".join(cell.get("organisation", "").split()),
            college=college or default_college(kind),
            college_given=bool(college),
            title=cell.get("title", "") or derive_title(cell["text"]),
            text=cell["text"],
            sector=cell.get("sector", ""),
            discipline=cell.get("discipline", ""),
            territory=cell.get("territory", ""),
            consent=bool(values["consent"]),
            written_on=values["date"] if isinstance(values["date"], dt.date) else None,
            contact=(cell.get("contact_name", ""), cell.get("contact_email", "")),
        )

    def _parse(
        self,
        number: int,
        field: str,
        cell: Mapping[str, str],
        parse: Callable[[str], object],
        *,
        into: tuple[dict[str, object], list[RowError]],
    ) -> None:
        values, errors = into
        try:
            values[field] = parse(cell.get(field, ""))
        except ValueError as error:
            errors.append(RowError(number, self._mapping.get(field, field), str(error)))

    def _faults(self, cell: Mapping[str, str]) -> list[tuple[str, str]]:
        text = cell.get("text", "")
        faults = []
        if not text:
            faults.append(("text", "le texte est vide : écrivez-le ou retirez la ligne"))
        for field, longest, what in (
            ("text", LONGEST_TEXT, "le texte"),
            ("title", LONGEST_TITLE, "le titre"),
            ("organisation", LONGEST_NAME, "le nom de la structure"),
            ("id", LONGEST_ID, "l'identifiant"),
            ("sector", LONGEST_NAME, "le secteur"),
            ("discipline", LONGEST_NAME, "la discipline"),
            ("contact_name", LONGEST_CONTACT, "le nom du contact"),
            ("contact_email", LONGEST_EMAIL, "l'adresse électronique"),
        ):
            length = len(cell.get(field, ""))
            if length > longest:
                faults.append(
                    (field, f"{what} compte {length} caractères ; la limite est de {longest}")
                )
        name = cell.get("organisation", "")
        if len(name) <= LONGEST_NAME < len(name_key(name)):
            # One sign may stand for a whole sentence, which is how names are compared.
            said = "le nom de la structure est trop long en toutes lettres : abrégez-le"
            faults.append(("organisation", said))
        return faults


def default_college(kind: str) -> str:
    """Who puts in this kind of statement when the sheet does not say."""
    academic = kind in {Kind.INTEREST, Kind.COURSE}
    return College.ACADEMIC if academic else College.ASSOCIATION


def derive_title(text: str) -> str:
    """The start of a text that came without a title."""
    first = " ".join(sentences(text)[0].split())
    if len(first) <= DERIVED_TITLE:
        return first
    return first[:DERIVED_TITLE].rsplit(" ", 1)[0] + " …"
