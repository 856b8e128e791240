"""The pages: server-rendered HTML, in French, complete without JavaScript."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from matcher.assignment import Limits
from matcher.statements import Kind
from service.access import Permission
from service.asked_first import AskedFirst
from service.errors import NotFound, Refused
from service.resources import Resources
from service.visits import Reading, Reviewing
from service.web.rendering import KINDS, link, render
from service.workflows import show
from service.workflows.answer import Query as Question
from service.workflows.answer import answer
from service.workflows.suggest import Plan, suggest

router = APIRouter(include_in_schema=False, route_class=AskedFirst)

Shown = Mapping[str, Any]
"""What `service.workflows.show` gives: plain values under stable names."""

PAGE_LENGTH = 20
ANSWERS_SHOWN = 20


class Bar(NamedTuple):
    """One bar as it is shown: its name, the word for its value, and its length in tenths."""

    name: str
    word: str
    tenths: int


@router.get("/")
def show_home(visit: Reading, request: Request) -> Response:
    """All sociopôles, and a search over them."""
    return render(request, "home.html", show.show_sociopoles(visit.resources))


@router.get("/sociopoles/{slug}")
def show_sociopole(
    visit: Reading,
    request: Request,
    slug: str,
    nature: str = "",
    page: Annotated[int, Query(ge=1)] = 1,
) -> Response:
    """One sociopôle: its pairings, best first, and what stays without an answer."""
    _check_kind(nature)
    resources = visit.resources
    if not visit.person.may(Permission.PROPOSALS, visit.sociopole):
        # What the machine proposes is for the animation; everyone may look for what answers them.
        return RedirectResponse(link("/recherche", sociopole=slug), 303)
    shown = show.show_page(resources, slug)
    run = shown["run"] or {"pairings": [], "orphans": []}
    kept = [p for p in run["pairings"] if nature in {"", p["right"]["kind"]}]
    last_page = max(1, -(-len(kept) // PAGE_LENGTH))
    if page > last_page:
        raise NotFound(f"La page {page} n'existe pas : la dernière est la page {last_page}.")
    start = (page - 1) * PAGE_LENGTH
    return render(
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
def make_run(visit: Reviewing, slug: str) -> Response:
    """Propose pairings anew, then go back to the page."""
    suggest(visit.resources, slug, Plan(Limits()))
    return RedirectResponse(f"/sociopoles/{slug}", 303)


@router.get("/recherche")
def search(
    visit: Reading,
    request: Request,
    q: str = "",
    sociopole: str = "",
    nature: str = "",
    secteur: str = "",
) -> Response:
    """A question or a whole abstract, and the contributions that answer it."""
    resources = visit.resources
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
    return render(request, "search.html", context, status)


def render_refusal(request: Request, message: str, status: int) -> Response:
    """The page that says why a request was refused."""
    return render(request, "refusal.html", {"message": message, "status": status}, status)


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


def _check_kind(nature: str) -> None:
    if nature and nature not in set(Kind):
        names = ", ".join(f"{kind} ({KINDS[kind][0]})" for kind in KINDS)
        raise Refused(f"« {nature} » n'est pas une nature de contribution. Choix : {names}.")


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
