"""What a sociopôle publishes, as schema.org JSON-LD: only what its authors agreed to, no person.

A problem is a `Demand` (its organisation `seeks` an answer) and an offer an `Offer`: the two halves
that schema.org itself brings together. A course is a `Course`. An interest is a `CreativeWork`, the
text in which a laboratory says what it works on: a `ResearchProject` would claim more. An
association is an `NGO`; a company stays an `Organization`, as its legal form is not known.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from matcher.statements import College, Kind
from service.database import now, read
from service.resources import Resources
from service.store.exports import StatementOut, stream_statements
from service.store.sociopoles import SociopoleView, get_sociopole
from service.store.territories import Place, places_of
from service.workflows.export import Exported

CONTEXT = "https://schema.org"
MEDIA_TYPE = "application/ld+json"
LANGUAGE = "fr"
STATEMENT_TYPES: Mapping[str, str] = {
    Kind.PROBLEM: "Demand",
    Kind.OFFER: "Offer",
    Kind.INTEREST: "CreativeWork",
    Kind.COURSE: "Course",
}
ORGANISATION_TYPES: Mapping[str, str] = {
    College.ASSOCIATION: "NGO",
    College.ACADEMIC: "ResearchOrganization",
    College.PUBLIC: "GovernmentOrganization",
    College.PRIVATE: "Organization",
}
INSEE_LEVELS = frozenset({"commune", "departement", "region"})
"""The others are known by their SIREN."""

Node = dict[str, Any]


def export_public(resources: Resources, slug: str) -> Exported:
    """The JSON-LD of what a sociopôle publishes, as a file."""
    shown = describe_public(resources, slug)
    # Node by node: the whole at once would be held as millions of small pieces.
    nodes = b",\n".join(json.dumps(node, ensure_ascii=False).encode() for node in shown["@graph"])
    return Exported(
        name=f"{slug}-public-{now():%Y-%m-%d-%H%M}.jsonld",
        media_type=MEDIA_TYPE,
        body=b'{"@context": "%s", "@graph": [\n%s\n]}\n' % (CONTEXT.encode(), nodes),
        rows=len(shown["@graph"][0]["dataFeedElement"]),
    )


def describe_public(resources: Resources, slug: str) -> Node:
    """A graph: the sociopôle's feed, its territories, organisations and statements.

    Nodes are named by fragments: they are parts of the document, wherever it is served from.
    """
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        found = list(stream_statements(session, sociopole.id, only_published=True))
        ids = {sociopole.territory.id, *(statement.territory_id for statement in found)}
        places = places_of(session, sorted(ids))
    statements = [_statement(resources, statement) for statement in found]
    return {
        "@context": CONTEXT,
        "@graph": [
            _feed(sociopole, statements),
            *(_territory(places[place]) for place in sorted(places)),
            *_organisations(found),
            *statements,
        ],
    }


def _feed(sociopole: SociopoleView, statements: Iterable[Node]) -> Node:
    return {
        "@type": "DataFeed",
        "@id": "#sociopole",
        "identifier": sociopole.slug,
        "name": f"Sociopôle {sociopole.name} : contributions publiées",
        "inLanguage": LANGUAGE,
        "isAccessibleForFree": True,
        "spatialCoverage": _link("territoire", sociopole.territory.id),
        "dataFeedElement": [{"@id": statement["@id"]} for statement in statements],
    }


def _territory(place: Place) -> Node:
    return {
        "@type": "AdministrativeArea",
        "@id": _name("territoire", place.id),
        "name": place.name,
        "identifier": {
            "@type": "PropertyValue",
            "propertyID": "INSEE" if place.level in INSEE_LEVELS else "SIREN",
            "value": place.code,
        },
    }


def _organisations(found: Iterable[StatementOut]) -> list[Node]:
    nodes: dict[int, Node] = {}
    for statement in found:
        if statement.organisation_id is None:
            continue
        node = nodes.setdefault(
            statement.organisation_id,
            {
                "@type": ORGANISATION_TYPES[statement.college],
                "@id": _name("structure", str(statement.organisation_id)),
                "name": statement.organisation,
            },
        )
        # The only way from a Demand to who makes it starts at the organisation.
        if statement.kind == Kind.PROBLEM:
            node.setdefault("seeks", []).append(_link("contribution", statement.public_id))
    return [nodes[number] for number in sorted(nodes)]


def _statement(resources: Resources, found: StatementOut) -> Node:
    node = {
        "@type": STATEMENT_TYPES[found.kind],
        "@id": _name("contribution", found.public_id),
        "identifier": found.public_id,
        "name": found.title,
        "description": found.text,
    }
    by = None
    if found.organisation_id is not None:
        by = _link("structure", str(found.organisation_id))
    about = [
        {"@type": "CategoryCode", "codeValue": code, "name": label}
        for code, label in (
            (found.sector, resources.sectors.label(found.sector)),
            (found.discipline, resources.disciplines.label(found.discipline)),
        )
        if code
    ]
    where = _link("territoire", found.territory_id)
    day = found.written_on.isoformat() if found.written_on else None
    if found.kind in {Kind.PROBLEM, Kind.OFFER}:
        sought = {"@type": "Service", "category": about} if about else None
        more: Node = {"areaServed": where, "validFrom": day, "itemOffered": sought}
        more |= {"offeredBy": by} if found.kind == Kind.OFFER else {}
    else:
        more = {"spatialCoverage": where, "dateCreated": day, "about": about or None}
        more |= {"inLanguage": LANGUAGE}
        more |= {"provider" if found.kind == Kind.COURSE else "author": by}
    return node | {name: value for name, value in more.items() if value is not None}


def _name(what: str, key: str) -> str:
    return f"#{what}-{quote(key, safe='')}"


def _link(what: str, key: str) -> Node:
    return {"@id": _name(what, key)}
