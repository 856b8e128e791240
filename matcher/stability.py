"""How firm groups are: what becomes of each when a fifth of the texts is left out."""

from collections.abc import Callable
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from matcher.likeness import Rows
from matcher.tree import FARTHEST, Tree, grow_tree

Indices = NDArray[np.int64]

RESAMPLES, RESAMPLES_OF_MANY, KEPT_SHARE = 30, 10, 0.8


class Stability(StrEnum):
    """What becomes of a group when a fifth of the texts is left out."""

    FIRM = "firm"
    FAIR = "fair"
    FRAIL = "frail"


FIRM_FROM, FAIR_FROM = 0.75, 0.5
"""Mean Jaccard: a valid, stable cluster; a dissolved one (Hennig 2007, sections 3 and 5)."""


def measure_stability(
    tree: Tree,
    rows: Rows,
    group: Indices,
    *,
    rng: np.random.Generator,
    tell: Callable[[int, int], None] | None = None,
) -> list[Stability]:
    """What becomes of each group when a fifth of the leaves is left out, again and again.

    Clusterwise Jaccard under subsetting (Hennig 2007): the tree is grown again from the rest and
    cut at the same height; the mean of each group's best Jaccard says how firm it is.
    """
    n_groups = int(group.max(initial=-1)) + 1
    if n_groups == 0:
        return []
    m = tree.n_leaves
    height = _height_of(tree, group)
    again = RESAMPLES if m == len(rows) else RESAMPLES_OF_MANY
    total, seen = np.zeros(n_groups), np.zeros(n_groups)
    # A leaf stays whole, so its mean row stands for it.
    means = rows.means(tree.leaf, m) if m else rows
    share = np.zeros((n_groups, max(m, 1)))
    inside = (group >= 0) & (tree.leaf >= 0)
    np.add.at(share, (group[inside], tree.leaf[inside]), 1)
    weight = share.sum(axis=0) if m else np.zeros(1)
    for done in range(again if m > 1 else 0):
        if tell:
            tell(done, again)
        kept = np.sort(rng.permutation(m)[: max(2, round(m * KEPT_SHARE))])
        part = grow_tree(means.take(kept), np.arange(len(kept))).cut_under(height)
        found = np.zeros((int(part.max()) + 1, n_groups))
        np.add.at(found, part, share[:, kept].T)
        parts = np.bincount(part, weights=weight[kept])
        whole = share[:, kept].sum(axis=1)
        jaccard = found / np.maximum(parts[:, None] + whole[None, :] - found, 1e-9)
        # Of one member left nothing can be said.
        here = whole > 1
        total[here] += jaccard.max(axis=0)[here]
        seen += here
    means_found = np.where(seen > 0, total / np.maximum(seen, 1), 1.0)
    return [_word(float(value)) for value in means_found]


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
