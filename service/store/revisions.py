"""The one counter that numbers every change, and the epoch of the database."""

import secrets
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.tables import Revision


class Mark(NamedTuple):
    """Where the database is: the last number given, and which database this is."""

    revision: int
    epoch: str


# Of the table, not of its class: asked before each search, and a third as long on its way.
MARK = select(*Revision.__table__.c["value", "epoch"])


def take_revisions(session: Session, count: int) -> range:
    """Reserve `count` numbers for this transaction.

    The row stays locked until the commit, so numbers become visible in their order.
    """
    last = session.execute(
        update(Revision).values(value=Revision.value + count).returning(Revision.value)
    ).scalar_one()
    return range(last - count + 1, last + 1)


def current_mark(session: Session) -> Mark:
    """The last number given and the epoch."""
    return Mark(*session.execute(MARK).one())


def renew_epoch(session: Session) -> None:
    """Make this a database that no index was made of."""
    session.execute(update(Revision).values(epoch=secrets.token_hex(16)))
