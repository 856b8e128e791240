"""Decide on pairings: what a person says of them is kept for ever and holds in each new run."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from service.database import now, read, write
from service.errors import Conflict, NotFound, Refused
from service.resources import Resources
from service.store.decisions import (
    DecisionView,
    Pair,
    Read,
    Say,
    add_decision,
    is_as_read,
    list_decisions,
    standing_decisions,
)
from service.store.pairings import run_head
from service.store.proposed import Filter, Found, find_pairs, find_ranks
from service.store.sociopoles import get_sociopole, known_relations, lock_sociopole, sociopole_id
from service.store.statements import StatementView, statements_by_id
from service.workflows.filter_pairings import (
    HIGHEST,
    Standing,
    check_filter,
    filter_pairings,
    read_pairing_id,
    read_standing,
    write_pairing_id,
)
from service.workflows.signing import check_author

REASONS = {
    "off-topic": "hors sujet",
    "already-tried": "déjà essayé",
    "no-capacity": "pas de disponibilité",
    "too-far": "trop loin",
    "not-now": "pas le moment",
    "other": "autre",
}
SAID_SINCE = {
    Say.ACCEPT: "l’a accepté",
    Say.SET_ASIDE: "l’a écarté",
    Say.POSTPONE: "l’a remis à plus tard",
    Say.IN_CONTACT: "a dit les deux déjà en contact",
    Say.UNCERTAIN: "l’a dit incertain",
    Say.NOTE: "y a mis une note",
    Say.UNDO: "a annulé ce qui en avait été dit",
}
LONGEST_WORDS = 2000


@dataclass(frozen=True, slots=True)
class Choice:
    """Pairings, chosen in one way: by rank in the last run, by id, or by a filter.

    An id such as « 12-34 » holds from run to run; `run` is the one that was looked at.
    """

    ranks: tuple[int, ...] = ()
    ids: tuple[str, ...] = ()
    filter: Filter | None = None
    run: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says, and who says it."""

    action: Say
    by: str
    reason: str = ""
    words: str = ""
    until: dt.date | None = None


def decide(
    resources: Resources,
    slug: str,
    choice: Choice,
    said: Said,
    today: dt.date | None = None,
    *,
    expected: Mapping[str, int] | None = None,
) -> int:
    """Keep what a person says of some pairings; returns the decision's number.

    `expected` are the versions that were looked at, by the pairings' ids: the number of the last
    decision about each, 0 for none. Raises Conflict where one has moved on, Refused where the
    person says too little or the run is no longer the one that was looked at.
    """
    today = today or now().date()
    check_said(said, today)
    wanted = _check_choice(resources, choice)
    versions = {read_pairing_id(i): version for i, version in (expected or {}).items()}
    with write(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        lock_sociopole(session, sociopole.id)
        run = run_head(session, sociopole.id)
        if run is None:
            raise NotFound(f"Aucun rapprochement encore : lancez « sociopoles suggest {slug} ».")
        if choice.run not in {None, run.id}:
            raise Refused(
                f"Les rapprochements ont été refaits depuis (passage {run.id}, vous regardiez le "
                f"{choice.run}) : regardez-les de nouveau."
            )
        standing = read_standing(session, sociopole.id, today)
        _check_versions(session, standing, versions)
        if wanted is not None:
            found = list(filter_pairings(session, sociopole.id, run.id, wanted, standing))
        else:
            found = _named(session, sociopole.id, run.id, choice)
        if not found:
            raise Refused("Aucun rapprochement ne répond à ce filtre : rien n'a changé.")
        row = _row(said, [one.read for one in found])
        by = _kept(wanted) if wanted else None
        return add_decision(session, sociopole.id, replace(row, filter=by))


def undo_decision(resources: Resources, slug: str, *, by: str, number: int | None = None) -> int:
    """Take back the last decision, or the one of this number, for all it was about."""
    check_author(by)
    with write(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        lock_sociopole(session, sociopole.id)
        standing = {d.id: d for d in list_decisions(session, sociopole.id) if not d.undone}
        plain = [d.id for d in standing.values() if d.action != Say.UNDO]
        wanted = number if number is not None else max(plain, default=0)
        if wanted not in standing:
            known = ", ".join(map(str, standing)) or "aucune"
            raise Refused(f"Rien à annuler. Décisions en vigueur : {known}.")
        said = Said(Say.UNDO, by)
        return add_decision(
            session, sociopole.id, _row(said, standing[wanted].pairs, undoes=wanted)
        )


def closed_pairs(
    session: Session, sociopole_id: int, hashes: Mapping[int, str], today: dt.date
) -> set[Pair]:
    """Pairs that a new run does not propose: set aside as they still read, in contact, put off."""
    closing = {Say.SET_ASIDE, Say.IN_CONTACT, Say.POSTPONE}
    return {
        pair
        for pair, decision in standing_decisions(session, sociopole_id).items()
        if decision.action in closing and decision.holds(pair, hashes, today)
    }


def acquaintances(
    session: Session, sociopole_id: int, views: Mapping[int, StatementView]
) -> set[Pair]:
    """Pairs of organisations that know each other: recorded, or said to be in contact already."""
    said = standing_decisions(session, sociopole_id).items()
    met = [pair for pair, decision in said if decision.action == Say.IN_CONTACT]
    return known_relations(session, sociopole_id) | {
        (views[a].statement.organisation, views[b].statement.organisation)
        for a, b in met
        if a in views and b in views
    }


def show_state(
    decision: DecisionView | None, pair: Pair, hashes: Mapping[int, str]
) -> dict[str, Any] | None:
    """What was said last of a pair, and whether a text changed since; None where nothing was."""
    if decision is None:
        return None
    return {
        "decision": decision.id,
        "action": str(decision.action),
        "by": decision.by,
        "at": decision.at.isoformat(timespec="seconds"),
        "reason": decision.reason,
        "words": decision.words,
        "until": decision.until.isoformat() if decision.until else None,
        "text_changed": not is_as_read(decision, pair, hashes),
    }


def show_decisions(resources: Resources, slug: str) -> dict[str, Any]:
    """Every decision of a sociopôle, oldest first, with the pairs it is about."""
    with read(resources.engine) as session:
        decisions = list_decisions(session, sociopole_id(session, slug))
        shown = describe_decisions(session, decisions)
    return {"sociopole": slug, "decisions": shown}


def describe_decisions(session: Session, decisions: Sequence[DecisionView]) -> list[dict[str, Any]]:
    """These decisions, with those of their pairs whose statements are still there."""
    ids = sorted({i for d in decisions for p in d.pairs for i in (p.left, p.right)})
    views = {view.statement.id: view for view in statements_by_id(session, ids)}
    return [
        {
            "id": d.id,
            "at": d.at.isoformat(timespec="seconds"),
            "by": d.by,
            "action": str(d.action),
            "reason": d.reason,
            "words": d.words,
            "until": d.until.isoformat() if d.until else None,
            "filter": d.filter,
            "undoes": d.undoes,
            "undone": d.undone,
            "pairs": [
                {
                    "id": write_pairing_id(p.pair),
                    "left": views[p.left].public_id,
                    "right": views[p.right].public_id,
                }
                for p in d.pairs
                if p.left in views and p.right in views
            ],
        }
        for d in decisions
    ]


def check_said(said: Said, today: dt.date) -> None:
    """Raises Refused where what is said is too little, or too much."""
    if said.action == Say.SET_ASIDE and said.reason not in REASONS:
        choices = ", ".join(f"{key} ({label})" for key, label in REASONS.items())
        raise Refused(f"Dites pourquoi, par --reason : {choices}.")
    if said.action != Say.SET_ASIDE and said.reason:
        raise Refused("Une raison de la liste n'accompagne que ce qui est écarté.")
    if said.action == Say.POSTPONE and (said.until is None or said.until <= today):
        raise Refused("Dites jusqu'à quelle date, à venir : par exemple --until 2027-01-15.")
    if said.action != Say.POSTPONE and said.until is not None:
        raise Refused("Une date n'accompagne que ce qui est remis à plus tard.")
    if said.action == Say.NOTE and not said.words.strip():
        raise Refused("Une note dit quelque chose : ajoutez --why.")
    if len(said.words) > LONGEST_WORDS:
        raise Refused(f"Le commentaire compte au plus {LONGEST_WORDS} caractères.")
    check_author(said.by)


def _check_choice(resources: Resources, choice: Choice) -> Filter | None:
    """The filter that chooses, ready to be used; None where pairings are named."""
    if [bool(choice.ranks), bool(choice.ids), choice.filter is not None].count(True) != 1:
        raise Refused("Désignez des rapprochements par leur rang, leur identifiant ou un filtre.")
    if choice.filter == Filter():
        raise Refused("Ce filtre laisse tout passer : dites lesquels.")
    return choice.filter and check_filter(resources, choice.filter)


def _named(session: Session, sociopole_id: int, run: int, choice: Choice) -> list[Found]:
    ranks = dict.fromkeys(choice.ranks)
    by_rank = find_ranks(session, run, [rank for rank in ranks if 0 < rank <= HIGHEST])
    if unknown := [rank for rank in ranks if rank not in by_rank]:
        raise NotFound(f"Il n'y a pas de rapprochement de rang {unknown[0]}.")
    pairs = dict.fromkeys(read_pairing_id(written) for written in choice.ids)
    by_pair = find_pairs(session, sociopole_id, run, list(pairs))
    if missing := [pair for pair in pairs if pair not in by_pair]:
        raise NotFound(f"Il n'y a pas de rapprochement {write_pairing_id(missing[0])} ici.")
    return [by_rank[rank] for rank in ranks] + [by_pair[pair] for pair in pairs]


def _check_versions(session: Session, standing: Standing, looked_at: Mapping[Pair, int]) -> None:
    since = [
        decision
        for decision in standing.decisions
        if any(decision.id > looked_at.get(read.pair, decision.id) for read in decision.pairs)
    ]
    if not since:
        return
    last = since[-1]
    moved = next(read for read in last.pairs if last.id > looked_at.get(read.pair, last.id))
    names = {v.statement.id: v.public_id for v in statements_by_id(session, sorted(moved.pair))}
    pair = " – ".join(names.get(end, str(end)) for end in (moved.left, moved.right))
    why = "".join(f" ({words})" for words in (REASONS.get(last.reason), last.words) if words)
    others = f" Et {len(since) - 1} autres décisions avant celle-là." if len(since) > 2 else ""
    raise Conflict(
        f"Pendant que vous regardiez le rapprochement {pair}, {last.by} "
        f"{SAID_SINCE[last.action]}{why} le {last.at:%d/%m/%Y à %H h %M} (UTC).{others} "
        "Relisez-le, puis décidez de nouveau.",
        describe_decisions(session, since),
    )


def _kept(wanted: Filter) -> dict[str, Any]:
    """What the filter asks, as it is kept with the decision."""
    return {name: asked for name, asked in asdict(wanted).items() if asked}


def _row(said: Said, pairs: Sequence[Read], undoes: int | None = None) -> DecisionView:
    return DecisionView(
        0, now(), said.by, said.action, said.reason, said.words, said.until, pairs, undoes
    )
