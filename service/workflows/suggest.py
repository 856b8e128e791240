"""Suggest pairings: who should meet whom in a sociopôle, why, and who stays without an answer."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from indexes.contract import Ids
from matcher.assignment import Limits
from matcher.bars import Bars, Weights
from matcher.encoder import Vectors
from matcher.fusion import Neighbours
from matcher.lexicon.lexicon import Lexicon
from matcher.pairing import (
    NEAR_IN_MEANING,
    Block,
    Proposals,
    Side,
    suggest_pairings,
)
from matcher.reasons import find_reasons
from matcher.statements import Kind
from service.catchup import catch_up
from service.database import now, read, write
from service.errors import Refused
from service.resources import Keep, Progress, Resources
from service.store.decisions import Pair
from service.store.pairings import PairingView, save_orphans, save_pairings, save_run
from service.store.readings import Reading, hold_reading, note_reading
from service.store.revisions import Mark
from service.store.sociopoles import get_sociopole, lock_sociopole
from service.store.statements import StatementView, statements_of
from service.store.vectors import stored_vectors
from service.store.weights import weights_in_force
from service.workflows.decide import acquaintances, closed_pairs
from service.workflows.lexicon import lexicon_of
from service.workflows.still_said import TEXTS

KindPair = tuple[Kind, Kind]
DEFAULT_KINDS: tuple[KindPair, ...] = (
    (Kind.PROBLEM, Kind.INTEREST),
    (Kind.PROBLEM, Kind.COURSE),
    (Kind.PROBLEM, Kind.OFFER),
    (Kind.PROBLEM, Kind.PROBLEM),
)
PARTNERS = {
    Kind.PROBLEM: "problématique d'une autre structure",
    Kind.OFFER: "savoir ou ressource proposés",
    Kind.INTEREST: "intérêt de recherche",
    Kind.COURSE: "enseignement",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run was asked for."""

    limits: Limits
    kinds: tuple[KindPair, ...] = DEFAULT_KINDS

    def as_settings(self) -> dict[str, object]:
        """The plan as it is kept with the run and shown as `limits`."""
        return {
            "proposals": self.limits.proposals,
            "max_load": self.limits.max_load,
            "kinds": [f"{left}-{right}" for left, right in self.kinds],
        }


@dataclass(frozen=True, slots=True)
class Material:
    """What a run is made of: `settled` pairs are closed by decisions, `rows` are by text hash."""

    mark: Mark
    reading: Reading
    sociopole: int
    views: Sequence[StatementView]
    rows: Mapping[str, Vectors]
    known: set[Pair]
    settled: set[Pair]
    lexicon: Lexicon
    weights: Weights


def read_plan(settings: Mapping[str, Any]) -> Plan:
    """The plan that a run was made by."""
    limits = Limits(settings["proposals"], settings["max_load"])
    return Plan(limits, parse_kinds(",".join(settings["kinds"])))


def parse_kinds(text: str) -> tuple[KindPair, ...]:
    """Read « problem-interest,problem-problem ». Raises Refused naming what is not a kind."""
    if not text:
        return DEFAULT_KINDS
    pairs = []
    for part in text.split(","):
        ends = part.strip().split("-")
        if len(ends) != 2 or not set(ends) <= set(Kind):
            raise Refused(
                f"« {part.strip()} » n'est pas une paire de natures. Écrivez par exemple "
                "problem-interest,problem-problem ; natures possibles : " + ", ".join(Kind) + "."
            )
        pairs.append((Kind(ends[0]), Kind(ends[1])))
    return tuple(dict.fromkeys(pairs))


def suggest(
    resources: Resources,
    slug: str,
    plan: Plan,
    progress: Progress | None = None,
    today: dt.date | None = None,
    keep: Keep | None = None,
) -> int:
    """Make and store a run; returns its number. What people decided holds in it.

    Raises Overtaken, and stores nothing, where a person was erased meanwhile.
    """
    tell = progress or (lambda *_: None)
    material = gather(resources, slug, plan, progress, today)
    tell("Recherche des proximités", 0, 3)
    proposals = propose(resources, material, plan, tell)
    tell("Raisons", 2, 3)
    pairings = _describe(resources, material, proposals)
    views = material.views
    orphans = [
        (views[position].statement.id, explain_orphan(views[position], position, proposals, plan))
        for position in proposals.uncovered()
    ]
    with write(resources.engine) as session:
        lock_sociopole(session, material.sociopole)
        hold_reading(session, material.reading)
        run_id = save_run(
            session,
            sociopole_id=material.sociopole,
            at=now(),
            revision=material.mark.revision,
            fingerprint=resources.encoder.fingerprint,
            settings=plan.as_settings() | {"weights": material.weights.by_bar()},
        )
        save_pairings(session, run_id, pairings)
        save_orphans(session, run_id, orphans)
        if keep:
            keep(session, {"run": run_id})
    tell("Raisons", 3, 3)
    return run_id


def gather(
    resources: Resources,
    slug: str,
    plan: Plan,
    progress: Progress | None = None,
    today: dt.date | None = None,
) -> Material:
    """Bring the indexes up to date and read what a run is made of."""
    mark = catch_up(resources, progress)
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        kinds = sorted({kind for pair in plan.kinds for kind in pair})
        views = statements_of(session, sociopole.id, kinds)
        hashes = {view.statement.id: view.text_hash for view in views}
        rows = stored_vectors(
            session, resources.encoder.fingerprint, [view.text_hash for view in views]
        )
        return Material(
            mark=mark,
            reading=note_reading(session),
            sociopole=sociopole.id,
            # What another process imported since the catch-up has no vector yet: it is for the
            # next run.
            views=[view for view in views if view.text_hash in rows],
            rows=rows,
            known=acquaintances(session, sociopole.id, {v.statement.id: v for v in views}),
            settled=closed_pairs(session, sociopole.id, hashes, today or now().date()),
            lexicon=lexicon_of(resources, session, sociopole.id),
            weights=weights_in_force(session, sociopole.id),
        )


def propose(
    resources: Resources, material: Material, plan: Plan, progress: Progress | None = None
) -> Proposals:
    """Choose the pairings, by the weights in force."""
    views, tell = material.views, progress or (lambda *_: None)
    blocks = _blocks(resources, views, plan.kinds, material.rows)
    tell("Choix des rapprochements", 1, 3)
    place = {view.statement.id: position for position, view in enumerate(views)}
    settled = [(place[a], place[b]) for a, b in material.settled if a in place and b in place]
    return suggest_pairings(
        [view.statement for view in views],
        blocks,
        known=material.known,
        closed=settled,
        limits=plan.limits,
        weights=material.weights,
        background=resources.background,
        seeking={left for left, _ in plan.kinds},
    )


def explain_orphan(view: StatementView, position: int, proposals: Proposals, plan: Plan) -> str:
    """Why a statement has no pairing, in French, with what to change."""
    loaded, served = proposals.blocking(position)
    if loaded:
        return (
            "tous les partenaires adéquats sont à leur charge maximale : "
            f"passez --max-load à {plan.limits.max_load + 1}"
        )
    if served:
        return (
            "tous les partenaires adéquats ont déjà leurs rapprochements : "
            f"passez --proposals à {plan.limits.proposals + 1}"
        )
    sought = [right for left, right in plan.kinds if left == view.statement.kind]
    names = ", ni ".join(PARTNERS[kind] for kind in dict.fromkeys(sought))
    if proposals.best_meaning[position] < 0:
        return f"aucun partenaire possible n'est enregistré ici (ni {names})"
    return f"aucun {names} assez proche"


def _blocks(
    resources: Resources,
    views: Sequence[StatementView],
    kinds: Sequence[KindPair],
    rows: Mapping[str, Vectors],
) -> list[Block]:
    vectors = np.stack([rows[view.text_hash] for view in views]) if views else None
    sides: dict[Kind, Side] = {}
    for kind in Kind:
        positions = np.array(
            [i for i, view in enumerate(views) if view.statement.kind == kind], dtype=np.int64
        )
        if len(positions) and vectors is not None:
            sides[kind] = Side(kind, positions, vectors[positions])
    ids = np.array([view.statement.id for view in views], dtype=np.int64)
    return [
        _block(resources, ids, sides[left], sides[right])
        for left, right in kinds
        if left in sides and right in sides
    ]


def _block(resources: Resources, ids: Ids, left: Side, right: Side) -> Block:
    onward = _nearest(resources, ids, left, right)
    back = onward if left is right else _nearest(resources, ids, right, left)
    return Block(left, right, onward, back)


def _nearest(resources: Resources, ids: Ids, asking: Side, asked: Side) -> Neighbours:
    """The nearest of one side for each of the other, through the index, itself left out."""
    found, cosines = resources.indexes.vectors.search_arrays(
        asking.vectors, NEAR_IN_MEANING + 1, allowed=ids[asked.positions]
    )
    # Ids grow with positions: views are sorted by id.
    positions = np.where(found >= 0, np.searchsorted(ids, found), -1)
    itself = positions == asking.positions[:, None]
    # What is left out goes to the end, so that k places hold the k nearest others.
    order = np.argsort(itself | (positions < 0), axis=1, kind="stable")[:, :NEAR_IN_MEANING]
    kept = np.where(np.take_along_axis(itself, order, axis=1), -1, 0)
    chosen = np.take_along_axis(positions, order, axis=1)
    return Neighbours(np.where(kept < 0, -1, chosen), np.take_along_axis(cosines, order, axis=1))


def _describe(resources: Resources, material: Material, proposals: Proposals) -> list[PairingView]:
    candidates, bars, views = proposals.candidates, proposals.bars, material.views
    left = candidates.left[proposals.chosen].tolist()
    right = candidates.right[proposals.chosen].tolist()
    texts = [view.statement.passage for view in views]
    reasons = find_reasons(
        [(texts[a], texts[b]) for a, b in zip(left, right, strict=True)],
        resources.encoder,
        material.lexicon,
        known={view.statement.passage: material.rows[view.text_hash] for view in views},
    )
    alternates = proposals.alternates()
    described = []
    for rank, (position, a, b, reason) in enumerate(
        zip(proposals.chosen.tolist(), left, right, reasons, strict=True), start=1
    ):
        others = [views[other].statement.id for other in alternates.get(a, [])]
        described.append(
            PairingView(
                rank=rank,
                left=views[a].statement.id,
                right=views[b].statement.id,
                score=round(float(candidates.scores[position]), 4),
                bars={
                    name: round(float(bar[position]), 4)
                    for name, bar in zip(Bars._fields, bars, strict=True)
                },
                reasons=[
                    {
                        "left_sentence": reason.left_sentence,
                        "right_sentence": reason.right_sentence,
                        "shared_terms": list(reason.shared_terms),
                        "said_otherwise": [bridge._asdict() for bridge in reason.bridges],
                        TEXTS: [views[a].text_hash, views[b].text_hash],
                    }
                ],
                alternates=others,
            )
        )
    return described
