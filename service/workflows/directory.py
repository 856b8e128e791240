"""Who is there: organisations, the people to write to, who knows whom, what is published."""

from typing import Any

from service.database import read, write
from service.errors import Refused
from service.resources import Resources
from service.store.sociopoles import (
    add_relations,
    get_sociopole,
    list_relations,
    lock_sociopole,
    organisations,
    page_of_contacts,
    sociopole_id,
)
from service.workflows.answer import Query, answer
from service.workflows.contribute import list_statements
from service.workflows.show import show_answers


def show_organisations(resources: Resources, slug: str) -> dict[str, Any]:
    """The organisations of a sociopôle that may be read, by name."""
    with read(resources.engine) as session:
        found = organisations(session, sociopole_id(session, slug)).values()
    return {
        "sociopole": slug,
        "organisations": [
            {"id": view.id, "name": view.name, "college": view.college}
            for view in sorted(found, key=lambda view: (view.name, view.id))
        ],
    }


def show_contacts(resources: Resources, slug: str, *, after: int, limit: int) -> dict[str, Any]:
    """People of a sociopôle's organisations, by number, and where the next page starts."""
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        found = page_of_contacts(session, sociopole.id, after=after, limit=limit + 1)
    page = found[:limit]
    return {
        "contacts": [contact._asdict() for contact in page],
        "next": page[-1].id if len(found) > limit else None,
    }


def show_relations(resources: Resources, slug: str) -> dict[str, Any]:
    """Organisations that know each other."""
    with read(resources.engine) as session:
        found = list_relations(session, sociopole_id(session, slug))
    return {"sociopole": slug, "relations": [relation._asdict() for relation in found]}


def add_relation(resources: Resources, slug: str, relation: tuple[str, str, str, str]) -> None:
    """Say that two organisations, by name, know each other. Raises Refused for unknown names."""
    with write(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        lock_sociopole(session, sociopole.id)
        if not add_relations(session, sociopole.id, [relation]):
            raise Refused(
                "Rien à ajouter : nommez deux structures différentes du sociopôle, qui ne sont pas "
                "déjà notées comme se connaissant."
            )


def show_published(resources: Resources, slug: str, *, after: int, limit: int) -> dict[str, Any]:
    """What a sociopôle's authors agreed to publish."""
    return list_statements(resources, slug, after=after, limit=limit)


def search_published(resources: Resources, question: str) -> dict[str, Any]:
    """The published statements nearest to a question."""
    return show_answers(answer(resources, Query(question)))
