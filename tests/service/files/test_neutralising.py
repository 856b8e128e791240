"""A cell that a spreadsheet would calculate or rewrite gets an apostrophe, and loses only that."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.files.neutralising import neutralise, restore

SIGNS = "=+-@＝＋－＠"
BEFORE = [
    *"\t\r\n\0 \u00a0\u202f\u200b\u200d\u2060\ufeff\u202e\u00ad\u3000",
    *"'\";,|",
    ' ";\u200b ',
]


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("before", ["", *BEFORE])
@pytest.mark.parametrize("typed", [False, True])
def test_a_formula_gets_an_apostrophe_whatever_hides_its_sign(
    sign: str,
    before: str,
    typed: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    cell = f"{before}{sign}HYPERLINK(1)"

    assert neutralise(cell, typed=typed) == f"'{cell}"


@pytest.mark.parametrize("start", ["\t", "\r", "\n", "\0"])
def test_what_starts_with_a_tab_a_line_break_or_a_nul_gets_one_too(start: str) -> None:
    assert neutralise(f"{start}a") == f"'{start}a"


@pytest.mark.parametrize(
    "cell", ["", "été", "a=b", "« oui »", "l'eau", "12", "-12,5", "+3 500,00 €", "-4.2", "0"]
)
def test_words_and_numbers_are_left_alone(cell: str) -> None:
    assert neutralise(cell) == neutralise(cell, typed=True) == cell


@pytest.mark.parametrize(
    "cell", ["+33 1 42 00 00 00", "+33142000000", "+33 (0)1.42.00.00.00", "01 42 00 00 00"]
)
def test_telephones_are_left_alone(cell: str) -> None:
    assert neutralise(cell) == cell


@pytest.mark.parametrize("cell", ["-1+1", "+33-1-42", "=5", "-", "+1 cmd|' /C calc'!A0", "- 12"])
def test_what_only_looks_like_a_number_gets_an_apostrophe(cell: str) -> None:
    assert neutralise(cell) == "'" + cell


@pytest.mark.parametrize(
    "cell", ["01004", "011075", "0612345678", "123456789012", "12E5", "1-2", "3/4", "1.2", "9/2025"]
)
def test_a_code_that_opening_a_csv_would_change_gets_one_only_there(cell: str) -> None:
    assert neutralise(cell) == "'" + cell
    assert neutralise(cell, typed=True) == cell


@pytest.mark.parametrize(
    "cell", ["12/03/2025", "2025-03-12", "93066", "200057867", "PC-P01", "1-e"]
)
def test_dates_and_plain_codes_are_left_alone(cell: str) -> None:
    assert neutralise(cell) == cell


@pytest.mark.parametrize("markup", ["<r><t>gras</t></r>", "'<r></r>"])
def test_what_an_xlsx_would_take_for_markup_gets_an_apostrophe(markup: str) -> None:
    assert neutralise(markup, typed=True) == "'" + markup


@pytest.mark.parametrize("cell", ["'=x", "''=x", "'-5", "'007", "'été", "'", "'tis", "'<r>", "''"])
def test_a_text_keeps_the_apostrophe_it_began_with(cell: str) -> None:
    assert restore(neutralise(cell)) == restore(neutralise(cell, typed=True)) == cell


# Surrogates cannot be written.
ANYTHING = st.characters(exclude_categories=["Cs"])
TEXTS = st.text(st.sampled_from(f"{SIGNS}'01.-/eE\t\r\n\0\u200b;\", a<r>") | ANYTHING)


@given(TEXTS, st.booleans())
@example("'0\n", False)
@example("'<r>", True)
def test_restoring_undoes_neutralising(cell: str, typed: bool) -> None:  # noqa: FBT001
    assert restore(neutralise(cell, typed=typed)) == cell


@given(TEXTS, st.booleans())
def test_it_adds_one_apostrophe_or_nothing(cell: str, typed: bool) -> None:  # noqa: FBT001
    assert neutralise(cell, typed=typed) in {cell, "'" + cell}


@given(TEXTS)
def test_nothing_that_is_written_starts_like_a_formula_but_a_number(cell: str) -> None:
    written = neutralise(cell)

    seen = written.strip("".join(BEFORE))
    if not written.startswith("'") and seen.startswith(tuple(SIGNS)):
        assert set(written[1:]) <= set("0123456789 .,()%€\u00a0\u202f")


@pytest.mark.parametrize("hostile", ["'", " ", "\"'", "+1 ", "0", "1e", "+1.", "\u200b", "-1"])
def test_a_long_hostile_cell_takes_no_longer_than_its_length(hostile: str) -> None:
    # Quadratic, these two million signs would take hours.
    cell = hostile * (2_000_000 // len(hostile)) + "x"

    assert restore(neutralise(cell)) == cell
