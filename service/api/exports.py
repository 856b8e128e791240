"""Files to take away: sheets that come back, and what is published as linked data."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Response

from service.access import Permission
from service.api.description import files
from service.api.problems import ANSWERS
from service.errors import Forbidden
from service.files.writing import SheetFormat
from service.visits import Anyone, Proposals, Reading
from service.workflows.accounts import note_export
from service.workflows.export import (
    Exported,
    export_decisions,
    export_groups,
    export_statements,
)
from service.workflows.export_public import MEDIA_TYPE as LINKED_DATA
from service.workflows.export_public import export_public
from service.workflows.pairing_sheet import export_pairings

router = APIRouter(prefix="/api/v1", responses=ANSWERS, tags=["exports"])

SHEETS = files("A sheet.", *(format_.media_type for format_ in SheetFormat))
LINKED: dict[int | str, dict[str, Any]] = {
    200: {"description": "Linked data.", "content": {LINKED_DATA: {"schema": {"type": "object"}}}}
}
OnlyPublished = Annotated[bool, Query(description="seulement ce dont la publication est consentie")]
BASE = "/sociopoles/{slug}/exports"


@router.get(f"{BASE}/statements.{{format_}}", response_class=Response, responses=SHEETS)
def statements(
    visit: Reading,
    slug: str,
    format_: SheetFormat,
    only_published: OnlyPublished = False,
    with_contacts: Annotated[bool, Query(description="avec les personnes à joindre")] = False,
) -> Response:
    """The contributions one may read, as a sheet that may be edited and imported back."""
    if with_contacts:
        if not visit.person.may(Permission.CONTACTS, visit.sociopole):
            raise Forbidden("Les contacts sont réservés à l'animation.")
        note_export(visit.resources, visit.person, visit.sociopole, "contacts")
    return _file(
        export_statements(
            visit.resources,
            slug,
            format_,
            only_published=only_published,
            with_contacts=with_contacts,
        )
    )


@router.get(f"{BASE}/pairings.{{format_}}", response_class=Response, responses=SHEETS)
def pairings(
    visit: Proposals, slug: str, format_: SheetFormat, only_published: OnlyPublished = False
) -> Response:
    """The pairings of the last run; the decisions may be written in the sheet and imported back."""
    return _file(export_pairings(visit.resources, slug, format_, only_published=only_published))


@router.get(f"{BASE}/groups.{{format_}}", response_class=Response, responses=SHEETS)
def groups(
    visit: Proposals, slug: str, format_: SheetFormat, only_published: OnlyPublished = False
) -> Response:
    """The last grouping, a row a contribution."""
    return _file(export_groups(visit.resources, slug, format_, only_published=only_published))


@router.get(f"{BASE}/decisions.{{format_}}", response_class=Response, responses=SHEETS)
def decisions(
    visit: Proposals, slug: str, format_: SheetFormat, only_published: OnlyPublished = False
) -> Response:
    """Every decision, oldest first."""
    return _file(export_decisions(visit.resources, slug, format_, only_published=only_published))


@router.get("/public/sociopoles/{slug}.jsonld", response_class=Response, responses=LINKED)
def public(visit: Anyone, slug: str) -> Response:
    """What a sociopôle's authors agreed to publish, in the words of schema.org."""
    return _file(export_public(visit.resources, slug))


def _file(exported: Exported) -> Response:
    return Response(
        exported.body,
        media_type=exported.media_type,
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(exported.name)}"},
    )
