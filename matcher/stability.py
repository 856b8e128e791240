"""How firm groups are: what becomes of each when half of the texts is left out."""

from collections.abc import Callable, Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from matcher.encoder import Vectors, unit_rows
from matcher.likeness import liken
from matcher.tree import FARTHEST, Tree, grow_tree

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

KEPT_SHARE = 0.5
RESAMPLES, RESAMPLES_OF_MANY, MANY = 30, 10, 500


class Stability(StrEnum):
    """What becomes of a group when half of the texts is left out."""

    FIRM = "firm"
    FAIR = "fair"
    FRAIL = "frail"


FIRM_FROM, FAIR_FROM = 0.75, 0.6
"""Mean Jaccard: a valid cluster, and one that only shows a pattern (Hennig 2007, section 5). On
hand-given themes two members of a firm group share theirs one time in two, of a fair one three in
ten, of a frail one one in six (docs/groups.md)."""


def measure_stability(
    texts: Sequence[str],
    vectors: Vectors,
    tree: Tree,
    group: Indices,
    *,
    rng: np.random.Generator,
    tell: Callable[[int, int], None] | None = None,
) -> list[Stability]:
    """What becomes of each group when half of the leaves is left out, again and again.

    Clusterwise Jaccard under subsetting (Hennig 2007): the rest is likened anew, since common part
    and neighbours come from who is there, its tree cut at the same height; the mean of a group's
    best Jaccard says how firm it is. A group of one leaf, as one that a person locked, is firm.
    """
    n_groups = int(group.max(initial=-1)) + 1
    inside = np.flatnonzero(tree.leaf >= 0)
    leaf = np.unique(tree.leaf[inside], return_inverse=True)[1]
    m = int(leaf.max(initial=-1)) + 1
    if n_groups == 0 or m < 2:
        return [Stability.FIRM] * n_groups
    items, rows = _leaves_as_texts([texts[i] for i in inside.tolist()], vectors[inside], leaf)
    share = np.zeros((n_groups, m))
    placed = group[inside] >= 0
    np.add.at(share, (group[inside][placed], leaf[placed]), 1)
    height = _height_of(tree, group)
    total, seen = np.zeros(n_groups), np.zeros(n_groups)
    again = RESAMPLES if m <= MANY else RESAMPLES_OF_MANY
    for done in range(again):
        if tell:
            tell(done, again)
        kept = np.sort(rng.permutation(m)[: max(2, round(m * KEPT_SHARE))])
        likened, _ = liken([items[i] for i in kept], rows[kept])
        part = grow_tree(likened, np.arange(len(kept))).cut_under(height)
        # Of one leaf left nothing can be said.
        here = (share[:, kept] > 0).sum(axis=1) > 1
        total[here] += _best_jaccard(part, share[:, kept])[here]
        seen += here
    return [
        _word(value / times) if times else Stability.FIRM
        for value, times in zip(total.tolist(), seen.tolist(), strict=True)
    ]


def _leaves_as_texts(
    texts: Sequence[str], vectors: Vectors, leaf: Indices
) -> tuple[list[str], Vectors]:
    """Each leaf as one text and one unit vector: its members' texts together, their mean."""
    n_leaves = int(leaf.max()) + 1
    joined: list[list[str]] = [[] for _ in range(n_leaves)]
    summed = np.zeros((n_leaves, vectors.shape[1]), dtype=np.float32)
    for i, number in enumerate(leaf.tolist()):
        joined[number].append(texts[i])
        summed[number] += vectors[i]
    return ["\n".join(sorted(set(members))) for members in joined], unit_rows(summed)


def _best_jaccard(part: Indices, share: Floats) -> Floats:
    """For each group, the best Jaccard with any part; `share` `(groups, items)` counts texts."""
    found = np.zeros((int(part.max()) + 1, len(share)))
    np.add.at(found, part, share.T)
    weights = np.bincount(part, weights=share.sum(axis=0))
    # What no group holds counts against a part too: it is there in the place of a member.
    alone = np.bincount(part, weights=(share.sum(axis=0) == 0).astype(np.float64))
    either = (weights + alone)[:, None] + share.sum(axis=1)[None, :] - found
    return np.asarray((found / np.maximum(either, 1e-9)).max(axis=0))


def _word(jaccard: float) -> Stability:
    if jaccard >= FIRM_FROM:
        return Stability.FIRM
    return Stability.FAIR if jaccard >= FAIR_FROM else Stability.FRAIL


def _height_of(tree: Tree, group: Indices) -> float:
    """Between the merges that were done and those that were not."""
    inside = tree.leaf >= 0
    n_parts = len(np.unique(group[inside & (group >= 0)])) + int((inside & (group < 0)).sum())
    done = min(max(tree.n_leaves - n_parts, 0), tree.n_allowed)
    around = tree.heights[max(done - 1, 0) : done + 1]
    return float(np.minimum(around, FARTHEST).mean()) if len(around) else 0.0
