"""Groups of texts: deterministic, what people decided as constraints, each text placed once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matcher.encoder import Vectors
from matcher.fusion import Neighbours
from matcher.group_size import Advice, Size, Why, as_asked, recommend
from matcher.likeness import ALL_COMPARED, Nearest, Rows, compare_all, liken
from matcher.tree import Tree, find_leaves, grow_tree
from matcher.wishes import Decided, as_positions

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Tell = Callable[["Stage", int, int], None]

ISOLATED = -1


class Stage(StrEnum):
    """What a run is at, for whoever shows progress."""

    LIKENESS = "likeness"
    TREE = "tree"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class Grouping:
    """Each text's group `(n,)`, `ISOLATED` for none, and the tree they were cut from.

    Groups are numbered by their first text. `advice` is what is recommended, `asked` what was
    done: they differ where a person named a size.
    """

    group: Indices
    tree: Tree
    advice: Advice
    asked: Advice
    rows: Rows = field(repr=False)

    @property
    def n_groups(self) -> int:
        """How many groups."""
        return int(self.group.max(initial=ISOLATED)) + 1


class Membership(NamedTuple):
    """How each text stands to the groups: each `(n,)`; `central` `(n_groups,)`.

    `strength` is the average likeness to the others of its group, and to the nearest group for a
    text that has none, from 0 to 1; `nearest` the nearest other group, -1 where there is none;
    `central` each group's most central text (medoid).
    """

    strength: Floats
    nearest: Indices
    central: Indices


def find_groups(  # noqa: PLR0913 - each is one fact of the run
    texts: Sequence[str],
    vectors: Vectors,
    *,
    size: Size | int | None = None,
    decided: Decided | None = None,
    nearest: Nearest = compare_all,
    tree: Tree | None = None,
    tell: Tell | None = None,
) -> Grouping:
    """Put texts together by meaning, words and shared neighbours; the same input, the same groups.

    Average linkage on the likeness of `matcher.likeness`, above `ALL_COMPARED` texts over small
    communities found by Leiden; cut where the silhouette is highest (Rousseeuw 1987) unless a
    `size` or number is named. The order of the texts changes nothing but the groups' numbers.
    What people `decided`, by positions of texts, is never broken.
    `tree` is the one of an earlier run on the same texts, cut anew at no cost.
    """
    say = tell or _say_nothing
    say(Stage.LIKENESS, 0, 1)
    if not len(texts):
        return _no_groups(vectors)
    compared = _compare(texts, vectors, nearest)
    order, place, rows = compared.order, compared.place, compared.rows
    decided = as_positions(decided or Decided(), dict(enumerate(place.tolist())))
    say(Stage.TREE, 0, 1)
    if tree is None:
        leaf = _leaves(compared, decided)
        grown = grow_tree(rows, leaf, _apart_leaves(leaf, decided))
    else:
        grown = replace(tree, leaf=tree.leaf[order])
    say(Stage.SIZE, 0, 1)
    locked = len(decided.locked)
    advice, parts = recommend(rows, grown)
    advice = asked = advice.and_locked(locked)
    if size is not None:
        rest = size if isinstance(size, Size) else max(size - locked, 1)
        asked, parts = as_asked(grown, rest)
        asked = asked.and_locked(locked)
    group = _with_locked(_without_singles(parts), decided)
    return Grouping(
        _numbered(group[place]),
        replace(grown, leaf=grown.leaf[place]),
        advice,
        asked,
        rows.take(place),
    )


def likeness_of(texts: Sequence[str], vectors: Vectors, *, nearest: Nearest = compare_all) -> Rows:
    """The rows that `find_groups` would group by, to measure groups that people changed."""
    if not len(texts):
        return _no_groups(vectors).rows
    compared = _compare(texts, vectors, nearest)
    return compared.rows.take(compared.place)


def measure_members(rows: Rows, group: Indices) -> Membership:
    """How each text stands to groups `(n,)` that may have been changed by hand since."""
    n, n_groups = len(rows), int(group.max(initial=ISOLATED)) + 1
    if n_groups == 0:
        return Membership(
            np.zeros(n), np.full(n, ISOLATED, dtype=np.int64), np.empty(0, dtype=np.int64)
        )
    near = rows.likeness(rows.means(group, n_groups)).astype(np.float64)
    sizes = np.bincount(group[group >= 0], minlength=n_groups)
    placed = np.flatnonzero(group >= 0)
    mine = group[placed]
    own = rows.own()[placed]
    inside = (near[placed, mine] * sizes[mine] - own) / np.maximum(sizes[mine] - 1, 1)
    central = np.empty(n_groups, dtype=np.int64)
    for g in range(n_groups):
        members = placed[mine == g]
        central[g] = members[int(np.argmax(np.round(near[members, g], 6)))]
    others = near.copy()
    others[placed, mine] = -np.inf
    nearest = others.argmax(axis=1).astype(np.int64)
    nearest[others.max(axis=1) == -np.inf] = ISOLATED
    strength = others.max(axis=1)
    strength[placed] = inside
    return Membership(np.clip(strength, 0, 1), nearest, central)


class _Compared(NamedTuple):
    """Texts sorted by what they say: `order` sorts them, `place` brings them back.

    `copy_of` says which of the different texts each is, `near` their neighbours.
    """

    order: Indices
    place: Indices
    copy_of: Indices
    near: Neighbours
    rows: Rows


def _compare(texts: Sequence[str], vectors: Vectors, nearest: Nearest) -> _Compared:
    # Sorted: two orders of one list must be one list, ties and seeds included.
    order = np.array(sorted(range(len(texts)), key=lambda i: texts[i]), dtype=np.int64)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    # What is said twice in the same words is one text with one set of neighbours.
    is_first = np.array(
        [i == 0 or texts[order[i]] != texts[order[i - 1]] for i in range(len(order))]
    )
    copy_of = np.cumsum(is_first) - 1
    first = order[is_first]
    once, near = liken([texts[i] for i in first], vectors[first], nearest=nearest)
    return _Compared(order, place, copy_of, near, once.take(copy_of))


def _leaves(compared: _Compared, decided: Decided) -> Indices:
    """Each different text its own leaf, or of a small community; what stays together is one."""
    few = len(compared.near.ids) <= ALL_COMPARED
    leaf = compared.copy_of.copy() if few else find_leaves(compared.near)[compared.copy_of]
    after = int(leaf.max()) + 1
    # One side of each pair is enough, and the smaller one leaves most communities whole.
    handled = {i for pair in decided.apart for i in min(pair, key=lambda m: (len(m), sorted(m)))}
    for members in decided.together:
        leaf[list(members)] = after
        after += 1
        handled -= members
    # A text that must stay apart from another leaves its community: the rest goes on without it.
    for i in sorted(handled):
        leaf[i] = after
        after += 1
    left_out = {i for members in decided.locked for i in members} | decided.alone
    leaf[list(left_out)] = ISOLATED
    inside = leaf >= 0
    if inside.any():
        leaf[inside] = np.unique(leaf[inside], return_inverse=True)[1]
    return leaf


def _apart_leaves(leaf: Indices, decided: Decided) -> Iterable[tuple[int, int]]:
    pairs: set[tuple[int, int]] = set()
    for sides in decided.apart:
        left, right = (np.unique(leaf[list(side)]).tolist() for side in sides)
        pairs |= {(a, b) for a, b in product(left, right) if a >= 0 and b >= 0 and a != b}
    return sorted(pairs)


def _without_singles(part: Indices) -> Indices:
    inside = part >= 0
    if not inside.any():
        return part
    sizes = np.bincount(part[inside])
    group = part.copy()
    group[inside] = np.where(sizes[part[inside]] > 1, part[inside], ISOLATED)
    return group


def _with_locked(group: Indices, decided: Decided) -> Indices:
    result = group.copy()
    after = int(group.max(initial=ISOLATED)) + 1
    for number, members in enumerate(decided.locked, start=after):
        result[list(members)] = number
    return result


def _numbered(group: Indices) -> Indices:
    """The same groups numbered from 0 by their first text."""
    result = np.full(len(group), ISOLATED, dtype=np.int64)
    known: dict[int, int] = {}
    for position in np.flatnonzero(group >= 0).tolist():
        result[position] = known.setdefault(int(group[position]), len(known))
    return result


def _no_groups(vectors: Vectors) -> Grouping:
    none = np.empty(0, dtype=np.int64)
    nothing = Advice(0, Why.NONE)
    tree = Tree(none, np.empty((0, 2), dtype=np.int64), np.empty(0))
    return Grouping(none, tree, nothing, nothing, Rows(vectors, sparse.csr_matrix((0, 1))))


def _say_nothing(stage: Stage, done: int, total: int) -> None:
    """Nobody watches."""
