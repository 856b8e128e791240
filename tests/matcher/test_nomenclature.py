"""Free words are tied to an official list, and what is not understood is left as written."""

import pytest

from matcher.nomenclature import Entry, Nomenclature, Tie, Tied
from tests.fakes import WordEncoder

ENTRIES = [
    Entry("011000", "sports, activités de plein air", "011000"),
    Entry("011075", "football (foot)", "011000"),
    Entry("030000", "environnement, cadre de vie", "030000"),
    Entry("030012", "comité de défense du cadre de vie", "030000"),
    Entry("030050", "environnement, cadre de vie", "030000"),
]


@pytest.fixture
def sectors() -> Nomenclature:
    return Nomenclature(ENTRIES, WordEncoder(), free_words_to_families=True)


def test_a_code_is_itself(sectors: Nomenclature) -> None:
    assert sectors.tie([" 011075 "]) == [Tie("011075", "011075", "football (foot)", Tied.CODE)]


@pytest.mark.parametrize(
    "written", ["football (foot)", "FOOTBALL, foot", "Football – Foot", " le football (foot) "]
)
def test_a_label_is_known_however_it_is_typed(sectors: Nomenclature, written: str) -> None:
    [tie] = sectors.tie([written])

    assert (tie.code, tie.how, tie.written) == ("011075", Tied.LABEL, written.strip())


def test_the_widest_entry_of_a_label_wins(sectors: Nomenclature) -> None:
    [tie] = sectors.tie(["environnement, cadre de vie"])

    assert tie.code == "030000"


def test_free_words_go_to_the_family_of_the_nearest(sectors: Nomenclature) -> None:
    [tie] = sectors.tie(["club de football des jeunes"])

    assert (tie.code, tie.how) == ("011000", Tied.NEAREST)
    assert tie.label == "sports, activités de plein air"


def test_free_words_may_go_to_the_entry_itself() -> None:
    domains = Nomenclature(ENTRIES, WordEncoder(), free_words_to_families=False)

    assert domains.tie(["club de football"])[0].code == "011075"


@pytest.mark.parametrize("written", ["xylophone", "", "   ", "à la", "…"])
def test_what_is_near_to_nothing_is_tied_to_nothing(sectors: Nomenclature, written: str) -> None:
    assert sectors.tie([written]) == [Tie(written.strip(), "", "", Tied.NOT)]


def test_ties_come_in_the_order_of_what_was_written(sectors: Nomenclature) -> None:
    ties = sectors.tie(["xylophone", "011000", "club de football"])

    assert [tie.how for tie in ties] == [Tied.NOT, Tied.CODE, Tied.NEAREST]


def test_a_code_has_a_label_and_another_none(sectors: Nomenclature) -> None:
    assert sectors.label("030012") == "comité de défense du cadre de vie"
    assert sectors.label("999999") == ""
