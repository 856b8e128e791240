"""What is grouped: statements of one or more sociopôles with their vectors, and who may answer."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from indexes.faiss_index import FaissIndex
from matcher.encoder import Vectors
from matcher.fusion import Neighbours
from matcher.statements import Kind
from service.errors import Refused
from service.resources import Resources
from service.store.sociopoles import SociopoleView, get_sociopole
from service.store.statements import StatementView, statements_of
from service.store.vectors import stored_vectors

ANSWERING = (Kind.INTEREST, Kind.COURSE)


@dataclass(frozen=True, slots=True)
class Material:
    """Statements to group, by id, and those that may answer; `content` is a hash of it all."""

    sociopole: SociopoleView
    views: Sequence[StatementView]
    vectors: Vectors
    partners: Sequence[StatementView]
    partner_vectors: Vectors
    content: str

    @property
    def texts(self) -> list[str]:
        """The texts that are grouped."""
        return [view.statement.passage for view in self.views]

    @property
    def position(self) -> dict[int, int]:
        """Where each statement stands in `views`."""
        return {view.statement.id: i for i, view in enumerate(self.views)}


def gather(
    resources: Resources, session: Session, slugs: Sequence[str], kinds: Sequence[Kind]
) -> Material:
    """Read what is to be grouped; the first slug is the sociopôle the grouping belongs to."""
    sociopoles = [get_sociopole(session, slug) for slug in dict.fromkeys(slugs)]
    views: list[StatementView] = []
    partners: list[StatementView] = []
    for sociopole in sociopoles:
        views += statements_of(session, sociopole.id, kinds)
        partners += statements_of(session, sociopole.id, ANSWERING)
    fingerprint = resources.encoder.fingerprint
    rows = stored_vectors(session, fingerprint, [v.text_hash for v in (*views, *partners)])
    # What another process imported since the catch-up has no vector yet: it is for the next run.
    views = sorted((v for v in views if v.text_hash in rows), key=lambda v: v.statement.id)
    partners = sorted((v for v in partners if v.text_hash in rows), key=lambda v: v.statement.id)

    def stack(found: Sequence[StatementView]) -> Vectors:
        if not found:
            return np.empty((0, resources.encoder.dim), dtype=np.float32)
        return np.stack([rows[view.text_hash] for view in found])

    return Material(
        sociopoles[0], views, stack(views), partners, stack(partners), _hash(views, partners)
    )


def nearest_by_index(rows: Vectors, k: int) -> Neighbours:
    """The `k` nearest other rows of each, through an index made for these rows."""
    index = FaissIndex(rows.shape[1])
    here = np.arange(len(rows), dtype=np.int64)
    index.put(here, rows)
    found, cosines = index.search_arrays(rows, k + 1)
    order = np.argsort(found == here[:, None], axis=1, kind="stable")[:, :k]
    return Neighbours(
        np.take_along_axis(found, order, axis=1), np.take_along_axis(cosines, order, axis=1)
    )


def parse_kinds(text: str) -> tuple[Kind, ...]:
    """Read « problem,offer ». Raises Refused naming what is not a kind."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if wrong := [name for name in names if name not in set(Kind)]:
        raise Refused(
            f"« {wrong[0]} » n'est pas une nature de contribution. Natures possibles : "
            + ", ".join(Kind)
            + "."
        )
    return tuple(sorted({Kind(name) for name in names})) or (Kind.PROBLEM,)


def group_name(written: str) -> str:
    """« g3 », « 3 » and « G3 » are one name."""
    return f"G{written.strip().lstrip('gG')}"


def _hash(views: Sequence[StatementView], partners: Sequence[StatementView]) -> str:
    content = hashlib.sha256()
    for view in (*views, *partners):
        s = view.statement
        line = (s.id, view.text_hash, s.organisation, s.college, s.sector, s.discipline)
        content.update(repr((*line, view.sociopole)).encode())
    return content.hexdigest()
