"""Requests that must not be done twice: a key is claimed in the transaction of what is done."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.tables import Once


class Done(NamedTuple):
    """What was answered; `status` is None while the answer is still being written."""

    request_hash: str
    status: int | None
    media_type: str
    body: bytes


class AlreadyClaimed(Exception):  # noqa: N818 - says what happened
    """Another request of this key has done it meanwhile."""


def find_done(session: Session, key_hash: str) -> Done | None:
    """What was done under this key."""
    row = session.get(Once, key_hash)
    return Done(row.request_hash, row.status, row.media_type, row.body) if row else None


def claim(session: Session, key_hash: str, request_hash: str, at: dt.datetime) -> None:
    """Take the key for this transaction, or raise AlreadyClaimed."""
    row = {
        "key_hash": key_hash,
        "request_hash": request_hash,
        "at": at,
        "status": None,
        "media_type": "",
        "body": b"",
    }
    try:
        session.execute(insert(Once), [row])
    except IntegrityError as error:
        raise AlreadyClaimed from error


def is_claimed(session: Session, key_hash: str) -> bool:
    """Whether this key was taken already, perhaps in this very transaction."""
    return session.execute(select(Once.at).where(Once.key_hash == key_hash)).first() is not None


def keep_answer(
    session: Session, key_hash: str, *, status: int, media_type: str, body: bytes
) -> None:
    """Keep what was answered, for whoever asks again."""
    session.execute(
        update(Once)
        .where(Once.key_hash == key_hash)
        .values(status=status, media_type=media_type, body=body)
    )


def drop_old(session: Session, before: dt.datetime) -> int:
    """Forget keys older than this; returns how many."""
    return len(session.execute(delete(Once).where(Once.at < before).returning(Once.at)).all())
