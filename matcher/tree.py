"""The tree of groups: which texts come together first, and what a cut at any number gives."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from matcher.fusion import Neighbours
from matcher.likeness import Rows

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

MOST_LEAVES = 4000
FIRST_RESOLUTION = 0.01
"""Of Leiden's constant Potts model, on fused likeness: communities of a dozen or two texts."""
NEVER = 1e12
"""The distance of what must stay apart: an average with one such pair in it stays above any cut."""
FARTHEST = 10.0


@dataclass(frozen=True, slots=True)
class Tree:
    """Leaves and the order in which they come together.

    `leaf` `(n,)` is the leaf of each text, -1 for a text outside the tree. `merges` `(m - 1, 2)`
    are pairs of nodes, nearest first: nodes under m are leaves, node m + i is what merge i made.
    `heights` `(m - 1,)` are the average distances at which they merge.
    """

    leaf: Indices
    merges: Indices
    heights: Floats

    @property
    def n_leaves(self) -> int:
        """How many leaves."""
        # Some leaves of a stored tree may have no text any more.
        return len(self.merges) + 1 if len(self.merges) else int(self.leaf.max(initial=-1)) + 1

    @property
    def n_allowed(self) -> int:
        """How many merges keep apart what must stay apart."""
        return int((self.heights < FARTHEST).sum())

    def cut(self, n_parts: int) -> Indices:
        """The part of each text when the tree is cut into `n_parts`, -1 outside. `(n,)`.

        Never fewer parts than what must stay apart asks for. Parts are numbered by their first
        text, and a cut into more parts only divides: nobody moves to a sibling.
        """
        done = min(max(self.n_leaves - n_parts, 0), self.n_allowed)
        return _number(self._nodes(done), self.leaf)

    def cut_under(self, height: float) -> Indices:
        """The part of each text when only what is nearer than `height` comes together. `(n,)`."""
        done = int((self.heights < min(height, FARTHEST)).sum())
        return _number(self._nodes(done), self.leaf)

    def halves(self, texts: Indices) -> tuple[Indices, Indices] | None:
        """What the tree below says of some texts: the two parts they last came together from.

        None where they are of one leaf or not all of the tree.
        """
        leaves = self.leaf[texts]
        if len(texts) < 2 or (leaves < 0).any() or len(np.unique(leaves)) < 2:
            return None
        low, high = 0, len(self.merges)
        # The fewest merges that bring all together: one less leaves two parts or more.
        while low < high:
            middle = (low + high) // 2
            together = len(np.unique(self._nodes(middle)[leaves])) == 1
            low, high = (low, middle) if together else (middle + 1, high)
        nodes = self._nodes(low - 1)[leaves]
        first = nodes == nodes[0]
        return texts[first], texts[~first]

    def _nodes(self, done: int) -> Indices:
        """The node each leaf belongs to after the first `done` merges. `(m,)`."""
        m = self.n_leaves
        above = np.arange(m + done, dtype=np.int64)
        for i in range(done - 1, -1, -1):
            above[self.merges[i]] = above[m + i]
        return above[:m]


def count_groups(tree: Tree) -> Indices:
    """How many groups of several texts each cut gives; entry i is the cut into i + 1 parts."""
    m = tree.n_leaves
    sizes = np.zeros(m + len(tree.merges), dtype=np.int64)
    sizes[:m] = np.bincount(tree.leaf[tree.leaf >= 0], minlength=m)
    for i, (a, b) in enumerate(tree.merges.tolist()):
        sizes[m + i] = sizes[a] + sizes[b]
    singles = [int((sizes[:m] == 1).sum())]
    for a, b in tree.merges.tolist():
        singles.append(singles[-1] - int(sizes[a] == 1) - int(sizes[b] == 1))
    return np.arange(1, m + 1) - np.array(singles[::-1], dtype=np.int64)


def grow_tree(rows: Rows, leaf: Indices, apart: Iterable[tuple[int, int]] = ()) -> Tree:
    """Bring leaves together by average likeness (UPGMA: Sokal and Michener 1958).

    `leaf` `(n,)` gives each text's leaf, numbered from 0, -1 for texts to leave out. `apart` are
    pairs of leaves that never come together.
    """
    m = int(leaf.max()) + 1 if len(leaf) else 0
    if m < 2:
        return Tree(leaf, np.empty((0, 2), dtype=np.int64), np.empty(0))
    means = rows.means(leaf, m)
    far = 1 - means.likeness(means).astype(np.float64)
    # Both triangles of a product need not agree to the last bit.
    far = np.maximum((far + far.T) / 2, 0)
    for a, b in apart:
        far[a, b] = far[b, a] = NEVER
    np.fill_diagonal(far, 0)
    merged = linkage(squareform(far, checks=False), "average")
    return Tree(leaf, merged[:, :2].astype(np.int64), np.asarray(merged[:, 2]))


def find_leaves(near: Neighbours) -> Indices:
    """Small tight communities of very many texts, to be the leaves of a tree. `(n,)`.

    Leiden (Traag et al. 2019) on the graph of mutual neighbours and of each text with its nearest;
    coarser until there are at most `MOST_LEAVES`. Order and seed are fixed.
    """
    # A tenth of a second to import: only very many texts need it.
    import random  # noqa: PLC0415

    import igraph  # noqa: PLC0415

    edges, weights = _graph(near)
    graph = igraph.Graph(len(near.ids), edges)
    resolution = FIRST_RESOLUTION
    try:
        while True:
            # The same draws whatever the process drew before.
            igraph.set_random_number_generator(random.Random(0))  # noqa: S311 - no secret
            found = graph.community_leiden(
                objective_function="CPM", weights=weights, resolution=resolution, n_iterations=-1
            )
            if len(found) <= MOST_LEAVES or resolution < FIRST_RESOLUTION / 1e6:
                break
            resolution /= 4
    finally:
        igraph.set_random_number_generator(random)
    return _renumber(np.array(found.membership, dtype=np.int64))


def _graph(near: Neighbours) -> tuple[Indices, Floats]:
    n, k = near.ids.shape
    asking = np.repeat(np.arange(n, dtype=np.int64), k)
    lower, upper = np.minimum(asking, near.ids.ravel()), np.maximum(asking, near.ids.ravel())
    pairs, first, times = np.unique(lower * n + upper, return_index=True, return_counts=True)
    is_nearest = np.zeros((n, k), dtype=np.bool_)
    is_nearest[:, 0] = True
    with_nearest = np.isin(pairs, (lower * n + upper)[is_nearest.ravel()])
    kept = (times == 2) | with_nearest
    weights = np.maximum(near.cosines.ravel()[first[kept]], 1e-3)
    return np.c_[pairs[kept] // n, pairs[kept] % n], weights.astype(np.float64)


def _number(node_of_leaf: Indices, leaf: Indices) -> Indices:
    inside = leaf >= 0
    parts = np.full(len(leaf), -1, dtype=np.int64)
    parts[inside] = _renumber(node_of_leaf[leaf[inside]])
    return parts


def _renumber(labels: Indices) -> Indices:
    """The same parts numbered from 0 by their first member. `(n,)`."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), dtype=np.int64)
    ranks[np.argsort(first)] = np.arange(len(first))
    return ranks[inverse]
