"""What was read before an erasure is not written after it, nor anything made of it.

Whoever makes something of what people wrote notes where it read it, and holds that in the
transaction that writes: an erasure waits for its end, or came before and is noticed.
"""

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.errors import Overtaken
from service.rgpd.ledger import Asked
from service.tables import Revision, RightsRequest


class Reading(NamedTuple):
    """Which database was read, and how many erasures it had followed."""

    epoch: str
    erasures: int


def note_reading(session: Session) -> Reading:
    """Where this session reads."""
    erasures = select(func.count()).where(RightsRequest.asked == str(Asked.ERASE))
    return Reading(
        session.execute(select(Revision.epoch)).scalar_one(),
        session.execute(erasures).scalar_one(),
    )


def hold_reading(session: Session, reading: Reading) -> None:
    """Keep erasures away until this transaction ends. Raises Overtaken where one came since.

    Who locks a sociopôle too does so before: an erasure takes both, in this order.
    """
    hold_texts(session)
    # Asked only now: whoever held the lock may have been an erasure.
    if note_reading(session) != reading:
        raise Overtaken(
            "Une personne vient d'être effacée, et ce travail l'avait encore lue : rien n'en a "
            "été enregistré. Recommencez."
        )


def hold_texts(session: Session) -> None:
    """Keep every text as it is until this transaction ends: each change takes a revision."""
    session.execute(select(Revision.id).with_for_update(read=True))
