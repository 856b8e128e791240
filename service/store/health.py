"""Reads that say whether the database is whole."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import String, column, func, inspect, select, table, text
from sqlalchemy.orm import Session

from matcher.statements import passage
from service.store.statements import hash_text
from service.tables import StatementRow, Vector


def broken_storage(session: Session) -> list[str]:
    """What the database engine itself finds wrong with its files; none known on PostgreSQL."""
    if session.get_bind().dialect.name != "sqlite":
        return []
    rows = session.execute(text("PRAGMA integrity_check")).scalars().all()
    return [f"base endommagée : {row}" for row in rows if row != "ok"]


def broken_references(session: Session) -> Iterator[str]:
    """Rows that point at nothing, and texts that no longer are what was stored."""
    if session.get_bind().dialect.name == "sqlite":
        for row in session.execute(text("PRAGMA foreign_key_check")):
            yield f"ligne {row[1]} de {row[0]} : renvoie à une ligne absente de {row[2]}"
    rows = session.execute(
        select(StatementRow.id, StatementRow.title, StatementRow.text, StatementRow.text_hash)
    )
    for row in rows:
        if hash_text(passage(row.title, row.text)) != row.text_hash:
            yield f"contribution {row.id} : le texte a été altéré hors du logiciel"


def live_statements(session: Session) -> dict[int, tuple[int, str]]:
    """(revision, text hash) of every statement that is not deleted, by id."""
    rows = session.execute(
        select(StatementRow.id, StatementRow.revision, StatementRow.text_hash).where(
            StatementRow.deleted.is_(False)
        )
    )
    return {row.id: (row.revision, row.text_hash) for row in rows}


def deleted_after(session: Session, revision: int) -> set[int]:
    """The statements deleted after a revision: an index of then still knows them."""
    rows = session.execute(
        select(StatementRow.id).where(
            StatementRow.deleted.is_(True), StatementRow.revision > revision
        )
    )
    return set(rows.scalars())


def count_rows(session: Session) -> dict[str, int]:
    """How many rows each table has, whatever the version of the tables."""
    names = inspect(session.connection()).get_table_names()
    return {
        name: session.execute(select(func.count()).select_from(table(name))).scalar_one()
        for name in sorted(names)
    }


def vector_sizes(session: Session, fingerprint: str) -> list[int]:
    """The distinct sizes in bytes of a model's stored vectors."""
    size = func.length(Vector.row)
    rows = session.execute(
        select(size).where(Vector.fingerprint == fingerprint).distinct().order_by(size)
    )
    return list(rows.scalars())


def sample_vectors(
    session: Session, fingerprint: str, count: int
) -> list[tuple[int, str, NDArray[np.float32]]]:
    """(statement, passage, stored row) of some statements, the same at each call.

    Hashes are as good as random: the first ones are a fair sample.
    """
    rows = session.execute(
        select(StatementRow.id, StatementRow.title, StatementRow.text, Vector.row)
        .join(Vector, Vector.text_hash == StatementRow.text_hash)
        .where(Vector.fingerprint == fingerprint, StatementRow.deleted.is_(False))
        .order_by(StatementRow.text_hash, StatementRow.id)
        .limit(count)
    )
    return [
        (row.id, passage(row.title, row.text), np.frombuffer(row.row, dtype=np.float32))
        for row in rows
    ]


def jobs_by_state(session: Session) -> dict[str, int]:
    """How many jobs are in each state; none where this database keeps no jobs."""
    if not inspect(session.connection()).has_table("job"):
        return {}
    state = column("state", String)
    rows = session.execute(select(state, func.count()).select_from(table("job")).group_by(state))
    return {row[0]: row[1] for row in rows}
