"""What tests of groups share: a sociopôle with problems on a few topics."""

from typing import Any

from service.resources import Resources
from service.workflows.edit_group import Who, edit_group
from service.workflows.group import GroupPlan, group
from service.workflows.show_groups import show_groups
from service.workflows.understand_edit import Wanted
from tests.builders import SLUG, import_rows

TOPICS = (
    "vélo piste cyclable garage",
    "moisissure logement mur humidité",
    "repas cantine bio légumes",
    "compost jardin déchets quartier",
)
DETAILS = "matin soir hiver printemps école mairie".split()
SECTORS = ("011075", "032520", "006030", "024035")
HEADER = ("id", "organisation", "text", "sector")
ME = Who("Ada", "vu ensemble")


def fill(resources: Resources, *, each: int = 4) -> None:
    """Problems PT1, PT2 … on topic T, each of a structure of its own, and an interest a topic."""
    problems = [
        (
            f"P{t}{i}",
            f"Asso {t}{i}",
            f"{topic} {DETAILS[i % 6]} {DETAILS[(i * 3 + t) % 6]}",
            SECTORS[(t + i) % 4],
        )
        for t, topic in enumerate(TOPICS)
        for i in range(each)
    ]
    import_rows(resources, HEADER, problems)
    interests = [
        (f"I{t}", f"Labo {t}", f"recherche {topic}", ("shs.socio", "sdv.ee")[t % 2])
        for t, topic in enumerate(TOPICS)
    ]
    header = ("id", "organisation", "text", "discipline")
    import_rows(resources, header, interests, kind="interest")


def make(resources: Resources, **options: Any) -> dict[str, Any]:
    """A grouping, as it is shown."""
    number = group(resources, GroupPlan(SLUG, **options), by="Ada")
    return show_groups(resources, SLUG, number)


def edit(resources: Resources, wanted: Wanted) -> dict[str, Any]:
    """An edit, and the grouping it makes as it is shown."""
    return show_groups(resources, SLUG, edit_group(resources, SLUG, wanted, ME))


def members(shown: dict[str, Any]) -> dict[str, set[str]]:
    """The statements of each group, by its name."""
    return {g["id"]: {m["id"] for m in g["members"]} for g in shown["groups"]}


def group_of(shown: dict[str, Any], statement: str) -> str:
    """The name of a statement's group, empty where it is isolated."""
    return next((name for name, ids in members(shown).items() if statement in ids), "")
