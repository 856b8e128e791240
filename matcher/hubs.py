"""Hubs: texts that are near to everyone, and how near, kept while texts come and go."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.int64]
Rows: TypeAlias = NDArray[np.float32]
ROWS_AT_ONCE = 8_192
"""Texts compared at once with those who ask: 33 MB of cosines, whatever the number of texts."""
ASKING = 1_000
"""At most so many texts of the other side stand for all of it."""
NEIGHBOURS = 30


@dataclass(slots=True)
class _Side:
    """The texts of one side: how near each is to those nearest of the `asking` texts."""

    near: dict[int, float] = field(default_factory=dict)
    mean: float = 0.0
    asking: Ids = field(default_factory=lambda: np.empty(0, np.int64))
    rows: Rows = field(default_factory=lambda: np.empty((0, 0), np.float32))


class Hubs(Mapping[int, float]):
    """How near each text is to whoever might ask for it, less the average of its side; by id.

    Problems are asked for by those who know, and the rest by those who need: each side is compared
    with texts of the other, or with its own where there is no other. Which texts ask follows from
    the ids alone and hardly moves when one more comes, so a change costs what changed: only when
    one of those who ask changes, or twice as many texts are there, is all compared again.
    """

    def __init__(self) -> None:
        self._needs, self._others = _Side(), _Side()

    @classmethod
    def of(cls, vectors: Rows, is_need: NDArray[np.bool_]) -> "Hubs":
        """Of texts that stay as they are; ids are the row numbers of `vectors` `(n, dim)`."""
        hubs = cls()
        ids = np.arange(len(vectors), dtype=np.int64)
        hubs.follow(ids[is_need], ids[~is_need], ids.tolist(), lambda wanted: vectors[wanted])
        return hubs

    def __getitem__(self, identity: int) -> float:
        """The strength of one text; above 0 for a hub. Raises KeyError."""
        # Two lines instead of a loop: a search asks this of three hundred texts.
        if (near := self._needs.near.get(identity)) is not None:
            return near - self._needs.mean
        return self._others.near[identity] - self._others.mean

    def __iter__(self) -> Iterator[int]:
        """The ids, in no order."""
        yield from self._needs.near
        yield from self._others.near

    def __len__(self) -> int:
        """How many texts."""
        return len(self._needs.near) + len(self._others.near)

    def follow(
        self, needs: Ids, others: Ids, changed: Collection[int], rows_of: Callable[[Ids], Rows]
    ) -> None:
        """Take in what changed: all ids of both sides, and those that are new or other than before.

        `rows_of` gives the unit rows `(n, dim)` of ids.
        """
        fresh = np.fromiter(changed, np.int64, len(changed))
        for side, own, pool in (
            (self._needs, needs, others),
            (self._others, others, needs),
        ):
            _follow(side, own, pool if len(pool) else own, fresh, rows_of)


def _follow(side: _Side, own: Ids, pool: Ids, changed: Ids, rows_of: Callable[[Ids], Rows]) -> None:
    asking = _choose(pool)
    if np.array_equal(asking, side.asking) and not np.isin(changed, asking).any():
        for identity in side.near.keys() - set(own.tolist()):
            del side.near[identity]
        todo = np.intersect1d(own, changed)
    else:
        side.asking, side.rows = asking, rows_of(asking)
        side.near.clear()
        todo = own
    for start in range(0, len(todo), ROWS_AT_ONCE):
        part = todo[start : start + ROWS_AT_ONCE]
        side.near.update(zip(part.tolist(), _nearness(side, part, rows_of(part)), strict=True))
    side.mean = float(np.mean(list(side.near.values()))) if side.near else 0.0


def _nearness(side: _Side, ids: Ids, rows: Rows) -> list[float]:
    cosines = rows @ side.rows.T
    # Nobody asks for their own text.
    cosines[ids[:, None] == side.asking[None, :]] = -1
    k = min(NEIGHBOURS, cosines.shape[1])
    nearest: list[float] = np.partition(cosines, -k, axis=1)[:, -k:].mean(axis=1).tolist()
    return nearest


def _choose(ids: Ids) -> Ids:
    """At most `ASKING` of these ids, sorted: each stays chosen until there are twice as many."""
    # Knuth's multiplicative hash: neighbours in number, which one sheet brought, part ways.
    places = (ids.astype(np.uint64) * np.uint64(2_654_435_761)) % np.uint64(2**32)
    bound = 2**32
    while np.count_nonzero(places < bound) > ASKING:
        bound //= 2
    return np.sort(ids[places < bound])
