"""Sociopôles, their organisations, contacts and known relations."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from service.api import schemas
from service.api.parameters import After, Limit
from service.api.problems import ANSWERS
from service.api.schemas import Body, example
from service.asked_first import AskedFirstOnce
from service.visits import Administering, Anyone, Contacts, Reading, Reviewing
from service.workflows import directory, set_up, show

router = APIRouter(
    prefix="/api/v1", responses=ANSWERS, tags=["sociopôles"], route_class=AskedFirstOnce
)


class SociopoleWanted(Body):
    """A new sociopôle on an official territory."""

    model_config = example({"slug": "nancy", "name": "Grand Nancy", "territory": "commune:54395"})

    slug: str = Field(max_length=60, examples=["plaine-commune"])
    name: str = Field(max_length=200, examples=["Plaine Commune"])
    territory: str = Field(
        max_length=200, description="code, niveau:code ou nom", examples=["ept:200057867"]
    )


class RelationWanted(Body):
    """Two organisations that know each other."""

    model_config = example(
        {
            "left": "Les Jardins partagés",
            "right": "Laboratoire Ville et santé",
            "since": "2024",
            "note": "Ont organisé ensemble une journée d'étude.",
        }
    )

    left: str = Field(max_length=300)
    right: str = Field(max_length=300)
    since: str = Field("", max_length=10, examples=["2024"])
    note: str = Field("", max_length=300)


@router.get("/sociopoles", response_model=schemas.Sociopoles)
def list_sociopoles(visit: Reading) -> dict[str, Any]:
    """The sociopôles one may read, and how many contributions of each kind."""
    return show.show_sociopoles(visit.resources)


@router.post("/sociopoles", status_code=201, response_model=schemas.Sociopole)
def add_sociopole(visit: Administering, wanted: SociopoleWanted) -> dict[str, Any]:
    """Add a sociopôle."""
    set_up.create_sociopole(
        visit.resources, slug=wanted.slug, name=wanted.name, territory=wanted.territory
    )
    return show.show_one(visit.resources, wanted.slug)


@router.get("/sociopoles/{slug}", response_model=schemas.Sociopole)
def read_sociopole(visit: Reading, slug: str) -> dict[str, Any]:
    """One sociopôle."""
    return show.show_one(visit.resources, slug)


@router.get("/sociopoles/{slug}/organisations")
def list_organisations(visit: Reading, slug: str) -> dict[str, Any]:
    """The organisations one may read, by name."""
    return directory.show_organisations(visit.resources, slug)


@router.get("/sociopoles/{slug}/contacts")
def list_contacts(
    visit: Contacts, slug: str, after: After = 0, limit: Limit = 50
) -> dict[str, Any]:
    """People to write to, by number; for the animation only."""
    return directory.show_contacts(visit.resources, slug, after=after, limit=limit)


@router.get("/sociopoles/{slug}/relations")
def list_relations(visit: Reviewing, slug: str) -> dict[str, Any]:
    """Organisations that know each other already."""
    return directory.show_relations(visit.resources, slug)


@router.post("/sociopoles/{slug}/relations", status_code=201)
def add_relation(visit: Reviewing, slug: str, wanted: RelationWanted) -> dict[str, Any]:
    """Say that two organisations know each other."""
    directory.add_relation(
        visit.resources,
        slug,
        (wanted.left, wanted.right, wanted.since, wanted.note),
    )
    return directory.show_relations(visit.resources, slug)


@router.get("/public/sociopoles", response_model=schemas.Sociopoles)
def list_public(visit: Anyone) -> dict[str, Any]:
    """All sociopôles, and how many contributions their authors agreed to publish."""
    return show.show_sociopoles(visit.resources)


@router.get("/public/sociopoles/{slug}/statements")
def list_published(visit: Anyone, slug: str, after: After = 0, limit: Limit = 50) -> dict[str, Any]:
    """Contributions whose authors agreed to publish them."""
    return directory.show_published(visit.resources, slug, after=after, limit=limit)


@router.get("/public/search", response_model=schemas.Answers)
def search_published(
    visit: Anyone, q: Annotated[str, Query(max_length=2000, examples=["isolement"])]
) -> dict[str, Any]:
    """The published contributions nearest to a question."""
    return directory.search_published(visit.resources, q)
