"""The pairings that a filter lets through: to decide on all of them, or to list them."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from matcher.bars import Bars
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.decisions import (
    DecisionView,
    Pair,
    Say,
    list_decisions,
    only_standing,
    ordered,
    pair_versions,
)
from service.store.proposed import Filter, Found, find_in_run, find_pairs, rank_of
from service.workflows.sectors import find_sector

UNDECIDED = "undecided"
STATES = (UNDECIDED, *(say for say in Say if say not in {Say.NOTE, Say.UNDO}))
HIGHEST = 2**31 - 1
"""Rank that a database holds."""
PAIRING_ID = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that was said of a sociopôle's pairings, as of a day."""

    decisions: Sequence[DecisionView]
    last: Mapping[Pair, DecisionView]
    versions: Mapping[Pair, int]
    today: dt.date

    def state(self, found: Found) -> str:
        """What settles a pairing: an action, or "undecided" where nothing does any more."""
        said = self.last.get(found.pair)
        read = found.read
        hashes = {read.left: read.left_hash, read.right: read.right_hash}
        if said is None or not said.holds(found.pair, hashes, self.today):
            return UNDECIDED
        return said.action


def read_standing(session: Session, sociopole_id: int, today: dt.date) -> Standing:
    """What was said until now."""
    decisions = list_decisions(session, sociopole_id)
    return Standing(decisions, only_standing(decisions), pair_versions(decisions), today)


def check_filter(resources: Resources, wanted: Filter) -> Filter:
    """The filter with its sector as a code. Raises Refused for what filters nothing known.

    Not inside a transaction: words for a sector may have to be embedded.
    """
    if wanted.state and wanted.state not in STATES:
        raise Refused(f"« {wanted.state} » n'est pas un état. Choix : {', '.join(STATES)}.")
    if unknown := [bar for bar in wanted.least if bar not in Bars._fields]:
        raise Refused(f"« {unknown[0]} » n'est pas une barre. Choix : {', '.join(Bars._fields)}.")
    bounds = [*wanted.least.values(), *(wanted.scores or ())]
    if not all(0 <= bound <= 1 for bound in bounds):
        raise Refused("Une barre et un score vont de 0 à 1.")
    for band in (wanted.ranks, wanted.scores):
        if band and not 0 <= band[0] <= band[1] <= HIGHEST:
            raise Refused(f"De {band[0]} à {band[1]} : donnez le plus petit d'abord.")
    return replace(wanted, sector=find_sector(resources, wanted.sector))


def filter_pairings(
    session: Session,
    sociopole_id: int,
    run: int,
    wanted: Filter,
    standing: Standing,
    *,
    after: Pair | None = None,
) -> Iterator[Found]:
    """The pairings of a run that a checked filter lets through, by rank, from `after` on.

    Where the filter asks for what was decided, then those that the run no longer proposes, by
    their ends, as they were proposed last.
    """
    rank = rank_of(session, run, after) if after else 0
    if rank is not None:
        for found in find_in_run(session, run, wanted, after_rank=rank):
            if wanted.state in {"", standing.state(found)}:
                yield found
    if wanted.state in {"", UNDECIDED} or wanted.ranks:
        return
    said = [pair for pair, last in standing.last.items() if last.action == wanted.state]
    before = find_pairs(session, sociopole_id, run, said, wanted)
    for pair, found in sorted(before.items()):
        is_after = rank is not None or after is None or pair > after
        if is_after and not found.pairing.rank and standing.state(found) == wanted.state:
            yield found


def write_pairing_id(pair: Pair) -> str:
    """A pairing's name from run to run: its statements, the lower first."""
    return f"{pair[0]}-{pair[1]}"


def read_pairing_id(written: str) -> Pair:
    """The pair of a name such as « 12-34 ». Raises NotFound where it is none."""
    read = PAIRING_ID.fullmatch(written.strip())
    if read is None:
        raise NotFound(
            f"« {written} » ne désigne pas un rapprochement : écrivez par exemple 12-34."
        )
    return ordered(int(read[1]), int(read[2]))
