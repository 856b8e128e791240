"""Who answers: the accepted pairings of one's own organisation, both texts of each."""

from typing import Any

from service.database import read
from service.resources import Resources
from service.store.decisions import Say, standing_decisions
from service.store.sociopoles import get_sociopole
from service.store.statements import statements_by_id
from service.workflows.contribute import Organisations
from service.workflows.show import show_statement


def show_introduced(resources: Resources, slug: str, *, of: Organisations) -> dict[str, Any]:
    """The accepted pairings in which one of these organisations is an end (None: all).

    Who is introduced reads both texts, published or not: accepting the pairing is what introduces
    them. So the pairings are read past the person's own scope, and only these are shown.
    """
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
    with read(resources.unscoped().engine) as session:
        said = standing_decisions(session, sociopole.id)
        accepted = {pair: d for pair, d in said.items() if d.action == Say.ACCEPT}
        ids = sorted({i for pair in accepted for i in pair})
        views = {view.statement.id: view for view in statements_by_id(session, ids)}
    return {
        "sociopole": slug,
        "introduced": [
            {
                "left": show_statement(views[left]),
                "right": show_statement(views[right]),
                "at": decision.at.isoformat(timespec="seconds"),
            }
            for (left, right), decision in accepted.items()
            if left in views
            and right in views
            and (of is None or {views[i].statement.organisation for i in (left, right)} & of)
        ],
    }
