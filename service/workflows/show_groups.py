"""Groups as plain values under stable names, for the command line, the API, the pages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from matcher.group_changes import Went, compare_groups
from matcher.group_size import TEXTS_A_GROUP, Size, Why
from matcher.words import sentences
from service.database import read
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.groupings import (
    GroupingView,
    GroupView,
    PlaceView,
    get_grouping,
    latest_grouping,
    slug_of_grouping,
)
from service.store.sociopoles import get_sociopole
from service.store.statements import StatementView, statements_by_id

UNKNOWN_SECTOR = "secteur non précisé"
REASONS = {
    Why.NONE: "Il n'y a encore aucune contribution à grouper.",
    Why.ONE: "Il n'y a qu'une contribution : rien à quoi la rapprocher.",
    Why.FEW: "Trop peu de contributions pour un critère : celles qui se ressemblent sont réunies.",
    Why.SAME: "Toutes les contributions disent la même chose.",
    Why.SILHOUETTE: (
        "C'est là que les contributions sont les plus proches de leur groupe et les plus loin des "
        "autres (critère de la silhouette)."
    ),
    Why.MOST: (
        "Le critère de la silhouette en voudrait davantage, mais on ne lit pas plus de cent "
        "groupes : demandez-en un autre nombre avec --groups."
    ),
    Why.ASKED: "C'est ce qui a été demandé.",
    Why.ASKED_TOO_MANY: (
        "C'est le plus près de ce qui a été demandé : ces contributions ne donnent pas tant de "
        "groupes d'au moins deux."
    ),
}


def show_groups(resources: Resources, slug: str, number: int | None = None) -> dict[str, Any]:
    """The last grouping of a sociopôle, or one of its earlier ones. Raises NotFound."""
    with read(resources.engine) as session:
        grouping = find_grouping(session, slug, number)
        ids = {place.statement_id for place in grouping.places}
        ids |= {partner["statement"] for group in grouping.groups for partner in group.partners}
        views = {v.statement.id: v for v in statements_by_id(session, sorted(ids))}
    return _grouping(resources, grouping, views)


def find_grouping(session: Session, slug: str, number: int | None = None) -> GroupingView:
    """The last grouping of a sociopôle, or one of its earlier ones. Raises NotFound."""
    sociopole = get_sociopole(session, slug)
    if number is None:
        grouping = latest_grouping(session, sociopole.id)
    else:
        grouping = get_grouping(session, number)
        if grouping.head.sociopole_id != sociopole.id:
            raise NotFound(f"Le regroupement {number} n'est pas de ce sociopôle.")
    if grouping is None:
        raise NotFound(f"Aucun regroupement encore : lancez « sociopoles group {slug} ».")
    return grouping


def show_changes(resources: Resources, before: int, after: int) -> dict[str, Any]:
    """What became of the groups from one grouping to another of the same sociopôle."""
    with read(resources.engine) as session:
        if slug_of_grouping(session, before) != slug_of_grouping(session, after):
            raise Refused(f"Les regroupements {before} et {after} sont de deux sociopôles.")
        old, new = get_grouping(session, before), get_grouping(session, after)
    found = compare_groups(old.members, new.members)
    titles = {"before": _titles(old), "after": _titles(new)}

    def went(one: Went) -> dict[str, Any]:
        return {
            "before": titles["before"][one.before],
            "after": titles["after"][one.after],
            "came": one.came,
            "left": one.left,
        }

    return {
        "before": before,
        "after": after,
        "unchanged": [went(one) for one in found.unchanged],
        "grown": [went(one) for one in found.changed if one.came > one.left],
        "shrunk": [went(one) for one in found.changed if one.came < one.left],
        "moved": [went(one) for one in found.changed if one.came == one.left],
        "appeared": [titles["after"][name] for name in found.appeared],
        "vanished": [titles["before"][name] for name in found.vanished],
        "split": [
            {
                "before": titles["before"][old_name],
                "after": [titles["after"][name] for name in names],
            }
            for old_name, names in found.split
        ],
        "merged": [
            {
                "before": [titles["before"][name] for name in names],
                "after": titles["after"][new_name],
            }
            for names, new_name in found.merged
        ],
    }


def _titles(grouping: GroupingView) -> dict[str, dict[str, str]]:
    return {group.name: {"id": group.name, "title": group.title} for group in grouping.groups}


def _grouping(
    resources: Resources, grouping: GroupingView, views: Mapping[int, StatementView]
) -> dict[str, Any]:
    # A statement deleted since is no longer shown.
    places = [place for place in grouping.places if place.statement_id in views]
    inside: dict[str, list[PlaceView]] = {}
    for place in places:
        inside.setdefault(place.name, []).append(place)
    groups = [
        _group(resources, group, inside[group.name], views)
        for group in grouping.groups
        if group.name in inside
    ]
    head = grouping.head
    slugs = head.settings["sociopoles"]
    joined = [g["id"] for g in groups if len(g["sociopoles"]) > 1]
    return {
        "grouping": grouping.id,
        "at": head.at.isoformat(timespec="seconds"),
        "by": head.by,
        "sociopoles": slugs,
        "kinds": head.settings["kinds"],
        "size": head.settings["size"],
        "groups": groups,
        "isolated": [
            _reference(views[place.statement_id])
            | {"nearest_group": place.nearest, "strength": place.strength}
            for place in inside.get("", [])
        ],
        "recommended": _advice(head.advice["recommended"], head.settings["size"]),
        "asked": _advice(head.advice["asked"], head.settings["size"]),
        "convergences": joined if len(slugs) > 1 else [],
        "specificities": {
            slug: [g["id"] for g in groups if list(g["sociopoles"]) == [slug]]
            for slug in slugs
            if len(slugs) > 1
        },
        "lost_titles": list(head.lost_titles),
        "map": [
            _reference(views[place.statement_id])
            | {"group": place.name, "x": place.x, "y": place.y}
            for place in places
        ],
    }


def _advice(advice: Mapping[str, Any], size: str | int | None) -> dict[str, Any]:
    why = REASONS[Why(advice["why"])]
    if advice["why"] == Why.ASKED and isinstance(size, str):
        why = f"Des groupes d'environ {TEXTS_A_GROUP[Size(size)]} contributions, comme demandé."
    return {"groups": advice["groups"], "criterion": advice["why"], "why": why}


def _group(
    resources: Resources,
    group: GroupView,
    places: Sequence[PlaceView],
    views: Mapping[int, StatementView],
) -> dict[str, Any]:
    members = sorted(places, key=lambda place: (-place.strength, place.statement_id))
    inside = [views[place.statement_id] for place in members]
    central = views.get(group.central_id, inside[0])
    return {
        "id": group.name,
        "title": group.title,
        "titled_by_person": group.titled_by_person,
        "terms": list(group.terms),
        "central": _reference(central) | {"sentence": sentences(central.statement.text)[0]},
        "members": [
            _reference(view) | {"strength": place.strength}
            for view, place in zip(inside, members, strict=True)
        ],
        "sectors": _count(
            resources.sectors.label(v.statement.sector) or v.sector_written or UNKNOWN_SECTOR
            for v in inside
        ),
        "colleges": _count(str(v.statement.college) for v in inside),
        "territories": _count(v.territory for v in inside),
        "sociopoles": _count(v.sociopole for v in inside),
        "transversality": group.transversality,
        "local": group.local,
        "stability": group.stability,
        "locked": group.locked,
        "nearest": [
            _reference(views[partner["statement"]])
            | {
                "kind": str(views[partner["statement"]].statement.kind),
                "discipline": _discipline(resources, views[partner["statement"]]),
                "strength": partner["strength"],
            }
            for partner in group.partners
            if partner["statement"] in views
        ],
    }


def _discipline(resources: Resources, view: StatementView) -> str:
    return resources.disciplines.label(view.statement.discipline) or view.discipline_written


def _reference(view: StatementView) -> dict[str, Any]:
    return {
        "id": view.public_id,
        "sociopole": view.sociopole,
        "title": view.statement.title or view.statement.text[:80],
        "organisation": view.organisation,
    }


def _count(values: Any) -> dict[str, int]:  # noqa: ANN401 - any iterable of strings
    counts = Counter(values)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
