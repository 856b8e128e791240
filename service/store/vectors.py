"""Vectors kept by model fingerprint and text hash, so that nothing is embedded twice."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, delete, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from matcher.statements import passage
from service.store.readings import hold_texts
from service.store.statements import CHUNK, texts_there
from service.tables import StatementRow, Vector


def texts_without_vector(session: Session, fingerprint: str, *, since: int = 0) -> dict[str, str]:
    """Passages by their hash, changed after a revision, that this model has not embedded yet."""
    rows = session.execute(
        select(StatementRow.text_hash, StatementRow.title, StatementRow.text)
        .where(_lacks_vector(fingerprint), StatementRow.revision > since)
        .order_by(StatementRow.id)
    )
    return {row.text_hash: passage(row.title, row.text) for row in rows}


def lacks_vectors(session: Session, fingerprint: str) -> bool:
    """Whether this model has a text left to embed."""
    query = select(StatementRow.id).where(_lacks_vector(fingerprint)).limit(1)
    return session.execute(query).first() is not None


def keep_vectors(
    session: Session, fingerprint: str, hashes: Sequence[str], vectors: NDArray[np.float32]
) -> None:
    """Store unit rows `(len(hashes), dim)`, leaving out hashes that are already there.

    Another process may embed the same texts at the same moment: the first one stays.
    """
    rows = [
        {"fingerprint": fingerprint, "text_hash": text_hash, "row": row.tobytes()}
        for text_hash, row in zip(hashes, vectors, strict=True)
    ]
    if rows:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(postgresql.insert(Vector).on_conflict_do_nothing(), rows)
        else:
            session.execute(sqlite.insert(Vector).on_conflict_do_nothing(), rows)


def keep_vectors_of_texts(
    session: Session, fingerprint: str, hashes: Sequence[str], vectors: NDArray[np.float32]
) -> None:
    """The same for what people wrote: only of texts that are still there.

    One that was masked or deleted while it was embedded leaves nothing behind.
    """
    hold_texts(session)
    there = texts_there(session, hashes)
    kept = [i for i, text_hash in enumerate(hashes) if text_hash in there]
    keep_vectors(session, fingerprint, [hashes[i] for i in kept], vectors[kept])


def stored_vectors(
    session: Session, fingerprint: str, hashes: Iterable[str]
) -> Mapping[str, NDArray[np.float32]]:
    """Stored rows by text hash; those never embedded are missing."""
    wanted = sorted(set(hashes))
    found: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = session.execute(
            select(Vector.text_hash, Vector.row).where(
                Vector.fingerprint == fingerprint,
                Vector.text_hash.in_(wanted[start : start + CHUNK]),
            )
        )
        found.update({row.text_hash: np.frombuffer(row.row, dtype=np.float32) for row in rows})
    return found


def count_without_sentences(session: Session, fingerprint: str) -> int:
    """How many texts lack the vectors of their sentences."""
    count = select(func.count(Vector.text_hash.distinct()))
    return session.execute(count.where(*_lacks_sentences(fingerprint))).scalar_one()


def texts_without_sentences(
    session: Session, fingerprint: str, *, after: str, limit: int
) -> dict[str, str]:
    """The first texts that lack the vectors of their sentences, after a hash, by their hash."""
    rows = session.execute(
        select(Vector.text_hash, StatementRow.title, StatementRow.text)
        .where(*_lacks_sentences(fingerprint), Vector.text_hash > after)
        .order_by(Vector.text_hash)
        .limit(limit)
    )
    return {row.text_hash: passage(row.title, row.text) for row in rows}


def keep_sentences(
    session: Session, fingerprint: str, rows: Mapping[str, NDArray[np.float16]]
) -> None:
    """Store the vectors of sentences `(n, dim)` by text hash, of texts that are still there."""
    session.execute(
        update(Vector),
        [
            {"fingerprint": fingerprint, "text_hash": text_hash, "sentences": part.tobytes()}
            for text_hash, part in rows.items()
        ],
    )


def stored_sentences(
    session: Session, fingerprint: str, hashes: Iterable[str], *, dim: int
) -> dict[str, NDArray[np.float16]]:
    """The vectors of sentences `(n, dim)` by text hash; those never embedded are missing."""
    rows = session.execute(
        select(Vector.text_hash, Vector.sentences).where(
            Vector.fingerprint == fingerprint,
            Vector.text_hash.in_(sorted(set(hashes))),
            Vector.sentences.is_not(None),
        )
    )
    return {
        row.text_hash: np.frombuffer(row.sentences, dtype=np.float16).reshape(-1, dim)
        for row in rows
    }


def forget_vectors(session: Session, fingerprint: str) -> None:
    """Drop a model's vectors: they are computed again from the texts."""
    session.execute(delete(Vector).where(Vector.fingerprint == fingerprint))


def _lacks_vector(fingerprint: str) -> ColumnElement[bool]:
    has_vector = exists().where(
        Vector.fingerprint == fingerprint, Vector.text_hash == StatementRow.text_hash
    )
    return and_(StatementRow.deleted.is_(False), ~has_vector)


def _lacks_sentences(fingerprint: str) -> list[ColumnElement[bool]]:
    return [
        Vector.fingerprint == fingerprint,
        Vector.sentences.is_(None),
        StatementRow.text_hash == Vector.text_hash,
        StatementRow.deleted.is_(False),
    ]
