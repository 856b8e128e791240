"""The pages: server-rendered HTML, in French, complete without JavaScript."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from matcher.assignment import Limits
from matcher.statements import Kind
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.territories import LEVELS
from service.workflows import show
from service.workflows.answer import LONGEST_QUERY, answer
from service.workflows.answer import Query as Question
from service.workflows.suggest import Plan, suggest

router = APIRouter(include_in_schema=False)

Shown = Mapping[str, Any]
"""What `service.workflows.show` gives: plain values under stable names."""

PAGE_LENGTH = 20
ANSWERS_SHOWN = 20
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


class Bar(NamedTuple):
    """One bar as it is shown: its name, the word for its value, and its length in tenths."""

    name: str
    word: str
    tenths: int


@router.get("/")
def show_home(request: Request) -> Response:
    """All sociopôles, and a search over them."""
    return _page(request, "home.html", show.show_sociopoles(_resources(request)))


@router.get("/sociopoles/{slug}")
def show_sociopole(
    request: Request, slug: str, nature: str = "", page: Annotated[int, Query(ge=1)] = 1
) -> Response:
    """One sociopôle: its pairings, best first, and what stays without an answer."""
    _check_kind(nature)
    resources = _resources(request)
    shown = show.show_page(resources, slug)
    run = shown["run"] or {"pairings": [], "orphans": []}
    kept = [p for p in run["pairings"] if nature in {"", p["right"]["kind"]}]
    last_page = max(1, -(-len(kept) // PAGE_LENGTH))
    if page > last_page:
        raise NotFound(f"La page {page} n'existe pas : la dernière est la page {last_page}.")
    start = (page - 1) * PAGE_LENGTH
    return _page(
        request,
        "sociopole.html",
        shown
        | {
            "kinds_met": Counter(p["right"]["kind"] for p in run["pairings"]),
            "nature": nature,
            "kept": len(kept),
            "pairings": [
                pairing
                | {
                    "left": _with_field(resources, pairing["left"]),
                    "right": _with_field(resources, pairing["right"]),
                    "bars": describe_bars(pairing),
                }
                for pairing in kept[start : start + PAGE_LENGTH]
            ],
            "page": page,
            "last_page": last_page,
            "page_numbers": sorted({1, page - 1, page, page + 1, last_page} - {0, last_page + 1}),
        },
    )


@router.post("/sociopoles/{slug}/rapprochements")
def make_run(request: Request, slug: str) -> Response:
    """Propose pairings anew, then go back to the page."""
    if _comes_from_elsewhere(request):
        message = "Cette demande vient d'un autre site : ouvrez la page ici, puis recommencez."
        return render_refusal(request, message, 403)
    suggest(_resources(request), slug, Plan(Limits()))
    return RedirectResponse(f"/sociopoles/{slug}", 303)


@router.get("/recherche")
def search(
    request: Request, q: str = "", sociopole: str = "", nature: str = "", secteur: str = ""
) -> Response:
    """A question or a whole abstract, and the contributions that answer it."""
    resources = _resources(request)
    answers: list[Shown] = []
    refusal, status = "", 200
    if q.strip():
        try:
            _check_kind(nature)
            kinds = (nature,) if nature else ()
            question = Question(q, sociopole, kinds, sector=secteur.strip(), k=ANSWERS_SHOWN)
            answers = show.show_answers(answer(resources, question))["answers"]
        except Refused as error:
            # Shown beside the form, which keeps what was written.
            refusal, status = str(error), 404 if isinstance(error, NotFound) else 422
    context = show.show_sociopoles(resources) | {
        "asked": {"q": q, "sociopole": sociopole, "nature": nature, "secteur": secteur},
        "answers": [_with_field(resources, found) for found in answers],
        "refusal": refusal,
    }
    return _page(request, "search.html", context, status)


def render_refusal(request: Request, message: str, status: int) -> Response:
    """The page that says why a request was refused."""
    return _page(request, "refusal.html", {"message": message, "status": status}, status)


def describe_bars(pairing: Shown) -> list[Bar]:
    """The four bars of a pairing, each with a word; the words follow the rules of matcher.bars."""
    left, right, values = pairing["left"], pairing["right"], pairing["bars"]
    words = {
        "Sens": ("meaning", _meaning_word(values["meaning"])),
        "Écart de secteurs": ("sector_gap", _gap_word(values["sector_gap"], left, right)),
        "Complémentarité": ("complementarity", _complementarity_word(left, right)),
        "Nouveauté": ("novelty", _novelty_word(values["novelty"])),
    }
    return [Bar(name, word, round(values[key] * 10)) for name, (key, word) in words.items()]


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


def _page(request: Request, name: str, context: dict[str, Any], status: int = 200) -> Response:
    return TEMPLATES.TemplateResponse(request, name, context, status_code=status)


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


def _check_kind(nature: str) -> None:
    if nature and nature not in set(Kind):
        names = ", ".join(f"{kind} ({KINDS[kind][0]})" for kind in KINDS)
        raise Refused(f"« {nature} » n'est pas une nature de contribution. Choix : {names}.")


def _comes_from_elsewhere(request: Request) -> bool:
    """Whether another site's page sent this form; a program, without these headers, is let in."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    foreign = origin is not None and urlsplit(origin).netloc.casefold() != host.casefold()
    return foreign or site not in {"same-origin", "none"}


def _with_field(resources: Resources, statement: Shown) -> dict[str, Any]:
    """The statement with its sector and discipline in words."""
    pairs: Sequence[tuple[Any, str]] = (
        (resources.sectors, statement["sector"]),
        (resources.disciplines, statement["discipline"]),
    )
    words = ", ".join(official.label(code) or code for official, code in pairs if code)
    return {**statement, "field": words[:1].upper() + words[1:]}


def _meaning_word(value: float) -> str:
    if value >= 0.75:
        return "fort"
    return "net" if value >= 0.6 else "faible"


def _gap_word(value: float, left: Shown, right: Shown) -> str:
    if value >= 0.75:
        return "secteurs éloignés"
    if value == 0:
        return "mêmes secteurs"
    # Within one college, only a sector that is not known gives one half.
    unknown = value == 0.5 and left["college"] == right["college"]
    return "secteur non précisé" if unknown else "secteurs voisins"


def _complementarity_word(left: Shown, right: Shown) -> str:
    needs = [left["kind"], right["kind"]].count(Kind.PROBLEM)
    return ("savoir ↔ savoir", "besoin ↔ savoir", "besoin partagé")[needs]


def _novelty_word(value: float) -> str:
    if value >= 0.8:
        return "ne se connaissent pas"
    return "une connaissance commune" if value >= 0.3 else "se connaissent déjà"
