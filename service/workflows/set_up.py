"""Set up: the official territories, sociopôles, and the demo."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from matcher.statements import Kind
from service import reference
from service.database import read, write
from service.errors import Refused
from service.resources import Progress, Resources
from service.store.sociopoles import add_relations, add_sociopole, exists, list_sociopoles
from service.store.territories import Place, are_loaded, find_places, load_territories, name_key
from service.workflows.take_in import ImportPlan, take_in

DEMO = Path(__file__).parents[2] / "fixtures"
DEMO_SOCIOPOLES = (
    ("plaine-commune", "Plaine Commune", "ept:200057867"),
    ("metropole-de-lyon", "Métropole de Lyon", "metropole:200046977"),
    ("meurthe-et-moselle", "Meurthe-et-Moselle", "departement:54"),
    ("hauts-de-france", "Hauts-de-France", "region:32"),
)
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
LONGEST_SLUG = 60
LONGEST_NAME = 200


def initialise(resources: Resources) -> None:
    """Load the official territories where they are missing."""
    with read(resources.engine) as session:
        if are_loaded(session):
            return
    rows = reference.territories()
    with write(resources.engine) as session:
        if not are_loaded(session):
            load_territories(session, rows)


def is_empty(resources: Resources) -> bool:
    """Whether there is no sociopôle yet."""
    with read(resources.engine) as session:
        return not list_sociopoles(session)


def create_sociopole(resources: Resources, *, slug: str, name: str, territory: str) -> Place:
    """Add a sociopôle on a territory given by code, `level:code` or name; returns the territory."""
    if not SLUG.fullmatch(slug) or len(slug) > LONGEST_SLUG:
        raise Refused(
            f"« {slug} » ne convient pas comme nom court : des minuscules sans accent, des "
            "chiffres et des tirets, par exemple plaine-commune."
        )
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        raise Refused(f"Donnez au sociopôle un nom de 1 à {LONGEST_NAME} caractères.")
    initialise(resources)
    with write(resources.engine) as session:
        if exists(session, slug):
            raise Refused(f"Le sociopôle « {slug} » existe déjà : choisissez un autre nom court.")
        place = _one_place(find_places(session, territory), territory, name)
        add_sociopole(session, slug=slug, name=name.strip(), territory_id=place.id)
    return place


def load_demo(resources: Resources, progress: Progress | None = None) -> None:
    """Load the four sociopôles of the demo, with their statements and known relations."""
    if not DEMO.is_dir():
        raise Refused(f"Les données de démonstration ne sont pas là : {DEMO}.")
    for slug, name, territory in DEMO_SOCIOPOLES:
        with read(resources.engine) as session:
            known = exists(session, slug)
        if not known:
            create_sociopole(resources, slug=slug, name=name, territory=territory)
        report = take_in(
            resources, ImportPlan(DEMO / slug / "statements.csv", slug, Kind.PROBLEM), progress
        )
        if not report.written:
            raise Refused(f"La démonstration {slug} a des erreurs : {report.errors[:3]}")
        with write(resources.engine) as session:
            _load_relations(session, slug)


def _load_relations(session: Session, slug: str) -> None:
    path = DEMO / slug / "relations.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            (row["left"], row["right"], row["since"], row["note"])
            for row in csv.DictReader(file, delimiter=";")
        ]
    sociopole = next(view for view in list_sociopoles(session) if view.slug == slug)
    add_relations(session, sociopole.id, rows)


def _one_place(found: Sequence[Place], words: str, name: str) -> Place:
    """The territory that is meant; the sociopôle's own name tells two levels of one code apart."""
    if not found:
        raise Refused(
            f"Le territoire « {words} » est inconnu. Donnez un code officiel (93066, 200057867), "
            "un niveau et un code (region:32, departement:54), ou un nom."
        )
    named = [place for place in found if name_key(place.name) in name_key(name)]
    choices = found if len(found) == 1 else named
    if len(choices) != 1:
        options = " ; ".join(f"{place.id} ({place.name})" for place in found[:8])
        raise Refused(f"« {words} » désigne plusieurs territoires : {options}. Précisez le niveau.")
    return choices[0]
