"""Questions that people keep: read and written by their owner alone."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from service.errors import NotFound
from service.tables import SavedAnswer, SavedQuery


@dataclass(frozen=True, slots=True)
class QueryView:
    """A kept question, and how many of its answers its owner has not looked at yet."""

    id: int
    account: int
    at: dt.datetime
    text: str
    limits: Mapping[str, Any]
    by_mail: bool
    revision: int
    new: int = 0


class AnswerView(NamedTuple):
    """A statement that meets a kept question."""

    statement: int
    at: dt.datetime
    sentence: str
    is_new: bool
    is_mailed: bool


def add_query(session: Session, query: QueryView, stop_hash: str) -> int:
    """Write a question, but for its own number; returns its number."""
    row = SavedQuery(
        account_id=query.account,
        at=query.at,
        text=query.text,
        limits=dict(query.limits),
        by_mail=query.by_mail,
        stop_hash=stop_hash,
        revision=query.revision,
    )
    session.add(row)
    session.flush()
    return row.id


def list_queries(session: Session, account_id: int | None = None) -> list[QueryView]:
    """The questions of an account, or everyone's, by number."""
    new = (
        select(SavedAnswer.query_id, func.count().label("n"))
        .where(SavedAnswer.is_new)
        .group_by(SavedAnswer.query_id)
        .subquery()
    )
    query = (
        select(SavedQuery, func.coalesce(new.c.n, 0))
        .join(new, new.c.query_id == SavedQuery.id, isouter=True)
        .order_by(SavedQuery.id)
    )
    if account_id is not None:
        query = query.where(SavedQuery.account_id == account_id)
    return [_view(row, count) for row, count in session.execute(query)]


def get_query(session: Session, account_id: int, query_id: int) -> QueryView:
    """One question of an account. Raises NotFound where it has none of this number."""
    for view in list_queries(session, account_id):
        if view.id == query_id:
            return view
    raise NotFound(f"Vous n'avez pas de recherche gardée {query_id}.")


def set_by_mail(session: Session, query_id: int, *, by_mail: bool) -> None:
    """Tell of new answers by mail, or no longer."""
    session.execute(update(SavedQuery).where(SavedQuery.id == query_id).values(by_mail=by_mail))


def stop_mails_of(session: Session, account_id: int) -> int:
    """Tell an account of nothing more by mail; returns of how many questions it was told."""
    stopped = session.execute(
        update(SavedQuery)
        .where(SavedQuery.account_id == account_id, SavedQuery.by_mail)
        .values(by_mail=False)
        .returning(SavedQuery.id)
    )
    return len(stopped.all())


def owner_by_stop(session: Session, stop_hash: str) -> int | None:
    """The account whose mails this secret stops."""
    return session.execute(
        select(SavedQuery.account_id).where(SavedQuery.stop_hash == stop_hash)
    ).scalar_one_or_none()


def renew_stop(session: Session, query_id: int, stop_hash: str) -> None:
    """Another secret to stop the mails by: each mail carries one, and only hashes are kept."""
    session.execute(update(SavedQuery).where(SavedQuery.id == query_id).values(stop_hash=stop_hash))


def drop_query(session: Session, query_id: int) -> None:
    """Forget a question and its answers."""
    session.execute(delete(SavedAnswer).where(SavedAnswer.query_id == query_id))
    session.execute(delete(SavedQuery).where(SavedQuery.id == query_id))


def answers_of(session: Session, query_id: int) -> list[AnswerView]:
    """What was found for a question, the latest first."""
    rows = session.execute(
        select(SavedAnswer)
        .where(SavedAnswer.query_id == query_id)
        .order_by(SavedAnswer.at.desc(), SavedAnswer.statement_id)
    ).scalars()
    return [
        AnswerView(row.statement_id, row.at, row.sentence, row.is_new, row.mailed_at is not None)
        for row in rows
    ]


def add_answers(
    session: Session,
    query_id: int,
    found: Sequence[tuple[int, str]],
    at: dt.datetime,
    *,
    is_new: bool,
    revision: int,
) -> None:
    """Write what was found, as (statement, sentence), and how far it was looked for."""
    rows = [
        {
            "query_id": query_id,
            "statement_id": statement,
            "at": at,
            "sentence": sentence,
            "is_new": is_new,
            "mailed_at": None if is_new else at,
        }
        for statement, sentence in found
    ]
    if rows:
        session.execute(insert(SavedAnswer), rows)
    session.execute(update(SavedQuery).where(SavedQuery.id == query_id).values(revision=revision))


def mark_looked_at(session: Session, query_id: int) -> None:
    """Its owner has seen the answers."""
    session.execute(
        update(SavedAnswer).where(SavedAnswer.query_id == query_id).values(is_new=False)
    )


def mark_mailed(
    session: Session, query_id: int, statements: Sequence[int], at: dt.datetime
) -> None:
    """These answers were told by mail."""
    session.execute(
        update(SavedAnswer)
        .where(SavedAnswer.query_id == query_id, SavedAnswer.statement_id.in_(list(statements)))
        .values(mailed_at=at)
    )


def _view(row: SavedQuery, new: int) -> QueryView:
    return QueryView(
        row.id, row.account_id, row.at, row.text, row.limits, row.by_mail, row.revision, new
    )
