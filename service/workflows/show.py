"""What is known, as plain values under stable names, for the command line, the API, the pages."""

from collections.abc import Sequence
from typing import Any

from service.database import read
from service.errors import NotFound
from service.resources import Resources
from service.store.decisions import DecisionView, Pair, Say, ordered, standing_decisions
from service.store.pairings import RunView, latest_run
from service.store.revisions import current_mark
from service.store.sociopoles import SociopoleView, get_sociopole, list_sociopoles
from service.store.statements import StatementView, statements_by_id
from service.workflows.answer import Answer
from service.workflows.decide import show_state


def show_sociopoles(resources: Resources) -> dict[str, Any]:
    """All sociopôles with how many statements of each kind."""
    with read(resources.engine) as session:
        return {"sociopoles": [show_sociopole(view) for view in list_sociopoles(session)]}


def show_one(resources: Resources, slug: str) -> dict[str, Any]:
    """One sociopôle by its slug."""
    with read(resources.engine) as session:
        return show_sociopole(get_sociopole(session, slug))


def show_sociopole(view: SociopoleView) -> dict[str, Any]:
    """One sociopôle."""
    return {
        "slug": view.slug,
        "name": view.name,
        "territory": view.territory._asdict(),
        "statements": view.statements,
    }


def show_suggestions(resources: Resources, slug: str) -> dict[str, Any]:
    """The last run of a sociopôle. Raises NotFound where none was made."""
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        run = latest_run(session, sociopole.id)
        if run is None:
            raise NotFound(
                "Aucun rapprochement n'a encore été proposé : "
                f"lancez « sociopoles suggest {slug} »."
            )
        ids = {i for p in run.pairings for i in (p.left, p.right, *p.alternates)}
        ids |= {statement for statement, _ in run.orphans}
        said = standing_decisions(session, sociopole.id)
        ids |= {i for pair, d in said.items() if d.action == Say.ACCEPT for i in pair}
        views = {v.statement.id: v for v in statements_by_id(session, sorted(ids))}
        stale = current_mark(session).revision > run.revision
    return _run(sociopole, run, views, said) | {"stale": stale}


def show_page(resources: Resources, slug: str) -> dict[str, Any]:
    """A sociopôle and its last run, None where none was made."""
    shown = show_one(resources, slug)
    try:
        return {"sociopole": shown, "run": show_suggestions(resources, slug)}
    except NotFound:
        return {"sociopole": shown, "run": None}


def show_answers(answers: Sequence[Answer]) -> dict[str, Any]:
    """The answers to a query, best first."""
    return {
        "answers": [
            show_statement(answer.view) | {"score": answer.score, "sentence": answer.sentence}
            for answer in answers
        ]
    }


def show_statement(view: StatementView) -> dict[str, Any]:
    """One statement."""
    statement = view.statement
    return {
        "id": view.public_id,
        "kind": str(statement.kind),
        "title": statement.title,
        "text": statement.text,
        "organisation": view.organisation,
        "sociopole": view.sociopole,
        "territory": view.territory,
        "college": str(statement.college),
        "sector": statement.sector or view.sector_written,
        "discipline": statement.discipline or view.discipline_written,
    }


def _run(
    sociopole: SociopoleView,
    run: RunView,
    views: dict[int, StatementView],
    said: dict[Pair, DecisionView],
) -> dict[str, Any]:
    hashes = {i: view.text_hash for i, view in views.items()}

    def state(left: int, right: int) -> dict[str, Any] | None:
        pair = ordered(left, right)
        return show_state(said.get(pair), pair, hashes)

    # A statement deleted since the run is no longer shown, nor what it was paired with.
    pairings = [p for p in run.pairings if p.left in views and p.right in views]
    return {
        "sociopole": sociopole.slug,
        "run": run.id,
        "at": run.at.isoformat(timespec="seconds"),
        "pairings": [
            {
                "rank": pairing.rank,
                "left": show_statement(views[pairing.left]),
                "right": show_statement(views[pairing.right]),
                "state": state(pairing.left, pairing.right),
                "score": pairing.score,
                "bars": dict(pairing.bars),
                "reasons": list(pairing.reasons),
                "alternates": [views[i].public_id for i in pairing.alternates if i in views],
                "alternates_shown": [
                    {
                        "id": views[i].public_id,
                        "title": views[i].statement.title,
                        "organisation": views[i].organisation,
                    }
                    for i in pairing.alternates
                    if i in views
                ],
            }
            for pairing in pairings
        ],
        "orphans": [
            {
                "id": views[i].public_id,
                "kind": str(views[i].statement.kind),
                "title": views[i].statement.title,
                "organisation": views[i].organisation,
                "why": why,
            }
            for i, why in run.orphans
            if i in views
        ],
        "accepted": [
            {
                "left": show_statement(views[left]),
                "right": show_statement(views[right]),
                "state": state(left, right),
            }
            for (left, right), decision in said.items()
            if decision.action == Say.ACCEPT and left in views and right in views
        ],
        "limits": dict(run.settings),
    }
