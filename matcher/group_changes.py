"""What became of groups from one run to the next."""

from collections.abc import Mapping
from typing import NamedTuple

Members = frozenset[int]
SHARE = 0.5
"""A group goes on as the one that holds more than half of either of them."""
PART = 0.25
"""From this share of a group on, what went elsewhere is a part of it and no stray."""


class Went(NamedTuple):
    """A group that goes on: how many came and left."""

    before: str
    after: str
    came: int
    left: int


class Changes(NamedTuple):
    """Names of groups: `split` and `merged` give what one became, or came from."""

    unchanged: list[Went]
    changed: list[Went]
    appeared: list[str]
    vanished: list[str]
    split: list[tuple[str, list[str]]]
    merged: list[tuple[list[str], str]]


def compare_groups(before: Mapping[str, Members], after: Mapping[str, Members]) -> Changes:
    """Which groups stayed, grew, shrank, split, merged, appeared or vanished.

    Only statements of both runs tell what became of a group; those new or gone count as having
    come or left.
    """
    parts = {
        old: [new for new, there in after.items() if _is_part(members, there)]
        for old, members in before.items()
    }
    sources = {
        new: [old for old, there in before.items() if _is_part(members, there)]
        for new, members in after.items()
    }
    split = [(old, found) for old, found in parts.items() if len(found) > 1]
    merged = [(found, new) for new, found in sources.items() if len(found) > 1]
    went = [_went(before, after, old, new) for old, new in _pairs(before, after)]
    known_old, known_new = {w.before for w in went}, {w.after for w in went}
    in_split = {old for old, _ in split} | {old for found, _ in merged for old in found}
    in_merged = {new for _, new in merged} | {new for _, found in split for new in found}
    return Changes(
        unchanged=[w for w in went if not w.came and not w.left],
        changed=[w for w in went if w.came or w.left],
        appeared=[new for new in after if new not in known_new | in_merged],
        vanished=[old for old in before if old not in known_old | in_split],
        split=split,
        merged=merged,
    )


def carry_on(before: Mapping[str, Members], after: list[Members]) -> list[str]:
    """A name for each new group: that of the group it goes on from, else the next free one.

    Names are « G1 », « G2 » …; a name is never given again while its group is known.
    """
    fresh = {f"{i}": members for i, members in enumerate(after)}
    kept = {int(new): old for old, new in _pairs(before, fresh)}
    number = max((int(name[1:]) for name in before), default=0)
    names = []
    for i in range(len(after)):
        if i not in kept:
            number += 1
        names.append(kept.get(i, f"G{number}"))
    return names


def _pairs(before: Mapping[str, Members], after: Mapping[str, Members]) -> list[tuple[str, str]]:
    """Each old group with the new one it goes on as: best Jaccard first, each once."""
    found = []
    for i, (old, members) in enumerate(before.items()):
        for j, (new, there) in enumerate(after.items()):
            shared = len(members & there)
            if shared > SHARE * min(len(members), len(there)) and shared > 0:
                found.append((-shared / len(members | there), i, j, old, new))
    taken_old: set[str] = set()
    taken_new: set[str] = set()
    pairs = []
    for *_, old, new in sorted(found):
        if old not in taken_old and new not in taken_new:
            taken_old.add(old)
            taken_new.add(new)
            pairs.append((old, new))
    order = {old: i for i, old in enumerate(before)}
    return sorted(pairs, key=lambda pair: order[pair[0]])


def _is_part(members: Members, there: Members) -> bool:
    shared = len(members & there)
    return shared >= 2 and shared >= PART * len(members)


def _went(before: Mapping[str, Members], after: Mapping[str, Members], old: str, new: str) -> Went:
    return Went(old, new, came=len(after[new] - before[old]), left=len(before[old] - after[new]))
