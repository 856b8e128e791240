"""Territories: the official table, its nesting, and what a person's words for one mean."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import insert, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.tables import Territory, TerritoryParent

CHUNK = 900
"""Values in one IN list: SQLite allows 999 variables in older builds."""
LEVELS = {
    "commune": "commune",
    "ept": "établissement public territorial",
    "epci": "intercommunalité",
    "metropole": "métropole",
    "departement": "département",
    "region": "région",
}


class Place(NamedTuple):
    """A territory as it is shown."""

    id: str
    level: str
    code: str
    name: str

    @property
    def label(self) -> str:
        """Its name with its level and code, enough to tell it from any other."""
        return f"{self.name} ({LEVELS[self.level]}, {self.code})"


def are_loaded(session: Session) -> bool:
    """Whether the official table is in the database."""
    return session.execute(select(Territory.id).limit(1)).first() is not None


def load_territories(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the official table: rows with id, level, code, name, population, former, parents."""
    session.execute(
        insert(Territory),
        [
            {
                "id": row["id"],
                "level": row["level"],
                "code": row["code"],
                "name": row["name"],
                "name_key": name_key(row["name"]),
                "population": row["population"],
                "former_codes": " ".join(row["former"]),
            }
            for row in rows
        ],
    )
    session.execute(
        insert(TerritoryParent),
        [{"child_id": row["id"], "parent_id": up} for row in rows for up in row["parents"]],
    )


def find_places(session: Session, words: str) -> list[Place]:
    """All territories a code, a `level:code` or a name may mean, the widest known first."""
    text = words.strip()
    level, _, code = text.partition(":")
    if code and level in LEVELS:
        return _places(session, Territory.id == f"{level}:{code.strip()}")
    found = _places(session, Territory.code == text.upper())
    if not found and text.isdigit():
        found = _places(session, (" " + Territory.former_codes + " ").like(f"% {text} %"))
    return found or _places(session, Territory.name_key == name_key(text))


def place(session: Session, territory_id: str) -> Place:
    """One territory by its id."""
    return _places(session, Territory.id == territory_id)[0]


def territories_within(session: Session, territory_id: str) -> set[str]:
    """The ids of a territory and of all that lies in it."""
    inside = (
        select(TerritoryParent.child_id)
        .where(TerritoryParent.parent_id == territory_id)
        .cte("inside", recursive=True)
    )
    inside = inside.union(
        select(TerritoryParent.child_id).where(TerritoryParent.parent_id == inside.c.child_id)
    )
    return {territory_id, *session.execute(select(inside.c.child_id)).scalars()}


def choose_place(
    session: Session, words: str, within: Collection[str]
) -> tuple[Place | None, list[Place]]:
    """The one territory the words mean, and all they may mean; those in `within` come first."""
    found = find_places(session, words)
    return _choose(found, within), found


def name_places(session: Session, ids: Sequence[str], within: Collection[str]) -> dict[str, str]:
    """How each territory is written so that `choose_place` finds it again: its name, else its code.

    One whose name means several is written `level:code`, as are those whose codes two levels share.
    """
    places = places_of(session, ids)
    keys = sorted({name_key(place.name) for place in places.values()})
    alike: dict[str, list[Place]] = {}
    for place in _in_chunks(session, Territory.name_key, keys):
        alike.setdefault(name_key(place.name), []).append(place)
    return {
        place.id: place.name
        if _choose(alike[name_key(place.name)], within) == place
        else (place.code if place.level == "commune" else place.id)
        for place in places.values()
    }


def places_of(session: Session, ids: Sequence[str]) -> dict[str, Place]:
    """Territories by their ids."""
    return {place.id: place for place in _in_chunks(session, Territory.id, ids)}


def name_key(name: str) -> str:
    """A name as it is compared: no accents, no case, no hyphens, St for Saint."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("œ", "oe"))
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    words = ["saint" if w == "st" else "sainte" if w == "ste" else w for w in letters.split()]
    return " ".join(words)


def _choose(found: Sequence[Place], within: Collection[str]) -> Place | None:
    inside = [place for place in found if place.id in within]
    choices = inside or found
    communes = [place for place in choices if place.level == "commune"]
    best = communes if len(communes) == 1 else choices
    return best[0] if len(best) == 1 else None


def _in_chunks(
    session: Session, column: InstrumentedAttribute[str], wanted: Sequence[str]
) -> list[Place]:
    return [
        place
        for start in range(0, len(wanted), CHUNK)
        for place in _places(session, column.in_(list(wanted[start : start + CHUNK])))
    ]


def _places(session: Session, *conditions: Any) -> list[Place]:  # noqa: ANN401 - SQL conditions
    columns = (Territory.id, Territory.level, Territory.code, Territory.name)
    rows: Iterable[Any] = session.execute(select(*columns).where(or_(*conditions)))
    order = list(reversed(LEVELS))
    places = [Place(*row) for row in rows]
    return sorted(places, key=lambda found: (order.index(found.level), found.id))
