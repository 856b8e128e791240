"""Prepare a workshop: tables that mix colleges and sectors, and whom to invite."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.partners import measure_nearness
from matcher.seating import UNSEATED, Participant, seat_participants
from matcher.statements import College, Kind
from matcher.transversality import family
from service.catchup import catch_up
from service.database import read
from service.errors import NotFound, Refused
from service.resources import Progress, Resources
from service.store.groupings import GroupingView, GroupView, latest_grouping
from service.store.sociopoles import sociopole_id
from service.store.statements import StatementView, statements_of
from service.store.vectors import stored_vectors
from service.workflows.decide import acquaintances
from service.workflows.group_material import group_name

Floats = NDArray[np.float64]
ANSWERING = (Kind.INTEREST, Kind.COURSE, Kind.OFFER)
FEWEST_SEATS, MOST_SEATS, MOST_TABLES = 2, 30, 100
ACQUAINTED = 0.3
"""How much nearer than a stranger an acquaintance must be, to be asked to answer."""
CONCERNED = 0.5
"""What having brought a problem of the group counts for, beside how central it is."""


@dataclass(frozen=True, slots=True)
class WorkshopPlan:
    """A workshop on these groups, by name; as many tables as groups unless `tables` says."""

    groups: tuple[str, ...]
    tables: int | None = None
    seats: int = 8


@dataclass(frozen=True, slots=True)
class _Guest:
    """An organisation that may come, with its statement that says why, for each table."""

    view: StatementView
    is_concerned: bool
    near: Mapping[int, tuple[float, StatementView]]


def prepare_workshop(
    resources: Resources, slug: str, plan: WorkshopPlan, progress: Progress | None = None
) -> dict[str, Any]:
    """Tables with their participants, who has no seat and why, and the list of whom to invite."""
    if not FEWEST_SEATS <= plan.seats <= MOST_SEATS:
        raise Refused(f"Une table compte de {FEWEST_SEATS} à {MOST_SEATS} places.")
    catch_up(resources, progress)
    with read(resources.engine) as session:
        grouping = latest_grouping(session, sociopole_id(session, slug))
        if grouping is None:
            raise NotFound(f"Aucun regroupement encore : lancez « sociopoles group {slug} ».")
        homes = [sociopole_id(session, s) for s in grouping.head.settings["sociopoles"]]
        views = {
            v.statement.id: v for home in homes for v in statements_of(session, home, list(Kind))
        }
        known = {pair for home in homes for pair in acquaintances(session, home, views)}
        hashes = [view.text_hash for view in views.values()]
        vectors = stored_vectors(session, resources.encoder.fingerprint, hashes)
    members = {
        name: [views[i] for i in sorted(ids) if i in views and views[i].text_hash in vectors]
        for name, ids in grouping.members.items()
    }
    groups = _chosen(grouping, members, plan)
    tables = _tables(groups, members, plan)
    answering = [
        view
        for view in views.values()
        if view.statement.kind in ANSWERING and view.text_hash in vectors
    ]
    nearness = measure_nearness(
        np.stack(
            [np.mean([vectors[v.text_hash] for v in members[g.name]], axis=0) for g in groups]
        ),
        ["\n".join(v.statement.passage for v in members[g.name]) for g in groups],
        np.stack([vectors[v.text_hash] for v in answering])
        if answering
        else np.empty((0, resources.encoder.dim), dtype=np.float32),
        [v.statement.passage for v in answering],
        resources.background,
    )
    strength = {place.statement_id: place.strength for place in grouping.places}
    invited = _GuestList(tables, known)
    for group in groups:
        for view in members[group.name]:
            invited.add_concerned(group, view, strength[view.statement.id])
    for group, near in zip(groups, nearness, strict=True):
        invited.add_answering(group, answering, near.astype(np.float64), seats=plan.seats)
    return _seat(slug, grouping, tables, invited.guests(), known, plan)


def _chosen(
    grouping: GroupingView, members: Mapping[str, Sequence[StatementView]], plan: WorkshopPlan
) -> list[GroupView]:
    # A group whose statements are all gone is no longer shown.
    by_name = {view.name: view for view in grouping.groups if members[view.name]}
    names = [group_name(name) for name in plan.groups]
    if unknown := [name for name in names if name not in by_name]:
        raise NotFound(
            f"Le groupe « {unknown[0]} » n'existe pas. Groupes : {', '.join(by_name) or 'aucun'}."
        )
    if not names:
        raise Refused("Choisissez les groupes de l'atelier, par exemple --groups G1,G2.")
    return [by_name[name] for name in dict.fromkeys(names)]


def _tables(
    groups: Sequence[GroupView],
    members: Mapping[str, Sequence[StatementView]],
    plan: WorkshopPlan,
) -> list[GroupView]:
    """The group of each table; further tables go to the groups with most organisations a table."""
    wanted = plan.tables or len(groups)
    if wanted < len(groups):
        raise Refused(
            f"{wanted} table(s) pour {len(groups)} groupes : chaque groupe a la sienne. Ajoutez "
            "des tables, ou choisissez moins de groupes."
        )
    if wanted > MOST_TABLES:
        raise Refused(f"Un atelier compte au plus {MOST_TABLES} tables (reçu : {wanted}).")
    share = dict.fromkeys((group.name for group in groups), 1)
    crowd = {name: len({v.statement.organisation for v in members[name]}) for name in share}
    for _ in range(wanted - len(groups)):
        fullest = max(share, key=lambda name: (crowd[name] / share[name], -list(share).index(name)))
        share[fullest] += 1
    return [group for group in groups for _ in range(share[group.name])]


class _GuestList:
    """Organisations that may come: each once, with what it has to say at each table."""

    def __init__(self, tables: Sequence[GroupView], known: set[tuple[int, int]]) -> None:
        self._tables = tables
        self._known = known | {(b, a) for a, b in known}
        self._first: dict[int, StatementView] = {}
        self._near: dict[int, dict[int, tuple[float, StatementView]]] = {}
        self._concerned: set[int] = set()

    def add_concerned(self, group: GroupView, view: StatementView, strength: float) -> None:
        """One that brought a problem of this group."""
        self._concerned.add(view.statement.organisation)
        self._may_sit(group, view, CONCERNED + CONCERNED * strength)

    def add_answering(
        self, group: GroupView, views: Sequence[StatementView], near: Floats, *, seats: int
    ) -> None:
        """The nearest of those who may answer: half of the seats, it is a table on a problem.

        Strangers first: who already works with one of the group comes after those nearly as near.
        """
        room = max(1, seats // 2) * sum(table is group for table in self._tables)
        brought = [o for o, seats_of in self._near.items() if self._is_of(seats_of, group)]
        knows = np.array(
            [any((v.statement.organisation, o) in self._known for o in brought) for v in views],
            dtype=np.bool_,
        )
        come: set[int] = set()
        for i in np.argsort(-(near - ACQUAINTED * knows), kind="stable").tolist():
            organisation = views[i].statement.organisation
            is_new = organisation not in come
            if organisation in self._concerned or (is_new and len(come) >= room):
                continue
            come.add(organisation)
            self._may_sit(group, views[i], float(near[i]))

    def guests(self) -> list[_Guest]:
        """All of them, in the order they were named."""
        return [
            _Guest(self._first[organisation], organisation in self._concerned, seats)
            for organisation, seats in self._near.items()
        ]

    def _is_of(self, seats: Mapping[int, object], group: GroupView) -> bool:
        return any(self._tables[t] is group for t in seats)

    def _may_sit(self, group: GroupView, view: StatementView, value: float) -> None:
        organisation = view.statement.organisation
        self._first.setdefault(organisation, view)
        seats = self._near.setdefault(organisation, {})
        for t, of_table in enumerate(self._tables):
            if of_table is group and value > seats.get(t, (-1.0, view))[0]:
                seats[t] = (value, view)


def _seat(
    slug: str,
    grouping: GroupingView,
    tables: Sequence[GroupView],
    guests: Sequence[_Guest],
    known: set[tuple[int, int]],
    plan: WorkshopPlan,
) -> dict[str, Any]:
    near = np.full((len(guests), len(tables)), np.nan)
    for p, guest in enumerate(guests):
        for t, (value, _) in guest.near.items():
            near[p, t] = min(value, 1.0)
    place = {guest.view.statement.organisation: p for p, guest in enumerate(guests)}
    pairs = [(place[a], place[b]) for a, b in sorted(known) if a in place and b in place]
    participants = [
        Participant(str(g.view.statement.college), _world(g.view), g.is_concerned) for g in guests
    ]
    seating = seat_participants(participants, near, seats=plan.seats, known=pairs)
    shown = [_table(t, group, guests, seating.table, pairs) for t, group in enumerate(tables)]
    waiting = [
        p for p in np.flatnonzero(seating.table == UNSEATED).tolist() if guests[p].is_concerned
    ]
    return {
        "sociopole": slug,
        "grouping": grouping.id,
        "seats": plan.seats,
        "tables": shown,
        "invite": [
            _guest(guests[p], None) | {"table": int(seating.table[p]) + 1}
            for p in np.flatnonzero(seating.table >= 0).tolist()
        ],
        "waiting": [
            _guest(guests[p], None)
            | {"why": "toutes les tables de son groupe sont pleines : ajoutez une table"}
            for p in waiting
        ],
        "acquainted": seating.acquainted,
    }


def _table(
    number: int,
    group: GroupView,
    guests: Sequence[_Guest],
    table: NDArray[np.int64],
    pairs: Sequence[tuple[int, int]],
) -> dict[str, Any]:
    here = np.flatnonzero(table == number).tolist()
    colleges = Counter(str(guests[p].view.statement.college) for p in here)
    return {
        "table": number + 1,
        "group": group.name,
        "title": group.title,
        "participants": [
            _guest(guests[p], number)
            for p in sorted(here, key=lambda p: (not guests[p].is_concerned, p))
        ],
        "colleges": dict(sorted(colleges.items())),
        "mixed": len(colleges) > 1,
        "acquainted": [
            [guests[a].view.organisation, guests[b].view.organisation]
            for a, b in pairs
            if a in here and b in here
        ],
    }


def _guest(guest: _Guest, table: int | None) -> dict[str, Any]:
    _, because = guest.near[table] if table is not None else (0.0, guest.view)
    return {
        "organisation": guest.view.organisation or f"structure de {guest.view.public_id}",
        "college": str(guest.view.statement.college),
        "sociopole": guest.view.sociopole,
        "brings_problem": guest.is_concerned,
        "because": {
            "id": because.public_id,
            "kind": str(because.statement.kind),
            "title": because.statement.title or because.statement.text[:80],
        },
    }


def _world(view: StatementView) -> str:
    statement = view.statement
    if statement.college == College.ACADEMIC:
        return family(f"hal:{statement.discipline}")
    return family(f"rna:{statement.sector}")
