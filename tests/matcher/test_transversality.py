"""How many worlds a group crosses, and how far apart they are."""

import pytest

from matcher.statements import Kind
from matcher.transversality import measure_reach, rao_stirling, tree_distance
from tests.builders import statement

SPORT, OTHER_SPORT, HOUSING = "011075", "011100", "032520"


def reach(*sectors: str, territories: tuple[str, ...] = ("plaine",)) -> tuple[float, bool]:
    found = measure_reach(
        [statement(i, sector=sector) for i, sector in enumerate(sectors)],
        [territories[i % len(territories)] for i in range(len(sectors))],
    )
    return round(found.transversality, 3), found.is_local


def test_one_sector_and_one_territory_are_local() -> None:
    assert reach(SPORT, SPORT) == (0, True)
    assert reach(SPORT, OTHER_SPORT) == (0.2, True)


def test_two_territories_are_not_local() -> None:
    assert reach(SPORT, SPORT, territories=("plaine", "lyon")) == (0, False)


def test_far_sectors_are_more_transversal_than_near_ones() -> None:
    assert reach(SPORT, HOUSING) == (0.5, False)
    assert reach(SPORT, HOUSING, "006030")[0] == pytest.approx(2 / 3, abs=1e-3)


def test_an_unknown_sector_counts_for_nothing() -> None:
    assert reach(SPORT, HOUSING, "") == reach(SPORT, HOUSING)
    assert reach("", "") == (0, True)


def test_academics_cross_disciplines() -> None:
    found = measure_reach(
        [
            statement(1, sector=SPORT),
            statement(2, kind=Kind.INTEREST, discipline="shs.socio"),
            statement(3, kind=Kind.INTEREST, discipline="sdv.ee"),
        ],
        ["a", "a", "a"],
    )

    assert (found.sectors, found.disciplines) == (0, 0.5)
    assert found.transversality == pytest.approx(2 / 3)


def test_distance_follows_the_tree() -> None:
    assert tree_distance("rna:011075", "rna:011075") == 0
    assert tree_distance("rna:011075", "rna:011100") == 0.4
    assert tree_distance("hal:shs.socio", "hal:shs.eco") == 0.4
    assert tree_distance("hal:shs.socio", "rna:011075") == 1


def test_diversity_is_the_mean_distance_of_two_drawn() -> None:
    assert rao_stirling(["a", "a", "b"], lambda _a, _b: 1) == pytest.approx(4 / 9)
