"""The reader held against files as users bring them, where the shared folder has them."""

import lzma
import time
from pathlib import Path

import pytest

from service.files.columns import guess_columns
from service.files.reading import read_table

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "real"


def real(name: str) -> Path:
    path = REAL / name
    if not path.exists():
        pytest.skip(f"{path} is not here: real files are not part of the project")
    return path


def test_the_grants_of_the_assemblee_nationale_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "subventions.csv"
    path.write_bytes(lzma.decompress(real("subventions_associations.csv.xz").read_bytes()))

    started = time.process_time()
    table = read_table(path)
    seconds = time.process_time() - started

    assert (table.encoding, table.delimiter, len(table.rows)) == ("cp1252", ";", 16_513)
    assert table.problems == ()
    assert table.rows[0].cells[2].startswith("l'installation d'un radar pédagogique à l'entrée")
    assert guess_columns(table.columns, table.rows) == {
        "organisation": "Bénéficiaire",
        "text": "Objet",
        "date": "Année",
    }
    assert seconds < 1


def test_the_problem_sheets_are_read_whole() -> None:
    table = read_table(real("problem_sheets.csv"))

    assert (table.encoding, table.delimiter, len(table.rows)) == ("utf-8-sig", ";", 141)
    assert table.problems == ()
    assert guess_columns(table.columns, table.rows) == {
        "id": "Identifiant",
        "title": "Titre",
        "text": "Problème",
        "sector": "Thématiques",
    }


def test_the_grants_of_loire_atlantique_are_read_whole() -> None:
    table = read_table(real("subventions_loire_atlantique.csv"))

    assert (table.encoding, table.delimiter, len(table.rows)) == ("utf-8", ",", 435)
    assert table.problems == ()
    assert guess_columns(table.columns, table.rows) == {
        "organisation": "beneficiaire",
        "text": "objet",
    }
