"""Which statements a search may answer with: kept between searches, and brought up to date."""

from collections.abc import Collection

import numpy as np

from indexes.contract import Ids
from service.database import read
from service.recent import Filter
from service.resources import Resources
from service.store.revisions import Mark
from service.store.scope import scope_of
from service.store.statements import changed_ids, searchable_ids


def searchable(
    resources: Resources,
    mark: Mark,
    *,
    sociopole: int | None,
    kinds: Collection[str] = (),
    sector: str = "",
) -> Ids:
    """The numbers of statements of this kind that may be seen, ascending, at `mark` or later.

    Only what changed since the last time is read again, through the same rule as everything that
    is read (`service.store.scope`).
    """
    recent = resources.recent
    with read(resources.engine) as session:
        key = (scope_of(session), sociopole, tuple(sorted(kinds)), sector)
        known = recent.get(recent.searchable, key)
        if known and known.mark == mark:
            return known.ids
    since = known.mark.revision if known and known.mark.epoch == mark.epoch else 0
    gone: list[int] = []
    if since:
        # Whoever asks may not see any longer what changed: it is looked for by the program itself,
        # and first, so that what changes meanwhile is at worst looked at once more.
        with read(resources.unscoped().engine) as session:
            gone = changed_ids(session, since=since)
    with read(resources.engine) as session:
        found = searchable_ids(
            session, sociopole_id=sociopole, kinds=kinds, sector=sector, since=since
        )
    ids = np.array(found, dtype=np.int64)
    if known and since:
        ids = np.union1d(np.setdiff1d(known.ids, gone, assume_unique=True), ids)
    ids.flags.writeable = False
    return recent.put(recent.searchable, key, Filter(mark, ids)).ids
