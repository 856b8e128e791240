"""Sociopôles are set up on official territories."""

from pathlib import Path

import pytest

from service.database import read
from service.errors import Refused
from service.reference import TERRITORIES as TABLE
from service.reference import disciplines, sectors, territories
from service.resources import Resources, open_resources
from service.settings import Settings
from service.store.territories import find_places, name_key, territories_within
from service.workflows.set_up import create_sociopole, initialise, is_empty
from service.workflows.show import show_sociopoles
from tests.fakes import WordEncoder


def create(resources: Resources, territory: str, *, name: str = "X", slug: str = "x") -> str:
    return create_sociopole(resources, slug=slug, name=name, territory=territory).id


@pytest.mark.parametrize(
    ("name", "territory", "expected"),
    [
        ("Plaine Commune", "200057867", "ept:200057867"),
        ("Métropole de Lyon", "200046977", "metropole:200046977"),
        ("Meurthe-et-Moselle", "54", "departement:54"),
        ("Hauts-de-France", "32", "region:32"),
        ("Sociopôle du Gers", "32", "departement:32"),
        ("N'importe", "region:32", "region:32"),
        ("N'importe", "departement:32", "departement:32"),
        ("N'importe", "hauts de france", "region:32"),
        ("N'importe", "93066", "commune:93066"),
        ("N'importe", "59298", "commune:59350"),
    ],
)
def test_a_territory_is_given_by_its_code_its_level_or_its_name(
    resources: Resources, name: str, territory: str, expected: str
) -> None:
    assert create(resources, territory, name=name) == expected


def test_a_code_of_two_levels_is_refused_with_both_when_the_name_tells_nothing(
    resources: Resources,
) -> None:
    with pytest.raises(Refused, match=r"region:32 .* departement:32") as refusal:
        create(resources, "32", name="Mon sociopôle")

    assert "Précisez le niveau" in str(refusal.value)


def test_a_name_that_several_have_is_refused_with_them(resources: Resources) -> None:
    with pytest.raises(Refused, match=r"commune:11339.*commune:30247.*commune:93066"):
        create(resources, "Saint-Denis", name="Mon sociopôle")


@pytest.mark.parametrize("territory", ["Atlantide", "99999", "region:999", "", "   ", "%", "_"])
def test_an_unknown_territory_is_refused_with_how_to_write_one(
    resources: Resources, territory: str
) -> None:
    with pytest.raises(Refused, match="est inconnu"):
        create(resources, territory)


@pytest.mark.parametrize("slug", ["a", "plaine-commune-2", "93", "x" * 60])
def test_a_short_name_is_made_of_plain_words(resources: Resources, slug: str) -> None:
    assert create(resources, "93066", slug=slug)


@pytest.mark.parametrize(
    "slug", ["", "Lyon", "métropole", "a b", "-a", "a-", "a--b", "a_b", "../a", "x" * 61, "a\n"]
)
def test_another_short_name_is_refused(resources: Resources, slug: str) -> None:
    with pytest.raises(Refused, match="nom court"):
        create(resources, "93066", slug=slug)


def test_a_short_name_is_taken_once(resources: Resources) -> None:
    create(resources, "93066")

    with pytest.raises(Refused, match="existe déjà"):
        create(resources, "93001")


@pytest.mark.parametrize("name", ["", "  ", "n" * 1000])
def test_a_name_must_say_something_and_fit(resources: Resources, name: str) -> None:
    with pytest.raises(Refused, match="nom"):
        create(resources, "93066", name=name)


def test_sociopoles_are_listed_by_name_with_their_statements(resources: Resources) -> None:
    create(resources, "54", slug="mm", name="Meurthe-et-Moselle")

    shown = show_sociopoles(resources)["sociopoles"]

    assert [sociopole["slug"] for sociopole in shown] == ["mm", "plaine-commune"]
    assert shown[0]["territory"] == {
        "id": "departement:54",
        "level": "departement",
        "code": "54",
        "name": "Meurthe-et-Moselle",
    }
    assert shown[0]["statements"] == dict.fromkeys(("problem", "offer", "interest", "course"), 0)


def test_what_lies_in_a_territory_is_found_through_every_level(resources: Resources) -> None:
    with read(resources.engine) as session:
        region = territories_within(session, "region:11")
        lyon = territories_within(session, "metropole:200046977")

    assert {"region:11", "departement:93", "ept:200057867", "commune:93066"} <= region
    assert lyon == {"metropole:200046977", "commune:69123", "commune:69029", "commune:69256"}


@pytest.mark.parametrize("typed", ["St-Denis", "saint denis", "SAINT-DENIS", " Saint  Denis "])
def test_a_name_is_the_same_however_it_is_typed(typed: str) -> None:
    assert name_key(typed) == name_key("Saint-Denis")


def test_saints_ligatures_and_apostrophes_are_folded() -> None:
    assert name_key("Ste-Colombe") == name_key("Sainte-Colombe")
    assert name_key("L’Haÿ-les-Rœux") == name_key("l'hay les roeux")


def test_the_official_lists_have_a_family_for_each_entry() -> None:
    for entries in (sectors(), disciplines()):
        codes = {entry.code for entry in entries}
        assert len(codes) == len(entries) > 250
        assert {entry.family for entry in entries} <= codes


@pytest.mark.skipif(not TABLE.is_file(), reason="the table of territories is not installed")
def test_the_real_table_has_the_four_pilots_and_loads_once(tmp_path: Path) -> None:
    resources = open_resources(Settings(data=tmp_path), WordEncoder())

    assert is_empty(resources)
    initialise(resources)
    initialise(resources)

    with read(resources.engine) as session:
        for code in ("200057867", "200046977", "54", "93066", "59350"):
            assert len(find_places(session, code)) == 1
        assert [place.level for place in find_places(session, "32")] == ["region", "departement"]
        inside = territories_within(session, "region:32")
    assert 3000 < sum(id_.startswith("commune:") for id_ in inside) < 5000
    resources.engine.dispose()


@pytest.mark.skipif(not TABLE.is_file(), reason="the table of territories is not installed")
def test_the_real_table_names_parents_that_exist() -> None:
    rows = territories()

    known = {row["id"] for row in rows}
    assert len(known) == len(rows) > 30_000
    assert all(parent in known for row in rows for parent in row["parents"])
