"""What we write, no spreadsheet calculates; what we read back is what was there."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.files.reading import read_table
from service.files.writing import neutralise, restore, write_csv

DANGERS = list("=+-@\t\r＝＋－＠")


@pytest.mark.parametrize("sign", DANGERS)
def test_a_cell_that_starts_like_a_formula_gets_a_quote(sign: str) -> None:
    assert neutralise(f"{sign}HYPERLINK(1)") == f"'{sign}HYPERLINK(1)"


@pytest.mark.parametrize("cell", ["", "été", "a=b", "12", "-12,5", "+3 500,00 €", "-4.2"])
def test_words_and_numbers_are_left_alone(cell: str) -> None:
    assert neutralise(cell) == cell


@pytest.mark.parametrize("cell", ["+33 1 42 00 00 00", "+33142000000", "+33 (0)1.42.00.00.00"])
def test_phone_numbers_are_left_alone(cell: str) -> None:
    assert neutralise(cell) == cell


@pytest.mark.parametrize("cell", ["-1+1", "+33-1-42", "=5", "-", "+1 cmd|' /C calc'!A0"])
def test_what_only_looks_like_a_number_gets_a_quote(cell: str) -> None:
    assert neutralise(cell) == "'" + cell


# Surrogates cannot be written.
TEXTS = st.text(
    st.sampled_from("'=+-@\t\r\n\0＝a1 ;\"é") | st.characters(exclude_categories=["Cs"])
)


@given(TEXTS)
def test_restoring_undoes_neutralising(cell: str) -> None:
    assert restore(neutralise(cell)) == cell


@given(TEXTS)
def test_no_neutralised_cell_starts_like_a_formula_but_a_number(cell: str) -> None:
    written = neutralise(cell)

    assert not written.startswith(tuple(DANGERS)) or set(written[1:]) <= set(
        "0123456789 .,()%€\u00a0\u202f"
    )


PRINTED = st.text(st.sampled_from("'=+-@＝a1;,\"é|\n"), max_size=8).map(
    lambda text: f"{text.strip()}."
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(PRINTED, PRINTED), min_size=1, max_size=5))
def test_a_written_file_reads_back_as_it_was(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    path = tmp_path / "erreurs.csv"

    write_csv(path, ["Ligne", "=Message"], rows=rows)
    table = read_table(path, delimiter=";")

    assert table.columns == ("Ligne", "=Message")
    assert [row.cells for row in table.rows] == rows


def test_the_file_opens_with_a_double_click_in_a_french_excel(tmp_path: Path) -> None:
    path = tmp_path / "erreurs.csv"

    write_csv(path, ["Ligne", "Défaut"], rows=[["2", "=1;2"]])

    expected = 'Ligne;Défaut\r\n2;"\'=1;2"\r\n'
    assert path.read_bytes() == b"\xef\xbb\xbf" + expected.encode()
