"""What other weights would change of the pairings that are proposed; nothing is stored."""

from typing import Any, NamedTuple

from matcher.bars import Weights
from matcher.pairing import Proposals
from service.resources import Progress, Resources
from service.store.decisions import Pair, ordered
from service.workflows.filter_pairings import write_pairing_id
from service.workflows.suggest import Material, Plan, gather, propose

MOST_CHANGES = 100


class Change(NamedTuple):
    """Ranks of a pairing by the weights in force and by the others; None where it has none."""

    pair: Pair
    before: int | None
    after: int | None

    @property
    def move(self) -> int:
        """By how many ranks it moves; 0 where it comes in or goes out."""
        return abs(self.before - self.after) if self.before and self.after else 0


def show_changes(
    resources: Resources,
    slug: str,
    plan: Plan,
    weights: Weights,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Pairings that would come in, go out and move, the most telling first; how many of each.

    Both sides are proposed anew, so that nothing but the weights makes a difference.
    """
    material = gather(resources, slug, plan, progress)
    proposals = propose(resources, material, plan, progress)
    before = _ranks(material, proposals)
    after = _ranks(material, proposals.with_weights(weights))
    changes = [
        Change(pair, before.get(pair), after.get(pair)) for pair in sorted({**before, **after})
    ]
    lists = {
        "entering": sorted((c for c in changes if not c.before), key=lambda c: c.after or 0),
        "leaving": sorted((c for c in changes if not c.after), key=lambda c: c.before or 0),
        "moving": sorted((c for c in changes if c.move), key=lambda c: -c.move),
    }
    return {
        "pairings": len(after),
        "counts": {name: len(found) for name, found in lists.items()},
        **{name: _show(material, found[:MOST_CHANGES]) for name, found in lists.items()},
    }


def _ranks(material: Material, proposals: Proposals) -> dict[Pair, int]:
    ids = [view.statement.id for view in material.views]
    left, right, _ = proposals.candidates
    return {
        ordered(ids[left[position]], ids[right[position]]): rank
        for rank, position in enumerate(proposals.chosen.tolist(), start=1)
    }


def _show(material: Material, changes: list[Change]) -> list[dict[str, Any]]:
    views = {view.statement.id: view for view in material.views}
    return [
        {"id": write_pairing_id(change.pair), "before": change.before, "after": change.after}
        | {
            side: {
                "id": views[end].public_id,
                "title": views[end].statement.title,
                "organisation": views[end].organisation,
            }
            for side, end in zip(("left", "right"), change.pair, strict=True)
        }
        for change in changes
    ]
