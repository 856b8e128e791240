"""Learn what each bar counts for from decisions; put it in force when a person says so.

Only what was read and judged tells about the bars (docs/decisions/0011): each pairing named one by
one, accepted, or set aside for what it is and not for circumstances, as its bars were shown.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from matcher.bars import Bars, Weights
from matcher.learning import (
    LEAST_DECISIONS,
    LEAST_OF_EACH,
    LEAST_SEEKERS,
    Decided,
    Learnt,
    is_enough,
    learn_weights,
)
from service.database import now, read, write
from service.errors import Conflict, Refused
from service.resources import Progress, Resources
from service.store.decisions import (
    DecisionView,
    Pair,
    Read,
    Say,
    list_decisions,
    only_standing,
)
from service.store.pairings import run_head
from service.store.sociopoles import lock_sociopole, sociopole_id
from service.store.weights import (
    Put,
    WeightsView,
    add_weights,
    list_weights,
    standing_weights,
)
from service.workflows.compare_weights import show_changes
from service.workflows.decide import describe_decisions
from service.workflows.signing import check_author
from service.workflows.suggest import read_plan

ABOUT_THE_BARS = {"off-topic", "other"}
"""Reasons to set aside that judge the pairing itself, not its distance, its day or its past."""
DECIMALS = 3


class LeftOut(StrEnum):
    """Why nothing is learnt of a pairing that something was said of."""

    NO_VERDICT = "no_verdict"
    CIRCUMSTANCE = "circumstance"
    BY_FILTER = "by_filter"
    OTHER_MODEL = "other_model"


@dataclass(frozen=True, slots=True)
class Lesson:
    """What there is to learn from, what was learnt, and why it is not proposed (empty if it is)."""

    decided: list[Decided]
    left_out: Mapping[str, int]
    last_decision: int
    in_force: WeightsView | None
    learnt: Learnt | None
    weights: Weights | None
    why_not: str

    @property
    def weights_in_force(self) -> Weights:
        """The default ones where none were put in force."""
        return (self.in_force and self.in_force.weights) or Weights()


def show_learning(
    resources: Resources, slug: str, progress: Progress | None = None
) -> dict[str, Any]:
    """What decisions say the bars should count for, beside the default, and what would change.

    What would change is told by proposing anew, once by the weights in force and once by those
    that were learnt, with the plan of the last run; nothing is stored.
    """
    with read(resources.engine) as session:
        sociopole = sociopole_id(session, slug)
        lesson = _learn(session, sociopole, resources.encoder.fingerprint)
        run = run_head(session, sociopole)
        history = list_weights(session, sociopole)
    changes = None
    if lesson.weights and not lesson.why_not and run:
        changes = show_changes(resources, slug, read_plan(run.settings), lesson.weights, progress)
    n_accepted = sum(decided.accepted for decided in lesson.decided)
    return {
        "sociopole": slug,
        "decisions": {
            "usable": len(lesson.decided),
            "accepted": n_accepted,
            "set_aside": len(lesson.decided) - n_accepted,
            "statements": len({decided.seeker for decided in lesson.decided}),
            "left_out": {str(why): lesson.left_out.get(why, 0) for why in LeftOut},
        },
        "needed": {
            "usable": LEAST_DECISIONS,
            "of_each": LEAST_OF_EACH,
            "statements": LEAST_SEEKERS,
        },
        "last_decision": lesson.last_decision,
        "default": Weights().by_bar(),
        "in_force": lesson.weights_in_force.by_bar(),
        "put": _show_put(lesson.in_force) if lesson.in_force else None,
        "learnt": lesson.weights.by_bar() if lesson.weights else None,
        "measure": _measure(lesson.learnt) if lesson.learnt else None,
        "proposed": not lesson.why_not,
        "why_not": lesson.why_not,
        "changes": changes,
        "history": [_show_put(put) for put in history],
    }


def apply_weights(resources: Resources, slug: str, by: str, *, seen: int | None = None) -> int:
    """Put the learnt weights in force for the next runs; returns the number of the row.

    `seen` is the last decision they were shown by. Raises Conflict where there are others since,
    Refused where nothing is proposed.
    """
    check_author(by)
    fingerprint = resources.encoder.fingerprint
    with read(resources.engine) as session:
        sociopole = sociopole_id(session, slug)
        lesson = _learn(session, sociopole, fingerprint)
    if lesson.weights is None or lesson.learnt is None or lesson.why_not:
        raise Refused(lesson.why_not)
    with write(resources.engine) as session:
        lock_sociopole(session, sociopole)
        _check_last(session, sociopole, lesson.last_decision if seen is None else seen)
        put = WeightsView(
            id=0,
            at=now(),
            by=by,
            action=Put.APPLY,
            weights=lesson.weights,
            decisions=len(lesson.decided),
            last_decision=lesson.last_decision,
            fingerprint=fingerprint,
            measure=_measure(lesson.learnt),
        )
        return add_weights(session, sociopole, put)


def reset_weights(resources: Resources, slug: str, by: str) -> int:
    """Put the default weights back in force; returns the number of the row."""
    check_author(by)
    with write(resources.engine) as session:
        sociopole = sociopole_id(session, slug)
        lock_sociopole(session, sociopole)
        standing = standing_weights(session, sociopole)
        if standing is None or standing.weights is None:
            raise Refused("Les poids par défaut sont déjà en vigueur : rien n'a changé.")
        return add_weights(session, sociopole, WeightsView(0, now(), by, Put.RESET))


def undo_weights(resources: Resources, slug: str, by: str) -> int:
    """Put back the weights that were in force before; returns the number of the row."""
    check_author(by)
    with write(resources.engine) as session:
        sociopole = sociopole_id(session, slug)
        lock_sociopole(session, sociopole)
        standing = standing_weights(session, sociopole)
        if standing is None:
            raise Refused("Rien à annuler : les poids par défaut sont en vigueur.")
        undo = WeightsView(0, now(), by, Put.UNDO, undoes=standing.id)
        return add_weights(session, sociopole, undo)


def write_points(share: float) -> str:
    """A difference of shares, of 100, with its sign: « +2,4 »."""
    return f"{100 * share:+.1f}".replace(".", ",")


def _learn(session: Session, sociopole: int, fingerprint: str) -> Lesson:
    decisions = list_decisions(session, sociopole)
    decided, left_out = _examples(only_standing(decisions), fingerprint)
    in_force = standing_weights(session, sociopole)
    learnt = learn_weights(decided) if is_enough(decided) else None
    weights = _rounded(learnt.weights) if learnt else None
    return Lesson(
        decided=decided,
        left_out=left_out,
        last_decision=decisions[-1].id if decisions else 0,
        in_force=in_force,
        learnt=learnt,
        weights=weights,
        why_not=_why_not(decided, learnt, is_new=in_force is None or in_force.weights != weights),
    )


def _examples(
    last: Mapping[Pair, DecisionView], fingerprint: str
) -> tuple[list[Decided], Counter[str]]:
    """What tells about the bars, and how many pairings do not, by the reason why."""
    decided: list[Decided] = []
    left_out: Counter[str] = Counter()
    for pair, decision in last.items():
        as_read = next(one for one in decision.pairs if one.pair == pair)
        why = _left_out(decision, as_read, fingerprint)
        if why:
            left_out[why] += 1
        else:
            meaning, gap, complement, novelty = (as_read.bars[bar] for bar in Bars._fields)
            accepted = decision.action == Say.ACCEPT
            decided.append(Decided((meaning, gap, complement, novelty), accepted, as_read.left))
    return decided, left_out


def _left_out(decision: DecisionView, as_read: Read, fingerprint: str) -> LeftOut | None:
    if decision.action not in {Say.ACCEPT, Say.SET_ASIDE}:
        return LeftOut.NO_VERDICT
    if decision.action == Say.SET_ASIDE and decision.reason not in ABOUT_THE_BARS:
        return LeftOut.CIRCUMSTANCE
    if decision.filter is not None:
        return LeftOut.BY_FILTER
    # The bar of meaning is on a scale of its model.
    return None if as_read.model == fingerprint else LeftOut.OTHER_MODEL


def _why_not(decided: list[Decided], learnt: Learnt | None, *, is_new: bool) -> str:
    if learnt is None:
        n_accepted = sum(one.accepted for one in decided)
        return (
            f"Il faut au moins {LEAST_DECISIONS} rapprochements jugés un par un, dont "
            f"{LEAST_OF_EACH} acceptés et {LEAST_OF_EACH} écartés pour eux-mêmes, sur "
            f"{LEAST_SEEKERS} contributions ; il y en a {len(decided)} ({n_accepted} acceptés, "
            f"{len(decided) - n_accepted} écartés, sur {len({one.seeker for one in decided})})."
        )
    if not learnt.better:
        return (
            "Les poids appris ne rangent pas mieux ce qui a été décidé que les poids par défaut : "
            f"l'écart est de {write_points(learnt.gain)} points sur 100, entre "
            f"{write_points(learnt.gain_low)} et {write_points(learnt.gain_high)} à 95 %. "
            "D'autres décisions le diront mieux."
        )
    return "" if is_new else "Ces poids sont déjà en vigueur."


def _rounded(weights: Weights) -> Weights:
    """As they are shown: what a person sees is what is put in force."""
    return Weights(**{bar: round(value, DECIMALS) for bar, value in weights.by_bar().items()})


def _check_last(session: Session, sociopole: int, seen: int) -> None:
    since = [decision for decision in list_decisions(session, sociopole) if decision.id > seen]
    if since:
        raise Conflict(
            f"{len(since)} décisions ont été prises depuis que ces poids vous ont été montrés, la "
            f"dernière par {since[-1].by} : regardez-les de nouveau.",
            describe_decisions(session, since),
        )


def _measure(learnt: Learnt) -> dict[str, Any]:
    return {
        "accepted": learnt.accepted,
        "set_aside": learnt.set_aside,
        "agreement": round(learnt.agreement, DECIMALS),
        "default_agreement": round(learnt.default_agreement, DECIMALS),
        "gain": round(learnt.gain, DECIMALS),
        "gain_low": round(learnt.gain_low, DECIMALS),
        "gain_high": round(learnt.gain_high, DECIMALS),
        "silent": list(learnt.silent),
    }


def _show_put(put: WeightsView) -> dict[str, Any]:
    return {
        "id": put.id,
        "at": put.at.isoformat(timespec="seconds"),
        "by": put.by,
        "action": str(put.action),
        "weights": put.weights.by_bar() if put.weights else None,
        "decisions": put.decisions,
        "measure": dict(put.measure or {}),
        "undoes": put.undoes,
        "undone": put.undone,
    }
