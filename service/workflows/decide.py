"""Decide on pairings: what a person says of them is kept for ever and holds in each new run."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from matcher.statements import Kind
from service.database import now, read, write
from service.errors import NotFound, Refused
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
from service.store.pairings import PairingView, RunView, latest_run
from service.store.sociopoles import get_sociopole, known_relations, lock_sociopole
from service.store.statements import StatementView, statements_by_id

REASONS = {
    "off-topic": "hors sujet",
    "already-tried": "déjà essayé",
    "no-capacity": "pas de disponibilité",
    "too-far": "trop loin",
    "not-now": "pas le moment",
    "other": "autre",
}
LONGEST_WORDS, LONGEST_NAME = 2000, 200


@dataclass(frozen=True, slots=True)
class Choice:
    """Pairings of the last run: by rank, or all those of a pair of kinds and a least meaning."""

    ranks: tuple[int, ...] = ()
    kinds: tuple[Kind, Kind] | None = None
    least_meaning: float | None = None
    run: int | None = None

    @property
    def by_filter(self) -> bool:
        """Whether a filter chooses, and not ranks."""
        return self.kinds is not None or self.least_meaning is not None


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says, and who says it."""

    action: Say
    by: str
    reason: str = ""
    words: str = ""
    until: dt.date | None = None


def decide(
    resources: Resources, slug: str, choice: Choice, said: Said, today: dt.date | None = None
) -> int:
    """Keep what a person says of some pairings of the last run; returns the decision's number.

    Raises Refused where it says too little, or the run is no longer the one that was looked at.
    """
    check_said(said, today or now().date())
    with write(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        lock_sociopole(session, sociopole.id)
        run = latest_run(session, sociopole.id)
        if run is None:
            raise NotFound(f"Aucun rapprochement encore : lancez « sociopoles suggest {slug} ».")
        if choice.run not in {None, run.id}:
            raise Refused(
                f"Les rapprochements ont été refaits depuis (passage {run.id}, vous regardiez le "
                f"{choice.run}) : regardez-les de nouveau."
            )
        ids = sorted({i for p in run.pairings for i in (p.left, p.right)})
        views = {view.statement.id: view for view in statements_by_id(session, ids)}
        chosen = _choose(run, choice, views)
        pairs = [
            Read(p.left, p.right, views[p.left].text_hash, views[p.right].text_hash) for p in chosen
        ]
        return add_decision(session, sociopole.id, _row(said, pairs))


def undo_decision(resources: Resources, slug: str, *, by: str, number: int | None = None) -> int:
    """Take back the last decision, or the one of this number, for all it was about."""
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
    return {
        pair
        for pair, decision in standing_decisions(session, sociopole_id).items()
        if decision.action == Say.IN_CONTACT
        or (decision.action == Say.SET_ASIDE and is_as_read(decision, pair, hashes))
        or (decision.action == Say.POSTPONE and decision.until and decision.until > today)
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
        decisions = list_decisions(session, get_sociopole(session, slug).id)
        ids = sorted({i for d in decisions for p in d.pairs for i in (p.left, p.right)})
        views = {view.statement.id: view for view in statements_by_id(session, ids)}
    return {
        "sociopole": slug,
        "decisions": [
            {
                "id": d.id,
                "at": d.at.isoformat(timespec="seconds"),
                "by": d.by,
                "action": str(d.action),
                "reason": d.reason,
                "words": d.words,
                "until": d.until.isoformat() if d.until else None,
                "undoes": d.undoes,
                "undone": d.undone,
                "pairs": [
                    {"left": views[p.left].public_id, "right": views[p.right].public_id}
                    for p in d.pairs
                    if p.left in views and p.right in views
                ],
            }
            for d in decisions
        ],
    }


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
    if len(said.words) > LONGEST_WORDS or len(said.by) > LONGEST_NAME:
        raise Refused(
            f"Au plus {LONGEST_WORDS} caractères de commentaire, et {LONGEST_NAME} de nom."
        )


def _choose(run: RunView, choice: Choice, views: Mapping[int, StatementView]) -> list[PairingView]:
    there = [p for p in run.pairings if p.left in views and p.right in views]
    if bool(choice.ranks) == choice.by_filter:
        raise Refused("Désignez des rapprochements par leur rang, ou par un filtre.")
    if choice.ranks:
        by_rank = {p.rank: p for p in there}
        if unknown := [rank for rank in choice.ranks if rank not in by_rank]:
            raise NotFound(f"Il n'y a pas de rapprochement de rang {unknown[0]}.")
        return [by_rank[rank] for rank in dict.fromkeys(choice.ranks)]
    chosen = [p for p in there if _fits(p, choice, views)]
    if not chosen:
        raise Refused("Aucun rapprochement ne répond à ce filtre : rien n'a changé.")
    return chosen


def _fits(pairing: PairingView, choice: Choice, views: Mapping[int, StatementView]) -> bool:
    kinds = (views[pairing.left].statement.kind, views[pairing.right].statement.kind)
    right_kinds = choice.kinds is None or sorted(kinds) == sorted(choice.kinds)
    least = choice.least_meaning
    return right_kinds and (least is None or pairing.bars["meaning"] >= least)


def _row(said: Said, pairs: Sequence[Read], undoes: int | None = None) -> DecisionView:
    return DecisionView(
        0, now(), said.by, said.action, said.reason, said.words, said.until, pairs, undoes
    )
