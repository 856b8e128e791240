"""The pages to enter and leave: by password, by a code sent by e-mail, as someone of the demo.

They link to the identity providers, which `service.web.openid` goes to.
"""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, BackgroundTasks, Cookie, Form, Request, Response
from fastapi.responses import RedirectResponse

from service.errors import NotFound, NotSignedIn, Refused, TooMany
from service.resources import Resources
from service.settings import LOOPBACK
from service.visits import (
    CODE_COOKIE,
    Anyone,
    comes_from_here,
    cookie_name,
    give_code_cookie,
    give_cookie,
    network_of,
    take_cookie,
)
from service.web.rendering import render
from service.workflows.demo_people import enter_demo, list_demo_people
from service.workflows.openid_sign_in import Door
from service.workflows.sign_in import (
    CODE_LIFE,
    ask_code,
    send_quietly,
    sign_in_with_code,
    sign_in_with_password,
    sign_out,
)

router = APIRouter(include_in_schema=False)

SIGN_IN = "/connexion"
Field = Annotated[str, Form(max_length=400)]


def sign_in_url(request: Request) -> str:
    """Where to sign in, and then come back from."""
    path = request.url.path
    if request.method != "GET" or path == "/":
        return SIGN_IN
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{SIGN_IN}?suite={quote(path + query, safe='')}"


@router.get(SIGN_IN)
def show_sign_in(visit: Anyone, request: Request, suite: str = "/") -> Response:
    """The form."""
    return show_form(visit.resources, request, suite)


@router.post(SIGN_IN)
def enter(
    visit: Anyone, request: Request, email: Field, password: Field, suite: Field = "/"
) -> Response:
    """Sign in by password."""
    try:
        secret = sign_in_with_password(
            visit.resources.unscoped(),
            email=email,
            password=password,
            network=network_of(request),
        )
    except (NotSignedIn, TooMany) as refusal:
        return show_form(visit.resources, request, suite, email=email, refusal=refusal)
    return go_in(request, secret, suite)


@router.post(f"{SIGN_IN}/code")
def send_code(
    visit: Anyone, request: Request, tasks: BackgroundTasks, email: Field, suite: Field = "/"
) -> Response:
    """Send a code; the page is the same whether or not the address has an account."""
    try:
        asked = ask_code(visit.resources.unscoped(), email=email, network=network_of(request))
    except TooMany as refusal:
        return show_form(visit.resources, request, suite, email=email, refusal=refusal)
    if asked.mail:
        tasks.add_task(send_quietly, visit.resources.settings, asked.mail)
    response = _code_form(request, suite)
    give_code_cookie(request, response, asked.browser)
    return response


@router.post(f"{SIGN_IN}/code/saisie")
def enter_by_code(
    visit: Anyone,
    request: Request,
    code: Field,
    suite: Field = "/",
    browser: Annotated[str, Cookie(alias=CODE_COOKIE)] = "",
) -> Response:
    """Sign in by the code, in the browser that asked for it."""
    try:
        secret = sign_in_with_code(
            visit.resources.unscoped(), browser=browser, code=code, network=network_of(request)
        )
    except (NotSignedIn, TooMany) as refusal:
        return _code_form(request, suite, refusal)
    response = go_in(request, secret, suite)
    response.delete_cookie(CODE_COOKIE, path="/")
    return response


@router.post(f"{SIGN_IN}/demo")
def enter_as(visit: Anyone, request: Request, email: Field, suite: Field = "/") -> Response:
    """Enter as someone of the demo, on this machine only."""
    if not is_local(request, visit.resources):
        raise Refused("La démonstration ne s'ouvre que sur la machine où elle tourne.")
    return go_in(request, enter_demo(visit.resources, email, network_of(request)), suite)


@router.post("/deconnexion")
def leave(visit: Anyone, request: Request) -> Response:
    """Sign out."""
    sign_out(visit.resources.unscoped(), request.cookies.get(cookie_name(request), ""))
    response = RedirectResponse(SIGN_IN, 303)
    take_cookie(request, response)
    return response


def is_local(request: Request, resources: Resources) -> bool:
    """Whether the service listens on this machine alone, and the caller is on it."""
    return resources.settings.host in LOOPBACK and comes_from_here(request)


def doors_of(request: Request) -> Mapping[str, Door]:
    """The identity providers by name, opened once with the application."""
    doors: Mapping[str, Door] = request.app.state.doors
    return doors


def door_of(request: Request, name: str) -> Door:
    """One identity provider. Raises NotFound."""
    door = doors_of(request).get(name)
    if door is None:
        raise NotFound("Ce fournisseur d'identité n'est pas réglé ici : choisissez-en un autre.")
    return door


def go_in(request: Request, secret: str, suite: str) -> Response:
    """Give a session to the browser, and send it to a page of this site."""
    response = RedirectResponse(local_path(suite), 303)
    give_cookie(request, response, secret)
    return response


def local_path(suite: str) -> str:
    """Where to go next: never to another site."""
    is_path = suite.startswith("/") and suite[1:2] not in {"/", "\\"}
    return suite if is_path and suite.isprintable() else "/"


def show_form(
    resources: Resources,
    request: Request,
    suite: str,
    *,
    email: str = "",
    refusal: Refused | None = None,
) -> Response:
    """All the ways to enter, and why the last one failed."""
    people = list_demo_people(resources) if is_local(request, resources) else []
    # Where the provider sends back to: what the browser keeps must be kept for that very host.
    start = f"{resources.settings.public_url.rstrip('/')}{SIGN_IN}/fournisseur"
    context = {
        "suite": local_path(suite),
        "email": email,
        "refusal": str(refusal or ""),
        "people": people,
        "providers": [
            (door.provider.label, f"{start}/{name}") for name, door in doors_of(request).items()
        ],
    }
    return render(request, "sign_in.html", context, status_of(refusal))


def _code_form(request: Request, suite: str, refusal: Refused | None = None) -> Response:
    context = {
        "suite": local_path(suite),
        "refusal": str(refusal or ""),
        "minutes": int(CODE_LIFE.total_seconds() // 60),
    }
    return render(request, "sign_in_code.html", context, status_of(refusal))


def status_of(refusal: Refused | None, otherwise: int = 401) -> int:
    """The status of a page that shows this refusal."""
    if refusal is None:
        return 200
    if isinstance(refusal, NotFound):
        return 404
    return 429 if isinstance(refusal, TooMany) else otherwise
