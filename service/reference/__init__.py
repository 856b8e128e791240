"""The official lists: RNA sectors, HAL domains, and the territories of France."""

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matcher.nomenclature import Entry
from service.errors import Refused

FOLDER = Path(__file__).parent
TERRITORIES = FOLDER / "territories.json.gz"


def sectors() -> list[Entry]:
    """The RNA « objet social » list."""
    return _entries("rna.csv")


def disciplines() -> list[Entry]:
    """The HAL domains."""
    return _entries("hal.csv")


def territories() -> Sequence[dict[str, Any]]:
    """Every commune, EPT, EPCI, département and région, as the installation made it."""
    if not TERRITORIES.is_file():
        raise Refused(
            "La table des territoires n'est pas installée : lancez « make install » "
            "(ou « python -m service.reference.build DOSSIER_DU_PAQUET »)."
        )
    rows: Sequence[dict[str, Any]] = json.loads(gzip.decompress(TERRITORIES.read_bytes()))
    return rows


def _entries(name: str) -> list[Entry]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    parents = {row["code"]: row["parent"] for row in rows}

    def family(code: str) -> str:
        while parents[code]:
            code = parents[code]
        return code

    return [Entry(row["code"], row["label"], family(row["code"])) for row in rows]
