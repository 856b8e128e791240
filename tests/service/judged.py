"""A sociopôle whose people like two sectors to meet, and do not mind that they know each other."""

from typing import Any

from matcher.assignment import Limits
from service.database import write
from service.resources import Resources
from service.store.decisions import Say
from service.store.sociopoles import add_relations, get_sociopole
from service.workflows.decide import Choice, Said, decide
from service.workflows.show import show_suggestions
from service.workflows.suggest import Plan, parse_kinds, suggest
from tests.builders import SLUG, import_rows

PLAN = Plan(Limits(proposals=1), parse_kinds("problem-problem"))
HEADER = ("id", "organisation", "text", "sector")
CULTURE, MUSEUM, SPORT = "006000", "006030", "011000"


def fill(resources: Resources, topics: int = 36) -> None:
    """On each topic two problems: in turns of strangers of one sector, or of acquaintances of two.

    Then one problem that either may answer: X, of culture; Y, a museum it does not know; Z, a
    sports club it knows.
    """
    rows = []
    for i in range(topics):
        words = f"salle{i} horaire{i} public{i} bénévole{i}"
        rows.append((f"A{i}", f"Asso {i}", f"{words} besoin", CULTURE))
        rows.append((f"B{i}", f"Autre {i}", f"{words} question", SPORT if i % 2 else CULTURE))
    rows += [
        ("X", "Fanfare", "cuivres cabossés luthier costumes brodés atelier", CULTURE),
        ("Y", "Musée", "costumes brodés atelier vitrines", MUSEUM),
        ("Z", "Majorettes", "cuivres cabossés luthier gymnase", SPORT),
    ]
    import_rows(resources, HEADER, rows)
    known = [(f"Asso {i}", f"Autre {i}", "", "") for i in range(1, topics, 2)]
    with write(resources.engine) as session:
        sociopole = get_sociopole(session, SLUG)
        add_relations(session, sociopole.id, [*known, ("Fanfare", "Majorettes", "", "")])


def run(resources: Resources) -> dict[str, Any]:
    suggest(resources, SLUG, PLAN)
    return show_suggestions(resources, SLUG)


def judge(resources: Resources, n: int) -> None:
    """Say of the first `n` topics what these people say, each pairing named."""
    shown = show_suggestions(resources, SLUG)["pairings"]
    ids = {p["left"]["id"]: p["id"] for p in shown}
    for odd, said in enumerate((Said(Say.SET_ASIDE, "Ada", "other"), Said(Say.ACCEPT, "Ada"))):
        named = tuple(ids[f"A{i}"] for i in range(odd, n, 2))
        decide(resources, SLUG, Choice(ids=named), said)


def ends(pairing: dict[str, Any]) -> tuple[str, str]:
    return pairing["left"]["id"], pairing["right"]["id"]
