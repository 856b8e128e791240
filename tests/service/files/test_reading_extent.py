"""A file of nothing but separators or line breaks costs no more than any other."""

from pathlib import Path

import pytest

from service.errors import Refused
from service.files.reading import read_table


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (";" * 16_384, "16385 colonnes à la ligne 1, au plus 200"),
        ("a;b\n1;2\n" + ";" * 20_000, "20001 colonnes à la ligne 3"),
        ("a\nb\n" + "\n" * 1_048_576, "Plus de 1048576 lignes, vides comprises"),
        (("x;" * 99 + "x\n") * 50_002, "Plus de 5000000 cellules"),
    ],
)
def test_a_file_of_nothing_is_refused_before_it_is_read_whole(
    tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "envoi.csv"
    path.write_text(content, "utf-8")

    with pytest.raises(Refused, match=words):
        read_table(path)


def test_a_sheet_saved_with_all_its_empty_cells_is_read(tmp_path: Path) -> None:
    empty = ";" * 16_382
    rows = (
        f"nom;texte{empty}\nA;un{empty}\n" + f";{empty}\n" * 10 + f"B;deux{empty}\n" + "\n" * 1000
    )

    path = tmp_path / "envoi.csv"
    path.write_text(rows, "utf-8")

    table = read_table(path)

    assert table.columns == ("nom", "texte")
    assert [(row.number, row.cells) for row in table.rows] == [
        (2, ("A", "un")),
        (13, ("B", "deux")),
    ]
