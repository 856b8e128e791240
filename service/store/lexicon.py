"""What each sociopôle says of the bridge lexicon."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.tables import LexiconRow


class State(StrEnum):
    """Whether an entry is used, not used, or waits for a person."""

    ON = "on"
    OFF = "off"
    PROPOSED = "proposed"


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """A sociopôle's own word on one term; `say` may be empty where a bundled entry is off."""

    terms: tuple[str, ...]
    say: tuple[str, ...]
    state: State


def term_key(term: str) -> str:
    """What two spellings of one term share."""
    return " ".join(term.casefold().split())


def own_entries(session: Session, sociopole_id: int) -> dict[str, OwnEntry]:
    """A sociopôle's own entries by the key of their term."""
    rows = session.execute(
        select(LexiconRow)
        .where(LexiconRow.sociopole_id == sociopole_id)
        .order_by(LexiconRow.term_key)
    ).scalars()
    return {
        row.term_key: OwnEntry(
            tuple(row.terms.splitlines()), tuple(row.say.splitlines()), State(row.state)
        )
        for row in rows
    }


def put_entry(
    session: Session,
    sociopole_id: int,
    terms: Sequence[str],
    say: Sequence[str],
    state: State,
    at: dt.datetime,
) -> None:
    """Write a sociopôle's own entry, replacing the one of the same term."""
    session.merge(
        LexiconRow(
            sociopole_id=sociopole_id,
            term_key=term_key(terms[0]),
            state=str(state),
            say="\n".join(say),
            terms="\n".join(terms),
            at=at,
        )
    )
    session.flush()
