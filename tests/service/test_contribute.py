"""One contribution at a time: written, corrected, published, taken back, brought back."""

import pytest

from matcher.statements import Kind
from service.database import read
from service.errors import Conflict, Forbidden, NotFound, Refused
from service.resources import Resources
from service.store.scope import Scope
from service.store.sociopoles import get_sociopole
from service.workflows.answer import Query, answer
from service.workflows.contribute import (
    add_statement,
    change_statement,
    list_statements,
    read_statement,
    remove_statement,
)
from service.workflows.directory import show_organisations
from tests.builders import SLUG, import_rows, import_texts

NEW = {"organisation": "Asso", "text": "un garage à vélos près de l'école"}


def found(resources: Resources, words: str) -> list[str]:
    return [a.view.public_id for a in answer(resources, Query(words))]


def number_of(resources: Resources, name: str) -> int:
    listed = show_organisations(resources, SLUG)["organisations"]
    return next(int(o["id"]) for o in listed if o["name"] == name)


def test_a_new_one_is_found_at_once(resources: Resources) -> None:
    made = add_statement(resources, SLUG, Kind.PROBLEM, NEW, of=None)

    assert found(resources, "garage vélos") == [made["id"]]
    assert made["consent"] is False
    assert made["title"].startswith("un garage")


def test_the_same_text_of_the_same_organisation_is_the_same(resources: Resources) -> None:
    first = add_statement(resources, SLUG, Kind.PROBLEM, NEW, of=None)
    again = add_statement(resources, SLUG, Kind.PROBLEM, NEW, of=None)

    assert (again["id"], again["version"]) == (first["id"], first["version"])
    assert len(list_statements(resources, SLUG)["statements"]) == 1


def test_a_correction_changes_what_is_given_and_nothing_else(resources: Resources) -> None:
    header = ("id", "organisation", "title", "text", "sector", "territory", "consent", "date")
    row = ("A", "Asso", "Titre", "vélo école", "sport", "93066", "oui", "2026-03-01")
    import_rows(resources, header, [row])
    before = read_statement(resources, SLUG, "A")

    after = change_statement(resources, SLUG, "A", {"text": "compost jardin"}, of=None)

    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"text", "version"}
    assert found(resources, "compost jardin") == ["A"]


def test_nothing_to_change_is_no_new_version(resources: Resources) -> None:
    import_texts(resources, "vélo école")
    before = read_statement(resources, SLUG, "1")

    assert change_statement(resources, SLUG, "1", {"text": "vélo école"}, of=None) == before


def test_to_agree_and_to_withdraw_is_one_field(resources: Resources) -> None:
    import_texts(resources, "vélo école")

    assert change_statement(resources, SLUG, "1", {"consent": "oui"}, of=None)["consent"]
    assert not change_statement(resources, SLUG, "1", {"consent": "non"}, of=None)["consent"]


def test_who_read_an_older_version_is_told_what_it_became(resources: Resources) -> None:
    import_texts(resources, "vélo école")
    version = read_statement(resources, SLUG, "1")["version"]
    change_statement(resources, SLUG, "1", {"text": "compost"}, of=None, version=version)

    with pytest.raises(Conflict) as conflict:
        change_statement(resources, SLUG, "1", {"text": "jardin"}, of=None, version=version)

    assert conflict.value.changes[0]["text"] == "compost"
    assert read_statement(resources, SLUG, "1")["text"] == "compost"


@pytest.mark.parametrize(
    "change", [{"text": ""}, {"territory": "atlantide"}, {"date": "hier"}, {"text": "x" * 20_001}]
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    resources: Resources, change: dict[str, str]
) -> None:
    import_texts(resources, "vélo école")
    before = read_statement(resources, SLUG, "1")

    with pytest.raises(Refused):
        change_statement(resources, SLUG, "1", change, of=None)

    assert read_statement(resources, SLUG, "1") == before


def test_taken_back_it_is_neither_listed_nor_found_and_can_be_brought_back(
    resources: Resources,
) -> None:
    import_texts(resources, "vélo école", "jardin compost")

    remove_statement(resources, SLUG, "1", of=None)

    assert [s["id"] for s in list_statements(resources, SLUG)["statements"]] == ["2"]
    assert "1" not in found(resources, "vélo école")
    with pytest.raises(NotFound):
        read_statement(resources, SLUG, "1")
    with pytest.raises(NotFound):
        remove_statement(resources, SLUG, "1", of=None)

    remove_statement(resources, SLUG, "1", of=None, deleted=False)

    assert found(resources, "vélo école")[0] == "1"


@pytest.mark.parametrize("change", [{}, {"title": "Un autre titre"}])
def test_to_write_again_what_was_taken_back_is_told_to_bring_it_back(
    resources: Resources, change: dict[str, str]
) -> None:
    made = add_statement(resources, SLUG, Kind.PROBLEM, NEW, of=None)
    remove_statement(resources, SLUG, made["id"], of=None)

    with pytest.raises(Refused, match=f"« {made['id']} » a été retirée : rétablissez-la"):
        add_statement(resources, SLUG, Kind.PROBLEM, NEW | change, of=None)

    assert list_statements(resources, SLUG)["statements"] == []
    remove_statement(resources, SLUG, made["id"], of=None, deleted=False)
    assert add_statement(resources, SLUG, Kind.PROBLEM, NEW, of=None)["id"] == made["id"]


def test_anothers_that_was_taken_back_is_answered_as_one_that_never_was(
    resources: Resources,
) -> None:
    header = ("id", "organisation", "text", "consent")
    import_rows(resources, header, [("A", "Mienne", "vélo", "oui"), ("B", "Autre", "pain", "oui")])
    remove_statement(resources, SLUG, "B", of=None)
    mine = frozenset({number_of(resources, "Mienne")})

    told = []
    for public_id in ("B", "C"):
        with pytest.raises(NotFound) as refusal:
            remove_statement(resources, SLUG, public_id, of=mine, deleted=False)
        told.append(str(refusal.value).replace(public_id, "…"))

    assert told[0] == told[1]
    assert [s["id"] for s in list_statements(resources, SLUG)["statements"]] == ["A"]


def test_one_writes_for_ones_own_organisation_alone(resources: Resources) -> None:
    import_rows(resources, ("id", "organisation", "text"), [("A", "Mienne", "vélo")])
    import_rows(resources, ("id", "organisation", "text"), [("B", "Autre", "jardin")])
    mine = frozenset({number_of(resources, "Mienne")})

    assert add_statement(
        resources, SLUG, Kind.OFFER, {"organisation": "Mienne", "text": "prêt de vélos"}, of=mine
    )
    for organisation in ("Autre", "Inconnue", ""):
        fields = {"organisation": organisation, "text": "prêt"}
        with pytest.raises(Forbidden, match="Mienne"):
            add_statement(resources, SLUG, Kind.OFFER, fields, of=mine)
    for change in ({"text": "pris"}, {"organisation": "Mienne"}):
        with pytest.raises(Forbidden):
            change_statement(resources, SLUG, "B", change, of=mine)
    with pytest.raises(Forbidden):
        change_statement(resources, SLUG, "A", {"organisation": "Autre"}, of=mine)
    with pytest.raises(Forbidden):
        remove_statement(resources, SLUG, "B", of=mine)
    assert "Inconnue" not in str(show_organisations(resources, SLUG))


@pytest.mark.parametrize("consent", ["oui", "non"])
@pytest.mark.parametrize("is_taken_back", [False, True])
def test_the_same_text_written_again_takes_nothing_back_from_whom_it_was_given_to(
    resources: Resources,
    consent: str,
    is_taken_back: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    import_rows(resources, ("id", "organisation", "text"), [("B", "Autre", "jardin")])
    made = add_statement(resources, SLUG, Kind.PROBLEM, NEW, of=None)
    given = {"organisation": "Autre", "title": "À nous", "consent": consent}
    change_statement(resources, SLUG, made["id"], given, of=None)
    before = read_statement(resources, SLUG, made["id"])
    if is_taken_back:
        remove_statement(resources, SLUG, made["id"], of=None)
    former = frozenset({number_of(resources, "Asso")})
    with read(resources.engine) as session:
        here = frozenset({get_sociopole(session, SLUG).id})
    as_former = resources.seen_by(Scope(published=here, organisations=former))

    with pytest.raises(Forbidden, match="autre structure"):
        add_statement(as_former, SLUG, Kind.PROBLEM, NEW | {"title": "À moi"}, of=former)

    if is_taken_back:
        remove_statement(resources, SLUG, made["id"], of=None, deleted=False)
        before |= {"version": read_statement(resources, SLUG, made["id"])["version"]}
    assert read_statement(resources, SLUG, made["id"]) == before


def test_a_list_comes_in_pages_without_gap_or_repeat(resources: Resources) -> None:
    import_texts(resources, *(f"texte {number}" for number in range(7)))
    seen, after = [], 0
    while after is not None:
        page = list_statements(resources, SLUG, after=after, limit=3)
        seen += [statement["id"] for statement in page["statements"]]
        after = page["next"]

    assert seen == [str(number) for number in range(1, 8)]
