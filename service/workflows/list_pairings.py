"""List pairings through a filter, a page at a time."""

import datetime as dt
import re
from itertools import islice
from typing import Any

from service.database import now, read
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.decisions import Pair
from service.store.pairings import run_head
from service.store.proposed import Filter
from service.store.sociopoles import get_sociopole
from service.store.statements import statements_by_id
from service.workflows.filter_pairings import (
    PAIRING_ID,
    check_filter,
    filter_pairings,
    read_pairing_id,
    read_standing,
    write_pairing_id,
)
from service.workflows.show import show_pairing

MOST_LISTED = 200
CURSOR = re.compile(rf"([0-9]{{1,18}})\.({PAIRING_ID.pattern})")


def list_pairings(
    resources: Resources,
    slug: str,
    wanted: Filter | None = None,
    *,
    after: str | None = None,
    limit: int = 50,
    today: dt.date | None = None,
) -> dict[str, Any]:
    """At most `limit` pairings, and `next`: what to give as `after` for those that follow.

    The pages of one list are of one run, whatever is made meanwhile. What was decided of pairings
    that the run no longer proposes is listed last, without a rank, where the filter asks for its
    state. Raises NotFound where no run was made, Refused for what is no page.
    """
    if not 1 <= limit <= MOST_LISTED:
        raise Refused(f"Demandez de 1 à {MOST_LISTED} rapprochements (reçu : {limit}).")
    wanted = check_filter(resources, wanted or Filter())
    number, last = _read_cursor(after) if after else (None, None)
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        run = run_head(session, sociopole.id, number)
        if run is None and after:
            raise _no_cursor(after)
        if run is None:
            raise NotFound(
                "Aucun rapprochement n'a encore été proposé : "
                f"lancez « sociopoles suggest {slug} »."
            )
        standing = read_standing(session, sociopole.id, today or now().date())
        found = filter_pairings(session, sociopole.id, run.id, wanted, standing, after=last)
        page = list(islice(found, limit + 1))
        shown = page[:limit]
        ids = {i for one in shown for i in (*one.pair, *one.pairing.alternates)}
        views = {v.statement.id: v for v in statements_by_id(session, sorted(ids))}
    cursor = f"{run.id}.{write_pairing_id(shown[-1].pair)}" if len(page) > limit else None
    return {
        "sociopole": slug,
        "run": run.id,
        "at": run.at.isoformat(timespec="seconds"),
        "pairings": [show_pairing(one.pairing, views, standing) for one in shown],
        "next": cursor,
    }


def _read_cursor(written: str) -> tuple[int, Pair]:
    read = CURSOR.fullmatch(written)
    if read is None:
        raise _no_cursor(written)
    return int(read[1]), read_pairing_id(read[2])


def _no_cursor(written: str) -> Refused:
    return Refused(f"« {written} » n'est pas une suite de cette liste : reprenez au début.")
