"""How transversal a group is: how many sectors it crosses, and how far apart they are."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from matcher.statements import College, Statement

SAME_FAMILY, ELSEWHERE = 0.4, 1.0
"""Distance of two entries in the tree of an official list, as in `matcher.bars.sector_gap`."""


class Reach(NamedTuple):
    """What a group crosses.

    `sectors` and `disciplines` are Rao-Stirling diversities, from 0 (all the same) towards 1 (as
    many worlds as members, far apart); `transversality` is the mean distance with both together.
    `is_local`: one family of sectors and one territory.
    """

    transversality: float
    sectors: float
    disciplines: float
    is_local: bool


def measure_reach(statements: Sequence[Statement], territories: Sequence[str]) -> Reach:
    """The reach of a group, from its members and the territory each is of.

    Rao-Stirling diversity (Rao 1982; Stirling 2007): the sum over pairs of different sectors of
    their shares' product times their distance. A sector that is not known counts for nothing.
    """
    sectors = [s.sector for s in statements if s.sector and s.college != College.ACADEMIC]
    fields = [s.discipline for s in statements if s.discipline and s.college == College.ACADEMIC]
    worlds = [f"rna:{code}" for code in sectors] + [f"hal:{code}" for code in fields]
    families = {family(world) for world in worlds}
    return Reach(
        rao_stirling(worlds, tree_distance),
        rao_stirling([f"rna:{code}" for code in sectors], tree_distance),
        rao_stirling([f"hal:{code}" for code in fields], tree_distance),
        is_local=len(families) <= 1 and len(set(territories)) <= 1,
    )


def rao_stirling(members: Sequence[str], distance: Callable[[str, str], float]) -> float:
    """The mean distance of two members drawn at random, with return. From 0 to under 1."""
    counts = Counter(members)
    n = counts.total()
    total = sum(
        count * other * distance(a, b)
        for a, count in counts.items()
        for b, other in counts.items()
        if a != b
    )
    return total / n**2 if n else 0.0


def tree_distance(left: str, right: str) -> float:
    """How far apart two entries are: `rna:` six digits or `hal:` dotted code before each."""
    if left == right:
        return 0.0
    return SAME_FAMILY if family(left) == family(right) else ELSEWHERE


def family(world: str) -> str:
    """The topmost parent: three digits of an RNA code, the first part of a HAL code."""
    official, _, code = world.partition(":")
    return f"{official}:{code[:3] if official == 'rna' else code.partition('.')[0]}"
