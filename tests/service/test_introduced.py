"""Who is introduced reads both texts; nobody else learns of it."""

from matcher.assignment import Limits
from service.resources import Resources
from service.store.decisions import Say
from service.store.scope import Scope
from service.workflows.decide import Choice, Said, decide, undo_decision
from service.workflows.directory import show_organisations
from service.workflows.introduced import show_introduced
from service.workflows.suggest import Plan, suggest
from tests.builders import SLUG, import_rows

HEADER = ("id", "organisation", "text")


def fill(resources: Resources) -> dict[str, frozenset[int]]:
    """One problem and one interest that meet, accepted, and an organisation beside."""
    import_rows(resources, HEADER, [("P", "Asso", "vélo école"), ("Q", "Autre", "compost")])
    import_rows(resources, HEADER, [("I", "Labo", "vélo école")], kind="interest")
    suggest(resources, SLUG, Plan(Limits()))
    decide(resources, SLUG, Choice(ranks=(1,)), Said(Say.ACCEPT, "Ada"))
    listed = show_organisations(resources, SLUG)["organisations"]
    return {o["name"]: frozenset({int(o["id"])}) for o in listed}


def shown_to(resources: Resources, of: frozenset[int] | None) -> list[set[str]]:
    sight = resources.seen_by(Scope(published=None, organisations=of or frozenset()))
    found = show_introduced(sight, SLUG, of=of)["introduced"]
    return [{pair["left"]["id"], pair["right"]["id"]} for pair in found]


def test_both_ends_read_both_texts(resources: Resources) -> None:
    organisations = fill(resources)

    for name in ("Asso", "Labo"):
        assert shown_to(resources, organisations[name]) == [{"P", "I"}]


def test_nobody_else_learns_of_it(resources: Resources) -> None:
    organisations = fill(resources)

    assert shown_to(resources, organisations["Autre"]) == []
    assert shown_to(resources, frozenset()) == []
    assert shown_to(resources, None) == [{"P", "I"}]


def test_undone_it_is_no_longer_shown(resources: Resources) -> None:
    organisations = fill(resources)
    undo_decision(resources, SLUG, by="Ada")

    assert shown_to(resources, organisations["Asso"]) == []


def test_before_any_decision_there_is_nothing(resources: Resources) -> None:
    assert shown_to(resources, None) == []
