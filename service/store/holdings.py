"""What a table may hold of a person, how it is found there, and how it is made unreadable."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Row, inspect, select, update
from sqlalchemy.orm import Session

from service.rgpd.identity import ERASED, Sought, map_strings
from service.tables import Table

READ_AT_ONCE = 1000
AROUND = 40
"""Characters shown on each side of a mention."""


@dataclass(slots=True)
class Forgetting:
    """An erasure under way.

    `common` are words of the name that some text still uses: they are also ordinary words.
    `rewritten` are the hashes of the texts that were masked, old to new.
    """

    sought: Sought
    mask_texts: bool
    common: set[str] = field(default_factory=set)
    rewritten: dict[str, str] = field(default_factory=dict)


class Forgotten(NamedTuple):
    """What an erasure did to a table: rows gone, rows changed, rows that still name the person."""

    deleted: int = 0
    changed: int = 0
    left: int = 0


class Mention(NamedTuple):
    """Where a person is named; unless `sure`, by a word that may be another's name."""

    table: str
    row: str
    column: str
    excerpt: str
    sure: bool


Forget = Callable[[Session, "Holding", Forgetting], Forgotten]
Hold = Callable[[Session, "Holding", Sought], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Holding:
    """One table, column by column.

    `signed`: who did it; `words`: what people wrote, masked when it is asked; `made`: cut from what
    people wrote, masked with it; `traces`: of what passed through, always masked; `neutral`: never
    of a person; `secret`: not to be handed over to anyone. `owner` is the column of the account it
    is of; rows of an `is_person` table are the person, and not where one is named.
    """

    table: type[Table]
    label: str
    signed: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    neutral: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    owner: str = ""
    is_person: bool = False
    forget: Forget | None = None
    hold: Hold | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that may hold something of a person."""
        return (*self.signed, *self.words, *self.made, *self.traces)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return tuple(str(column.key) for column in inspect(self.table).primary_key)


def read_rows(session: Session, holding: Holding, *more: str) -> Iterator[Row[Any]]:
    """Every row: its key, what may hold something of a person, and `more` columns."""
    names = dict.fromkeys((*holding.key, *holding.columns, *more))
    columns = [getattr(holding.table, name) for name in names]
    rows = session.execute(select(*columns).order_by(*columns[: len(holding.key)]))
    # All at once: what was read may be written over before the end.
    yield from rows.all()


def find_mentions(session: Session, holding: Holding, sought: Sought) -> Iterator[Mention]:
    """Where a table names a person."""
    for row in read_rows(session, holding):
        for column in holding.columns:
            for text in _strings(getattr(row, column)):
                if column in holding.signed:
                    places = [(0, len(text), True)] if is_signature(sought, text) else []
                else:
                    places = _places(sought, text)
                for start, end, sure in places:
                    yield Mention(
                        holding.table.__tablename__,
                        show_key(row, holding),
                        column,
                        _excerpt(text, start, end),
                        sure,
                    )


def hold_rows(session: Session, holding: Holding, sought: Sought) -> list[dict[str, Any]]:
    """Whole rows that name a person, with plain values."""
    named = {mention.row for mention in find_mentions(session, holding, sought) if mention.sure}
    if not named:
        return []
    names = [c.key for c in inspect(holding.table).columns if c.key not in holding.secret]
    return [plain(row) for row in read_rows(session, holding, *names)
            if show_key(row, holding) in named]  # fmt: skip


def mask_rows(session: Session, holding: Holding, forgetting: Forgetting) -> Forgotten:
    """Take a person out of the rows of a table; the rows stay."""
    changed = left = 0
    for row in read_rows(session, holding):
        values = masked_values(row, holding, forgetting)
        if values:
            write_row(session, holding, row, values)
            changed += 1
        left += not forgetting.mask_texts and _is_left(row, holding, forgetting.sought)
    return Forgotten(changed=changed, left=left)


def masked_values(row: Row[Any], holding: Holding, forgetting: Forgetting) -> dict[str, Any]:
    """The columns of a row that change, with what becomes of them."""
    sought = forgetting.sought

    def sign(text: str) -> str:
        return ERASED if is_signature(sought, text) else text

    def cut(text: str) -> str:
        return sought.mask_fragments(text, forgetting.common)

    changes: list[tuple[tuple[str, ...], Callable[[str], str]]] = [
        (holding.signed, sign),
        (holding.traces, sought.mask),
    ]
    if forgetting.mask_texts:
        changes += [(holding.words, sought.mask), (holding.made, cut)]
    values: dict[str, Any] = {}
    for columns, change in changes:
        for name in columns:
            before = getattr(row, name)
            after = map_strings(before, change)
            if after != before and name in holding.key:
                # Two keys must not become one.
                after = f"{after} {sought.salt.hash('key', before)[:6]}"
            if after != before:
                values[name] = _fit(holding, name, after)
    return values


def write_row(session: Session, holding: Holding, row: Row[Any], values: dict[str, Any]) -> None:
    """Change one row."""
    conditions = [getattr(holding.table, name) == getattr(row, name) for name in holding.key]
    session.execute(update(holding.table).where(*conditions).values(values))


def is_signature(sought: Sought, text: str) -> bool:
    """Whether a person signed so: by name or address, alone."""
    return sought.is_name(text) or sought.is_email(text)


def show_key(row: Row[Any], holding: Holding) -> str:
    """A row's key as one word."""
    return "/".join(str(getattr(row, name)) for name in holding.key)


def plain(row: Row[Any]) -> dict[str, Any]:
    """A row with plain values."""
    return {
        name: value.isoformat() if isinstance(value, dt.date) else value
        for name, value in row._mapping.items()
    }


def _is_left(row: Row[Any], holding: Holding, sought: Sought) -> bool:
    texts = (text for name in holding.words for text in _strings(getattr(row, name)))
    return any(sought.spans(text) for text in texts)


def _places(sought: Sought, text: str) -> list[tuple[int, int, bool]]:
    sure = sought.spans(text)
    maybe = [
        (word.start, word.end)
        for word in sought.surnames_in(text)
        if text[word.start].isupper() and not any(a <= word.start < b for a, b in sure)
    ]
    return [*((a, b, True) for a, b in sure), *((a, b, False) for a, b in maybe)]


def _excerpt(text: str, start: int, end: int) -> str:
    return " ".join(text[max(0, start - AROUND) : end + AROUND].split())


def _strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON holds anything
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from (key, *_strings(part))
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def _fit(holding: Holding, name: str, value: Any) -> Any:  # noqa: ANN401 - a column's value
    longest = getattr(inspect(holding.table).columns[name].type, "length", None)
    return value[:longest] if longest and isinstance(value, str) else value
