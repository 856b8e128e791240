"""How many groups: recommended by the silhouette, or as a person asks."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matcher.likeness import Rows
from matcher.tree import Tree, count_groups

Indices = NDArray[np.int64]

MOST_GROUPS = 100
"""As many as a person can look through; the tree holds finer ones."""
MOST_TEXTS = 200
"""In a group on average, as long as that asks for no more than half of the most groups."""
FEW = 6
ALIKE_HEIGHT = 0.85
"""Under so few texts no criterion speaks: those nearer than this come together."""
SAME_HEIGHT = 1e-3
CUTS_TRIED = 40
SAMPLE = 5000


class Size(StrEnum):
    """How large groups should be, for who does not name a number."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


TEXTS_A_GROUP = {Size.SMALL: 4, Size.MEDIUM: 8, Size.LARGE: 16}


class Why(StrEnum):
    """Why so many groups."""

    NONE = "none"
    ONE = "one"
    FEW = "few"
    SAME = "same"
    SILHOUETTE = "silhouette"
    MOST = "most"
    ASKED = "asked"
    ASKED_TOO_MANY = "asked_too_many"


class Advice(NamedTuple):
    """The number of groups recommended, and the criterion that says so."""

    groups: int
    why: Why

    def and_locked(self, locked: int) -> "Advice":
        """The same with the groups that people locked, which no cut makes."""
        why = Why.ASKED if locked and self.why == Why.NONE else self.why
        return Advice(self.groups + locked, why)


def recommend(rows: Rows, tree: Tree) -> tuple[Advice, Indices]:
    """The cut with the highest silhouette among those a person can use."""
    m = tree.n_leaves
    if m == 0:
        return Advice(0, Why.NONE), tree.leaf
    if m == 1:
        one = tree.cut(1)
        several = int((one >= 0).sum()) > 1
        return Advice(int(several), Why.SAME if several else Why.ONE), one
    allowed = tree.heights[: tree.n_allowed]
    if len(allowed) == m - 1 and allowed[-1] < SAME_HEIGHT:
        return Advice(1, Why.SAME), tree.cut(1)
    if m < FEW:
        parts = tree.cut_under(ALIKE_HEIGHT)
        return Advice(int((np.bincount(parts[parts >= 0]) > 1).sum()), Why.FEW), parts
    inside = np.flatnonzero(tree.leaf >= 0)
    kept = rows.take(inside)
    best, best_parts, best_value = 0, tree.leaf, -np.inf
    counts = count_groups(tree)
    last = _last_usable(tree, counts)
    first = _first_usable(tree, counts, len(inside))
    for n_parts in _cuts(first, max(first, last)):
        parts = tree.cut(n_parts)
        value = round(float(silhouette(kept, parts[inside])), 6)
        if value > best_value:
            best, best_parts, best_value = n_parts, parts, value
    capped = best == last and int(counts[best - 1]) >= MOST_GROUPS
    why = Why.MOST if capped else Why.SILHOUETTE
    return Advice(int(counts[best - 1]), why), best_parts


def silhouette(rows: Rows, part: Indices) -> float:
    """The mean silhouette of parts `(n,)`, on average likeness; a single text counts 0.

    Of very many texts, at most `SAMPLE` evenly spaced ones are asked how they stand to all parts.
    """
    n_parts = int(part.max()) + 1
    if n_parts < 2:
        return 0.0
    sizes = np.bincount(part, minlength=n_parts)
    step = -(-len(part) // SAMPLE)
    sample = np.arange(0, len(part), step, dtype=np.int64)
    asked, mine = rows.take(sample), part[sample]
    near = asked.likeness(rows.means(part, n_parts)).astype(np.float64)
    here = np.arange(len(sample))
    inside = (near[here, mine] * sizes[mine] - asked.own()) / np.maximum(sizes[mine] - 1, 1)
    near[here, mine] = -np.inf
    a, b = 1 - inside, 1 - near.max(axis=1)
    widths = np.where(sizes[mine] > 1, (b - a) / np.maximum(np.maximum(a, b), 1e-9), 0)
    return float(widths.mean())


def _first_usable(tree: Tree, counts: Indices, n_texts: int) -> int:
    """The widest cut to try: of very many texts, groups that one can still read."""
    first = max(2, tree.n_leaves - tree.n_allowed)
    enough = np.flatnonzero(counts >= min(n_texts // MOST_TEXTS, MOST_GROUPS // 2))
    return max(first, int(enough[0]) + 1) if len(enough) else first


def _last_usable(tree: Tree, counts: Indices) -> int:
    """The finest cut to try: half as many parts as leaves, and no more groups than one can read."""
    last = max(2, tree.n_leaves - tree.n_allowed, tree.n_leaves // 2)
    too_many = np.flatnonzero(counts[:last] > MOST_GROUPS)
    return int(too_many[0]) if len(too_many) else last


def _cuts(first: int, last: int) -> list[int]:
    if last - first < CUTS_TRIED:
        return list(range(first, last + 1))
    spaced = np.geomspace(first, last, CUTS_TRIED)
    return sorted({round(value) for value in spaced})


def as_asked(tree: Tree, size: Size | int) -> tuple[Advice, Indices]:
    """The widest cut that gives as many groups as asked, or else as many as there can be."""
    if tree.n_leaves == 0:
        return Advice(0, Why.NONE), tree.leaf
    n_texts = int((tree.leaf >= 0).sum())
    wanted = max(1, round(n_texts / TEXTS_A_GROUP[size])) if isinstance(size, Size) else size
    least = tree.n_leaves - tree.n_allowed
    groups = count_groups(tree)[max(least, 1) - 1 :]
    enough = np.flatnonzero(groups >= wanted)
    found = int(enough[0]) if len(enough) else int(np.argmax(groups))
    why = Why.ASKED if len(enough) else Why.ASKED_TOO_MANY
    return Advice(int(groups[found]), why), tree.cut(max(least, 1) + found)
