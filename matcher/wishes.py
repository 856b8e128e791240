"""What people decided about groups, replayed: constraints of a new run, edits of one at hand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

Members = frozenset[int]


class Action(StrEnum):
    """What a person does to a group."""

    RENAME = "rename"
    MERGE = "merge"
    SPLIT = "split"
    MOVE = "move"
    TAKE_OUT = "take-out"
    LOCK = "lock"
    UNLOCK = "unlock"


@dataclass(frozen=True, slots=True)
class Edit:
    """One decision, in the statements it was about: groups change from run to run, these do not.

    `groups` are the members of the groups it names, as they were when it was made: the renamed or
    locked one; those merged; the two parts of a split; the group left (empty for none) and the one
    entered by a move. `statement` is the one moved or taken out, `anchor` the most central of the
    group it enters.
    """

    number: int
    action: Action
    groups: tuple[Members, ...]
    title: str = ""
    statement: int = 0
    anchor: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """All that holds after some edits, the last word winning.

    `together` are disjoint sets; no set holds members of both sides of a pair of `apart`.
    """

    together: tuple[Members, ...] = ()
    apart: tuple[tuple[Members, Members], ...] = ()
    locked: tuple[Members, ...] = ()
    alone: Members = frozenset()
    titles: tuple[tuple[Members, str], ...] = ()

    def among(self, statements: Members) -> "Decided":
        """The same for these statements alone; what is about others is left out."""
        apart = [(a & statements, b & statements) for a, b in self.apart]
        return Decided(
            tuple(m & statements for m in self.together if len(m & statements) > 1),
            tuple((a, b) for a, b in apart if a and b),
            tuple(m & statements for m in self.locked if len(m & statements) > 1),
            self.alone & statements,
            tuple((m & statements, title) for m, title in self.titles if m & statements),
        )


def decide(edits: Iterable[Edit], living: Members | None = None) -> Decided:
    """What holds after all of them, in their order; for `living` statements alone, if given."""
    decided = Decided()
    for edit in edits:
        if living is not None and edit.action == Action.MOVE and edit.anchor not in living:
            # The centre it followed is gone: another of the group it entered stands for it.
            rest = (edit.groups[1] - {edit.statement}) & living
            edit = replace(edit, anchor=min(rest, default=edit.anchor))
        decided = _RULES[edit.action](decided, edit)
    return decided if living is None else decided.among(living)


def apply(groups: Sequence[Members], edits: Iterable[Edit]) -> list[Members]:
    """Groups as they stand after edits made on them; what no edit names stays as it is."""
    current = list(groups)
    for edit in edits:
        if edit.action == Action.MERGE:
            named = frozenset().union(*edit.groups)
            mostly = [g for g in current if 2 * len(g & named) > len(g)]
            current = [g - named for g in current if g not in mostly]
            current.append(named.union(*mostly))
        elif edit.action == Action.SPLIT:
            part = edit.groups[0]
            current = [g - part for g in current] + [part]
        elif edit.action in {Action.MOVE, Action.TAKE_OUT}:
            current = [g - {edit.statement} for g in current]
            if edit.action == Action.MOVE:
                entered = max(current, key=lambda g: len(g & edit.groups[1]), default=frozenset())
                if entered & edit.groups[1]:
                    current[current.index(entered)] = entered | {edit.statement}
    return [g for g in current if len(g) > 1 or (g and _was_made(g, edits))]


def best_titles(
    groups: Sequence[Members], titles: Iterable[tuple[Members, str]]
) -> tuple[dict[int, str], list[str]]:
    """The title each group keeps, and those that no group is any more.

    A title stays with the group that holds most of the members it was given to. Where one group
    inherits two, the later wins.
    """
    kept: dict[int, str] = {}
    lost: list[str] = []
    for members, title in titles:
        overlap = [len(group & members) for group in groups]
        best = max(range(len(groups)), key=lambda i: (overlap[i], -i), default=-1)
        if best >= 0 and overlap[best] * 2 > len(members):
            same = [i for i, other in kept.items() if other.casefold() == title.casefold()]
            lost += [kept.pop(i) for i in dict.fromkeys([*same, best]) if i in kept]
            kept[best] = title
        else:
            lost.append(title)
    return kept, lost


def _was_made(group: Members, edits: Iterable[Edit]) -> bool:
    """Whether a person made this group of one: a split may leave one, and it is shown."""
    return any(edit.action == Action.SPLIT and group in edit.groups for edit in edits)


def _rename(decided: Decided, edit: Edit) -> Decided:
    members = edit.groups[0]
    # The title before it was given to most of the same members: the new one takes its place.
    others = [
        (m, t) for m, t in decided.titles if 2 * len(m & members) <= max(len(m), len(members))
    ]
    return replace(decided, titles=(*others, (members, edit.title)))


def _merge(decided: Decided, edit: Edit) -> Decided:
    return _put_together(decided, frozenset().union(*edit.groups))


def _split(decided: Decided, edit: Edit) -> Decided:
    left, right = edit.groups
    parted = _put_apart(decided, left, right)
    return _put_together(_put_together(parted, left), right)


def _move(decided: Decided, edit: Edit) -> Decided:
    moved = edit.statement
    freed = _set_free(decided, moved)
    if rest := edit.groups[0] - {moved}:
        freed = _put_apart(freed, frozenset({moved}), rest)
    return _put_together(freed, frozenset({moved, edit.anchor}))


def _take_out(decided: Decided, edit: Edit) -> Decided:
    freed = _set_free(decided, edit.statement)
    return replace(freed, alone=freed.alone | {edit.statement})


def _lock(decided: Decided, edit: Edit) -> Decided:
    return replace(decided, locked=(*decided.locked, edit.groups[0]))


def _unlock(decided: Decided, edit: Edit) -> Decided:
    kept = tuple(m for m in decided.locked if not m & edit.groups[0])
    return replace(decided, locked=kept)


_RULES = {
    Action.RENAME: _rename,
    Action.MERGE: _merge,
    Action.SPLIT: _split,
    Action.MOVE: _move,
    Action.TAKE_OUT: _take_out,
    Action.LOCK: _lock,
    Action.UNLOCK: _unlock,
}


def _put_together(decided: Decided, members: Members) -> Decided:
    touched = [m for m in decided.together if m & members]
    united = members.union(*touched)
    rest = tuple(m for m in decided.together if not m & members)
    # What was once put apart and is now together: the new word wins.
    apart = [(a - united, b) if a & united and b & united else (a, b) for a, b in decided.apart]
    return replace(
        decided,
        together=(*rest, united) if len(united) > 1 else rest,
        apart=tuple((a, b) for a, b in apart if a and b),
        alone=decided.alone - united,
    )


def _put_apart(decided: Decided, left: Members, right: Members) -> Decided:
    together: list[Members] = []
    for members in decided.together:
        parts = (members - right, members & right) if members & left else (members,)
        together += [part for part in parts if len(part) > 1]
    return replace(decided, together=tuple(together), apart=(*decided.apart, (left, right)))


def _set_free(decided: Decided, statement: int) -> Decided:
    """Nothing said earlier of this statement holds: neither with whom nor without whom."""
    one = frozenset({statement})
    return replace(
        decided,
        together=tuple(m - one for m in decided.together if len(m - one) > 1),
        apart=tuple((a - one, b - one) for a, b in decided.apart if a - one and b - one),
        alone=decided.alone - one,
    )


def as_positions(decided: Decided, place: Mapping[int, int]) -> Decided:
    """The same, each statement by its place; those that have none are left out."""
    known = decided.among(frozenset(place))

    def move(members: Members) -> Members:
        return frozenset(place[i] for i in members)

    return Decided(
        tuple(move(m) for m in known.together),
        tuple((move(a), move(b)) for a, b in known.apart),
        tuple(move(m) for m in known.locked),
        move(known.alone),
    )
