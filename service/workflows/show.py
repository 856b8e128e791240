"""What is known, as plain values under stable names, for the command line, the API, the pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from matcher.bars import Weights
from service.database import now, read
from service.errors import NotFound
from service.resources import Resources
from service.store.decisions import DecisionView, Pair, Say, ordered
from service.store.pairings import PairingView, RunView, latest_run
from service.store.revisions import current_mark
from service.store.sociopoles import SociopoleView, get_sociopole, list_sociopoles
from service.store.statements import StatementView, statements_by_id
from service.workflows.answer import Answer
from service.workflows.decide import show_state
from service.workflows.filter_pairings import Standing, read_standing, write_pairing_id
from service.workflows.still_said import reasons_now


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
        standing = read_standing(session, sociopole.id, now().date())
        ids |= {i for pair, d in standing.last.items() if d.action == Say.ACCEPT for i in pair}
        views = {v.statement.id: v for v in statements_by_id(session, sorted(ids))}
        stale = current_mark(session).revision > run.revision
    return _run(sociopole, run, views, standing) | {"stale": stale}


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
            show_statement(answer.view) | {"score": answer.shown_score, "sentence": answer.sentence}
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


def show_pairing(
    pairing: PairingView, views: Mapping[int, StatementView], standing: Standing
) -> dict[str, Any]:
    """One pairing: `id` holds from run to run, `version` is the last decision about it or 0."""
    pair = ordered(pairing.left, pairing.right)
    others = [views[i] for i in pairing.alternates if i in views]
    return {
        "id": write_pairing_id(pair),
        "version": standing.versions.get(pair, 0),
        "rank": pairing.rank or None,
        "left": show_statement(views[pairing.left]),
        "right": show_statement(views[pairing.right]),
        "state": _state(pair, views, standing.last),
        "score": pairing.score,
        "bars": dict(pairing.bars),
        "reasons": reasons_now(pairing, views[pairing.left], views[pairing.right]),
        "alternates": [view.public_id for view in others],
        "alternates_shown": [
            {
                "id": view.public_id,
                "title": view.statement.title,
                "organisation": view.organisation,
            }
            for view in others
        ],
    }


def _state(
    pair: Pair, views: Mapping[int, StatementView], last: Mapping[Pair, DecisionView]
) -> dict[str, Any] | None:
    return show_state(last.get(pair), pair, {i: views[i].text_hash for i in pair})


def _run(
    sociopole: SociopoleView,
    run: RunView,
    views: Mapping[int, StatementView],
    standing: Standing,
) -> dict[str, Any]:
    limits = dict(run.settings)
    # Runs made before the weights could be learnt do not name them.
    weights = limits.pop("weights", Weights().by_bar())
    return {
        "sociopole": sociopole.slug,
        "run": run.id,
        "at": run.at.isoformat(timespec="seconds"),
        # A statement deleted since the run is no longer shown, nor what it was paired with.
        "pairings": [
            show_pairing(pairing, views, standing)
            for pairing in run.pairings
            if pairing.left in views and pairing.right in views
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
                "state": _state((left, right), views, standing.last),
            }
            for (left, right), decision in standing.last.items()
            if decision.action == Say.ACCEPT and left in views and right in views
        ],
        "limits": limits,
        "weights": weights,
    }
