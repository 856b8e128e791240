"""Templates, and the French typography they need."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.exc import SQLAlchemyError

from service.access import NOBODY, Person
from service.errors import NotSignedIn
from service.store.territories import LEVELS
from service.visits import find_person, get_resources
from service.workflows.answer import LONGEST_QUERY

FAULTS = 500
"""Statuses from here on are not the asker's doing."""
LONGEST_SHOWN, EXCERPT = 280, 240
"""Characters: a longer text is folded under an excerpt."""
KINDS = {
    "problem": ("problématique", "problématiques"),
    "offer": ("savoir proposé", "savoirs proposés"),
    "interest": ("intérêt de recherche", "intérêts de recherche"),
    "course": ("enseignement", "enseignements"),
}
COLLEGES = {
    "association": "association",
    "academic": "monde académique",
    "public": "acteur public",
    "private": "acteur privé",
}
MONTHS = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
)
EXAMPLES = (
    "Comment rompre l'isolement des personnes âgées quand le bus ne passe plus ?",
    "Que faire contre la chaleur dans les logements en été ?",
    "Pourquoi les bénévoles s'en vont-ils, et comment les garder ?",
)
NO_BREAK, NARROW_NO_BREAK = "\u00a0", "\u202f"


def typeset(text: str) -> str:
    """The text with the no-break spaces of French print, so that no sign starts a line."""
    text = re.sub(r" +([:»])", rf"{NO_BREAK}\1", text)
    text = re.sub(r" +([;?!])", rf"{NARROW_NO_BREAK}\1", text)
    return re.sub(r"« +", f"«{NO_BREAK}", text)


def excerpt(text: str) -> str:
    """The beginning of a text, cut between two words."""
    cut = text[:EXCERPT]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:.!?") + "…"


def count(n: int, singular: str, plural: str = "") -> str:
    """« 0 rapprochement », « 1 rapprochement », « 2 rapprochements »."""
    number = f"{n:,}".replace(",", NARROW_NO_BREAK)
    return f"{number}{NO_BREAK}{(plural or singular + 's') if n > 1 else singular}"


def link(path: str, **parameters: str | int) -> str:
    """A path with those of its parameters that are not empty."""
    given = {name: value for name, value in parameters.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def write_date(iso: str) -> str:
    """« 3 novembre 2026 »."""
    day = datetime.fromisoformat(iso)
    number = "1er" if day.day == 1 else str(day.day)
    return f"{number}{NO_BREAK}{MONTHS[day.month - 1]} {day.year}"


def _open_templates() -> Jinja2Templates:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"typeset": typeset, "date": write_date, "excerpt": excerpt}
    environment.globals |= {
        "count": count,
        "link": link,
        "KINDS": KINDS,
        "COLLEGES": COLLEGES,
        "LEVELS": LEVELS,
        "EXAMPLES": EXAMPLES,
        "LONGEST_SHOWN": LONGEST_SHOWN,
        "LONGEST_QUERY": LONGEST_QUERY,
    }
    return Jinja2Templates(env=environment)


TEMPLATES = _open_templates()


def find_visitor(request: Request) -> Person:
    """Who is signed in, if anyone."""
    try:
        return find_person(request, get_resources(request))
    except (NotSignedIn, SQLAlchemyError):
        return NOBODY


def render(request: Request, name: str, context: dict[str, Any], status: int = 200) -> Response:
    """A page, with the name of who is signed in."""
    # The page that says that the database is away must not ask it for a name.
    person = find_visitor(request) if status < FAULTS else NOBODY
    return TEMPLATES.TemplateResponse(
        request, name, {"person": person} | context, status_code=status
    )
