"""The way to an identity provider and back, to enter or to tie an identity to one's account."""

from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from service.asked_first import AskedFirst
from service.errors import Refused
from service.openid.dance_cookie import LIFE_SECONDS
from service.visits import Anyone, Own, Visit, network_of
from service.web.pages import render_refusal
from service.web.rendering import find_visitor, render
from service.web.sign_in import SIGN_IN, door_of, go_in, local_path, show_form, status_of
from service.workflows.openid_sign_in import RETURN, enter, leave_for, link, read_dance, unlink

router = APIRouter(include_in_schema=False, route_class=AskedFirst)

DANCE_COOKIE = "sociopoles-fournisseur"
LONGEST_PATH = 1000
"""Longer, it would not fit into a cookie."""


@router.get(f"{SIGN_IN}/fournisseur/{{provider}}")
def start(visit: Anyone, request: Request, provider: str, suite: str = "/") -> Response:
    """Send the browser to the provider."""
    try:
        url, sealed = leave_for(door_of(request, provider), then=_short_path(suite))
    except Refused as refusal:
        return _refuse(visit, request, refusal, suite)
    response = RedirectResponse(url, 303)
    _give_dance(request, response, sealed)
    return response


@router.get("/compte/relier/{provider}")
def ask_to_link(visit: Own, request: Request, provider: str, suite: str = "/") -> Response:
    """A link to the provider, to be followed on purpose.

    Were the browser sent on at once, another site could have it tie an identity of its own.
    """
    door = door_of(request, provider)
    url, sealed = leave_for(door, then=_short_path(suite), account=visit.account)
    context = {"label": door.provider.label, "url": url, "suite": local_path(suite)}
    response = render(request, "link_identity.html", context)
    _give_dance(request, response, sealed)
    return response


@router.get(f"{RETURN}/{{provider}}")
def come_back(visit: Anyone, request: Request, provider: str) -> Response:
    """Let in who comes back from the provider, or tie them to the account that asked for it."""
    try:
        response = _finish(visit, request, provider)
    except Refused as refusal:
        response = _refuse(visit, request, refusal)
    # Whatever came of it, it is over.
    response.delete_cookie(
        _cookie_name(request),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


@router.post("/compte/delier/{provider}")
def stop_linking(
    visit: Own, request: Request, provider: str, suite: str = Form("/", max_length=400)
) -> Response:
    """Forget the identity that a provider knows one's account by."""
    secret = unlink(visit.resources, visit.account, provider, network=network_of(request))
    return go_in(request, secret, suite)


def _finish(visit: Visit, request: Request, provider: str) -> Response:
    door, resources = door_of(request, provider), visit.resources.unscoped()
    dance = read_dance(door, request.cookies.get(_cookie_name(request), ""))
    params, network = request.query_params, network_of(request)
    if dance.account is None:
        secret = enter(resources, door, dance, params, network=network)
        return go_in(request, secret, dance.then)
    link(resources, door, dance, params, person=find_visitor(request), network=network)
    return RedirectResponse(local_path(dance.then), 303)


def _refuse(visit: Visit, request: Request, refusal: Refused, suite: str = "/") -> Response:
    if find_visitor(request).is_known:
        return render_refusal(request, str(refusal), status_of(refusal, 403))
    return show_form(visit.resources, request, suite, refusal=refusal)


def _short_path(suite: str) -> str:
    return local_path(suite) if len(quote(suite)) <= LONGEST_PATH else "/"


def _cookie_name(request: Request) -> str:
    return f"__Host-{DANCE_COOKIE}" if request.url.scheme == "https" else DANCE_COOKIE


def _give_dance(request: Request, response: Response, sealed: str) -> None:
    response.set_cookie(
        _cookie_name(request),
        sealed,
        max_age=LIFE_SECONDS,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
