"""A sociopôle of any size, for what is measured on a whole service."""

import datetime as dt
from collections.abc import Sequence

from service.database import write
from service.resources import Resources
from service.store.sociopoles import add_organisations, get_sociopole, organisations
from service.store.statements import StatementDraft, add_statements
from service.workflows.set_up import create_sociopole

SLUG = "hauts-de-france"
COMMUNES = ("59350", "59606", "62041", "80021", "60057")
SECTORS = ("011075", "032520", "006030", "024035")
TEXTS_AN_ORGANISATION = 5


def create_region(resources: Resources) -> None:
    """The sociopôle, empty."""
    create_sociopole(resources, slug=SLUG, name="Hauts-de-France", territory="region:32")


def fill(resources: Resources, texts: Sequence[str]) -> None:
    """The sociopôle with one problem a text, five an organisation."""
    create_region(resources)
    names = name_organisations(len(texts))
    with write(resources.engine) as session:
        sociopole = get_sociopole(session, SLUG).id
        add_organisations(session, sociopole, [(name, "association") for name in names])
        ids = [view.id for view in organisations(session, sociopole).values()]
        drafts = [_draft(i, text, ids[i % len(ids)]) for i, text in enumerate(texts)]
        add_statements(session, sociopole, drafts, ())


def name_organisations(texts: int) -> list[str]:
    """The organisations that so many texts are from."""
    return [f"Structure n° {i}" for i in range(max(1, texts // TEXTS_AN_ORGANISATION))]


def _draft(i: int, text: str, organisation: int) -> StatementDraft:
    sector = SECTORS[i % len(SECTORS)]
    return StatementDraft(
        kind="problem",
        reference=f"HDF-{i:06}",
        organisation_id=organisation,
        title=text[:80],
        text=text,
        sector_written=sector,
        sector=sector,
        discipline_written="",
        discipline="",
        territory_id=f"commune:{COMMUNES[i % len(COMMUNES)]}",
        consent=True,
        written_on=dt.date(2020, 1, 1) + dt.timedelta(days=i % 2000),
    )
