"""Pairings as they are looked for: by rank, by their ends, or by a filter."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from matcher.statements import Kind
from service.store.decisions import Pair, Read
from service.store.pairings import PairingView, view_pairing
from service.store.statements import text_hashes
from service.tables import Pairing, Run, StatementRow

CHUNK = 400
"""Rows read at a time; pairs in one IN list, whose four values SQLite may count against 999."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which pairings: what is left empty lets all through.

    `state` is what stands of a pairing, or "undecided". `sector` is an RNA code of either side, a
    family if it ends in 000. `ranks` and `scores` are least and most, both let through; `least` is
    the least value by bar.
    """

    state: str = ""
    kinds: tuple[Kind, Kind] | None = None
    sector: str = ""
    ranks: tuple[int, int] | None = None
    scores: tuple[float, float] | None = None
    least: Mapping[str, float] = field(default_factory=dict)


class Found(NamedTuple):
    """A proposed pair, and what a decision on it keeps of what was read."""

    pairing: PairingView
    read: Read

    @property
    def pair(self) -> Pair:
        """Its two statements, the lower first."""
        return self.read.pair


def find_in_run(
    session: Session, run: int, wanted: Filter, *, after_rank: int = 0
) -> Iterator[Found]:
    """The pairings of a run that the filter lets through but for its state, by rank."""
    conditions = [Pairing.run_id == run, *_conditions(wanted)]
    while True:
        found = _find(
            session,
            _pairings(*conditions, Pairing.rank > after_rank).order_by(Pairing.rank).limit(CHUNK),
        )
        yield from found
        if len(found) < CHUNK:
            return
        after_rank = found[-1].pairing.rank


def find_ranks(session: Session, run: int, ranks: Sequence[int]) -> dict[int, Found]:
    """The pairings of a run at these ranks, where there are."""
    found: dict[int, Found] = {}
    for start in range(0, len(ranks), CHUNK):
        at_ranks = Pairing.rank.in_(list(ranks[start : start + CHUNK]))
        of_run = _find(session, _pairings(Pairing.run_id == run, at_ranks))
        found |= {one.pairing.rank: one for one in of_run}
    return found


def find_pairs(
    session: Session,
    sociopole_id: int,
    run: int,
    pairs: Sequence[Pair],
    wanted: Filter | None = None,
) -> dict[Pair, Found]:
    """Each pair as it was proposed last, in this run or before; rank 0 where it was before."""
    found: dict[Pair, Found] = {}
    both_ways = [ends for a, b in pairs for ends in ((a, b), (b, a))]
    for start in range(0, len(both_ways), CHUNK):
        ends = tuple_(Pairing.left_id, Pairing.right_id).in_(both_ways[start : start + CHUNK])
        last = (
            select(Pairing.left_id, Pairing.right_id, func.max(Pairing.run_id).label("run_id"))
            .join(Run, Run.id == Pairing.run_id)
            .where(Run.sociopole_id == sociopole_id, Run.id <= run, ends)
            .group_by(Pairing.left_id, Pairing.right_id)
            .subquery()
        )
        at_last = and_(
            last.c.left_id == Pairing.left_id,
            last.c.right_id == Pairing.right_id,
            last.c.run_id == Pairing.run_id,
        )
        at_their_last = _pairings(*_conditions(wanted or Filter())).join(last, at_last)
        # From one run to another a pair may have changed sides: the last stands.
        for one in _find(session, at_their_last.order_by(Pairing.run_id), looked_at=run):
            found[one.pair] = one
    return found


def rank_of(session: Session, run: int, pair: Pair) -> int | None:
    """The rank of a pair in a run."""
    ends = tuple_(Pairing.left_id, Pairing.right_id).in_([pair, pair[::-1]])
    return session.execute(
        select(Pairing.rank).where(Pairing.run_id == run, ends)
    ).scalar_one_or_none()


def _pairings(*conditions: ColumnElement[bool]) -> "Select[Any, Any]":
    """Pairings whose two statements are still there."""
    return (
        select(Pairing, Run.fingerprint)
        .join(Run, Run.id == Pairing.run_id)
        .where(_is_one(Pairing.left_id), _is_one(Pairing.right_id), *conditions)
    )


def _find(
    session: Session, wanted: "Select[Any, Any]", looked_at: int | None = None
) -> list[Found]:
    """Read them; those of another run than the one that is looked at have no rank."""
    rows = session.execute(wanted).all()
    ends = {end for pairing, _ in rows for end in (pairing.left_id, pairing.right_id)}
    hashes = text_hashes(session, sorted(ends))
    found = []
    for pairing, model in rows:
        view = view_pairing(pairing)
        if looked_at not in {None, pairing.run_id}:
            view = replace(view, rank=0)
        read = Read(view.left, view.right, hashes[view.left], hashes[view.right], view.bars, model)
        found.append(Found(view, read))
    return found


def _conditions(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    left, right = Pairing.left_id, Pairing.right_id
    if wanted.kinds:
        one, other = (StatementRow.kind == kind for kind in wanted.kinds)
        yield or_(
            and_(_is_one(left, one), _is_one(right, other)),
            and_(_is_one(left, other), _is_one(right, one)),
        )
    if wanted.sector:
        is_family = wanted.sector.endswith("000")
        column = StatementRow.sector
        within = column.startswith(wanted.sector[:3]) if is_family else column == wanted.sector
        yield or_(_is_one(left, within), _is_one(right, within))
    if wanted.ranks:
        yield Pairing.rank.between(*wanted.ranks)
    if wanted.scores:
        yield Pairing.score.between(*wanted.scores)
    for bar, least in wanted.least.items():
        yield Pairing.bars[bar].as_float() >= least


def _is_one(
    column: InstrumentedAttribute[int], *conditions: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Whether a column names a statement that is there and is so."""
    # Not a join to an alias of the table, which the rules of store.scope would not reach.
    return column.in_(select(StatementRow.id).where(StatementRow.deleted.is_(False), *conditions))
