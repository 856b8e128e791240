"""Export: what a sociopôle holds, as sheets that people work on and that come back as they left."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from matcher.titles import name_groups
from service.database import now, read
from service.errors import Refused
from service.files.columns import fold
from service.files.writing import Cell, Column, Sheet, SheetFormat, write_sheet
from service.resources import Resources
from service.store.decisions import DecisionView, Read, list_decisions
from service.store.exports import (
    StatementOut,
    published_among,
    stream_statements,
    territories_of_statements,
)
from service.store.groupings import GroupView, PlaceView
from service.store.sociopoles import SociopoleView, contacts_of, get_sociopole, sociopole_id
from service.store.statements import StatementView, statements_by_id
from service.store.territories import Place, name_places, places_of, territories_within
from service.workflows.decide import REASONS
from service.workflows.filter_pairings import write_pairing_id
from service.workflows.sheet_words import (
    COLLEGES,
    KINDS,
    LOGGED,
    NO,
    STABILITY,
    YES,
    yes_or_no,
)
from service.workflows.show_groups import find_grouping

ISOLATED = "isolé"


@dataclass(frozen=True, slots=True)
class Exported:
    """A file to hand out: its name, its media type, its bytes, how many rows or things are in it.

    It is kept nowhere: what is erased later is in no export of ours.
    """

    name: str
    media_type: str
    body: bytes
    rows: int


STATEMENT_COLUMNS = (
    Column("Identifiant", 14, read_back=True),
    Column("Nature", 16, tuple(KINDS.values()), read_back=True),
    Column("Structure", 28, read_back=True),
    Column("Collège", 13, tuple(COLLEGES.values()), read_back=True),
    Column("Titre", 36, read_back=True),
    Column("Texte", 80, read_back=True),
    Column("Secteur", 22, read_back=True),
    Column("Discipline", 22, read_back=True),
    Column("Territoire", 20, read_back=True),
    Column("Accord de publication", 12, (YES, NO), read_back=True),
    Column("Date", 12, read_back=True),
)
CONTACT_COLUMNS = (
    Column("Contact", 24, read_back=True),
    Column("E-mail", 30, read_back=True),
)
KNOWN_COLUMNS = (
    Column("Secteur reconnu", 28),
    Column("Discipline reconnue", 28),
    Column("Code du territoire", 14),
)
OTHER_CONTACTS = Column("Autres contacts", 36)

GROUP_COLUMNS = (
    Column("Groupe", 9),
    Column("Titre du groupe", 36),
    Column("Portée", 13),
    Column("Solidité", 13),
    Column("Verrouillé", 11),
    Column("Proximité", 11),
    Column("Identifiant", 14),
    Column("Nature", 16),
    Column("Structure", 28),
    Column("Collège", 13),
    Column("Titre", 36),
    Column("Texte", 80),
    Column("Secteur", 28),
    Column("Discipline", 28),
    Column("Territoire", 20),
    Column("Sociopôle", 18),
    Column("Groupe le plus proche", 13),
    Column("Regroupement", 14),
)

DECISION_COLUMNS = (
    Column("Décision n°", 10),
    Column("Quand (UTC)", 16),
    Column("Décision", 16),
    Column("Motif", 18),
    Column("Jusqu'au", 12),
    Column("Rapprochement", 14),
    Column("Identifiant A", 14),
    Column("Structure A", 28),
    Column("Titre A", 36),
    Column("Identifiant B", 14),
    Column("Structure B", 28),
    Column("Titre B", 36),
    Column("Annulée", 10),
    Column("Annule la décision n°", 12),
)
WITHIN_COLUMNS = (Column("Qui", 20), Column("Commentaire", 48))
"""Said among those who run a sociopôle: in no file of what is published."""


def export_statements(
    resources: Resources,
    slug: str,
    format_: SheetFormat,
    *,
    only_published: bool = False,
    with_contacts: bool = False,
) -> Exported:
    """The statements of a sociopôle, under column names that an import understands by itself."""
    if only_published and with_contacts:
        raise Refused("Les contacts ne se publient jamais : demandez l'un ou l'autre.")
    columns = STATEMENT_COLUMNS + (CONTACT_COLUMNS if with_contacts else ()) + KNOWN_COLUMNS
    columns += (OTHER_CONTACTS,) if with_contacts else ()
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        contacts = _contacts(session, sociopole.id) if with_contacts else None
        written, places = _territories(session, sociopole)
        rows = (
            _statement_row(resources, found, written, places[found.territory_id], contacts)
            for found in stream_statements(session, sociopole.id, only_published=only_published)
        )
        return make_file(slug, Sheet("Contributions", columns, rows), format_)


def export_groups(
    resources: Resources,
    slug: str,
    format_: SheetFormat,
    *,
    number: int | None = None,
    only_published: bool = False,
) -> Exported:
    """The last grouping of a sociopôle, or an earlier one: a row a statement, the isolated last.

    Raises NotFound where none was made.
    """
    with read(resources.engine) as session:
        grouping = find_grouping(session, slug, number)
        ids = [place.statement_id for place in grouping.places]
        views = views_of(session, ids, only_published=only_published)
    ranks = {group.name: group.rank for group in grouping.groups}
    places = sorted(
        (place for place in grouping.places if place.statement_id in views),
        key=lambda p: (ranks.get(p.name, len(ranks) + 1), -p.strength, p.statement_id),
    )
    groups = {group.name: group for group in grouping.groups}
    if only_published:
        groups = _titled_by_published(grouping.groups, places, views)
    rows = (
        _group_row(resources, groups.get(place.name), place, views[place.statement_id], grouping.id)
        for place in places
    )
    return make_file(slug, Sheet("Groupes", GROUP_COLUMNS, rows), format_)


def export_decisions(
    resources: Resources, slug: str, format_: SheetFormat, *, only_published: bool = False
) -> Exported:
    """Every decision of a sociopôle, oldest first: a row for each pairing it is about."""
    with read(resources.engine) as session:
        decisions = list_decisions(session, sociopole_id(session, slug))
        ids = sorted({i for d in decisions for p in d.pairs for i in (p.left, p.right)})
        views = views_of(session, ids, only_published=only_published)
    columns = DECISION_COLUMNS + (() if only_published else WITHIN_COLUMNS)
    rows = (
        _decision_row(decision, pair, views) + (() if only_published else _said_within(decision))
        for decision in decisions
        for pair in decision.pairs
        if not only_published or (pair.left in views and pair.right in views)
    )
    return make_file(slug, Sheet("Décisions", columns, rows), format_)


def make_file(slug: str, sheet: Sheet, format_: SheetFormat) -> Exported:
    """The file of a sheet, named after the sociopôle, what it holds and when it was made."""
    stream = io.BytesIO()
    rows = write_sheet(stream, sheet, format_)
    name = f"{slug}-{'-'.join(fold(sheet.title).split())}-{now():%Y-%m-%d-%H%M}.{format_}"
    return Exported(name, format_.media_type, stream.getvalue(), rows)


def _territories(
    session: Session, sociopole: SociopoleView
) -> tuple[dict[str, str], dict[str, Place]]:
    ids = territories_of_statements(session, sociopole.id)
    within = territories_within(session, sociopole.territory.id)
    return name_places(session, ids, within), places_of(session, ids)


def _contacts(session: Session, sociopole_id: int) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    for organisation, name, email in contacts_of(session, sociopole_id):
        found.setdefault(organisation, []).append((name, email))
    return found


def _statement_row(
    resources: Resources,
    found: StatementOut,
    written: Mapping[str, str],
    place: Place,
    contacts: Mapping[int, Sequence[tuple[str, str]]] | None,
) -> tuple[Cell, ...]:
    cells: tuple[Cell, ...] = (
        found.public_id,
        KINDS[found.kind],
        found.organisation,
        COLLEGES[found.college] if found.college else "",
        found.title,
        found.text,
        found.sector_written or found.sector,
        found.discipline_written or found.discipline,
        written[found.territory_id],
        yes_or_no(found.consent),
        found.written_on,
    )
    known: tuple[Cell, ...] = (
        resources.sectors.label(found.sector),
        resources.disciplines.label(found.discipline),
        place.code,
    )
    if contacts is None:
        return cells + known
    # The last written is the one to correct: it comes back as it is, or becomes the last one.
    first, *others = contacts.get(found.organisation_id or 0, [("", "")])
    return (*cells, *first, *known, "\n".join(" ".join(filter(None, who)) for who in others))


def _group_row(
    resources: Resources,
    group: GroupView | None,
    place: PlaceView,
    view: StatementView,
    grouping: int,
) -> tuple[Cell, ...]:
    statement = view.statement
    head: tuple[Cell, ...] = (ISOLATED, "", "", "", "")
    if group is not None:
        head = (
            group.name,
            group.title,
            "locale" if group.local else "transversale",
            STABILITY[group.stability],
            yes_or_no(group.locked),
        )
    return (
        *head,
        round(place.strength, 2),
        view.public_id,
        KINDS[statement.kind],
        view.organisation,
        COLLEGES[statement.college],
        statement.title,
        statement.text,
        resources.sectors.label(statement.sector) or view.sector_written,
        resources.disciplines.label(statement.discipline) or view.discipline_written,
        view.territory,
        view.sociopole,
        "" if group else place.nearest,
        grouping,
    )


def _titled_by_published(
    groups: Sequence[GroupView], places: Sequence[PlaceView], views: Mapping[int, StatementView]
) -> dict[str, GroupView]:
    """The groups under titles of what their published members say, who come strongest first.

    A title that a person gave stays: it was written to be read.
    """
    inside: dict[str, list[StatementView]] = {}
    for place in places:
        inside.setdefault(place.name, []).append(views[place.statement_id])
    shown = {group.name: group for group in groups if group.name in inside}
    free = [group for group in shown.values() if not group.titled_by_person]
    titles = name_groups(
        [_said_terms(group.terms, inside[group.name]) for group in free],
        [inside[group.name][0].statement.title for group in free],
        [group.title for group in shown.values() if group.titled_by_person],
    )
    return shown | {
        group.name: replace(group, title=title) for group, title in zip(free, titles, strict=True)
    }


def _said_terms(terms: Sequence[str], views: Sequence[StatementView]) -> list[str]:
    texts = "\n".join(view.statement.passage for view in views)
    return [
        term
        for term in terms
        if re.search(rf"(?<!\w){re.escape(term)}(?!\w)", texts, re.IGNORECASE)
    ]


def _decision_row(
    decision: DecisionView, pair: Read, views: Mapping[int, StatementView]
) -> tuple[Cell, ...]:
    return (
        decision.id,
        decision.at,
        LOGGED[decision.action],
        REASONS.get(decision.reason, ""),
        decision.until,
        write_pairing_id(pair.pair),
        *_side(views.get(pair.left)),
        *_side(views.get(pair.right)),
        yes_or_no(decision.undone),
        decision.undoes,
    )


def _side(view: StatementView | None) -> tuple[Cell, ...]:
    if view is None:
        return ("", "", "contribution retirée depuis")
    return (view.public_id, view.organisation, view.statement.title)


def _said_within(decision: DecisionView) -> tuple[Cell, ...]:
    return (decision.by, decision.words)


def views_of(
    session: Session, ids: Sequence[int], *, only_published: bool
) -> dict[int, StatementView]:
    """Statements by id, all of them or those whose authors agreed to their publication."""
    kept: Iterable[int] = ids
    if only_published:
        kept = sorted(published_among(session, ids))
    return {view.statement.id: view for view in statements_by_id(session, list(kept))}
