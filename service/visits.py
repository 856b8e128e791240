"""Who asks, and whether they may: every route names the permission it needs.

A route that takes a `slug` is asked for the permission in that sociopôle; another's sociopôle is
answered as one that does not exist. The resources of a visit read only what the person may see.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated, Any

from fastapi import Depends, Request, Response, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from service.access import NOBODY, Permission, Person
from service.database import read
from service.errors import Forbidden, NotSignedIn
from service.once import claim_of
from service.resources import Resources
from service.store.sociopoles import sociopole_id
from service.workflows.sign_in import (
    CODE_LIFE,
    LONGEST,
    person_of_session,
    person_of_token,
    sign_out,
)

SIGN_IN_FIRST = "Connectez-vous pour voir cette page, ou donnez une clé (Authorization: Bearer …)."
COOKIE = "sociopoles"
SECURE_COOKIE = "__Host-sociopoles"
"""Browsers take this name only over https, for the whole host, and from no other host."""


CODE_COOKIE = "sociopoles-code"
LET_IN = "sociopoles.let_in"
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
SESSION = Security(
    APIKeyCookie(
        name=COOKIE,
        scheme_name="session",
        auto_error=False,
        description=f"Le cookie que donne la connexion ; en https, {SECURE_COOKIE}.",
    )
)
KEY = Security(
    HTTPBearer(
        scheme_name="key", auto_error=False, description="Une clé faite par POST /api/v1/me/tokens."
    )
)
"""Only so that the document of the API says how one signs in: `find_person` reads both itself."""
FORWARDED = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via")


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks, and the resources through which they read; `sociopole` is the one of the path."""

    person: Person
    resources: Resources
    sociopole: int | None = None

    @property
    def account(self) -> int:
        """The number of the account, of someone who is signed in."""
        if self.person.account is None:
            raise NotSignedIn(SIGN_IN_FIRST)
        return self.person.account

    @property
    def by(self) -> str:
        """The name under which what this person decides is kept."""
        return self.person.name


def get_resources(request: Request) -> Resources:
    """The process's resources, which by themselves show nothing: a visit shows more."""
    resources: Resources = request.app.state.resources
    return resources


def permitted(permission: Permission) -> Any:  # noqa: ANN401 - FastAPI's own type for a dependency
    """A dependency: the visit of someone who has this permission."""

    def visit(request: Request, _session: Any = SESSION, _key: Any = KEY) -> Visit:  # noqa: ANN401
        return open_visit(request, permission)

    def visit_oneself(request: Request, _session: Any = SESSION) -> Visit:  # noqa: ANN401
        return open_visit(request, permission)

    # What is one's own is never a key's.
    found = visit_oneself if permission == Permission.SELF else visit
    found.permission = permission  # type: ignore[attr-defined]  # read by the test of all routes
    return Depends(found)


def anyone() -> Any:  # noqa: ANN401 - FastAPI's own type for a dependency
    """A dependency: anyone's visit, who reads only what is published."""

    def visit(request: Request) -> Visit:
        resources = get_resources(request)
        return Visit(NOBODY, resources.seen_by(NOBODY.scope()))

    visit.permission = None  # type: ignore[attr-defined]
    return Depends(visit)


Reading = Annotated[Visit, permitted(Permission.READ)]
Questions = Annotated[Visit, permitted(Permission.QUESTIONS)]
Proposals = Annotated[Visit, permitted(Permission.PROPOSALS)]
Reviewing = Annotated[Visit, permitted(Permission.REVIEW)]
Contributing = Annotated[Visit, permitted(Permission.CONTRIBUTE)]
Contacts = Annotated[Visit, permitted(Permission.CONTACTS)]
Administering = Annotated[Visit, permitted(Permission.ADMINISTER)]
Own = Annotated[Visit, permitted(Permission.SELF)]
Anyone = Annotated[Visit, anyone()]


def open_visit(request: Request, permission: Permission) -> Visit:
    """Find who asks and let them in, or raise NotSignedIn, NotFound, Forbidden."""
    resources = get_resources(request)
    # Once: whoever asks again later, of the same request, asks who it is by then.
    known = request.scope.pop(LET_IN, None)
    person, sociopole = (
        known[1] if known and known[0] == permission else _let_in(request, permission)
    )
    # Last: under a key this may answer at once, with what only who may ask is to read.
    claim = claim_of(request, resources.unscoped(), person)
    return Visit(person, resources.seen_by(person.scope(), claim), sociopole)


def let_in(request: Request, permission: Permission) -> None:
    """Let somebody in, or raise, before `open_visit`, which then need not ask again."""
    request.scope[LET_IN] = (permission, _let_in(request, permission))


def _let_in(request: Request, permission: Permission) -> tuple[Person, int | None]:
    resources = get_resources(request)
    person = find_person(request, resources)
    if not person.is_known:
        raise NotSignedIn(SIGN_IN_FIRST)
    sociopole = _sociopole_of(request, resources.seen_by(person.scope()))
    allowed = person.may(permission, sociopole) if sociopole else person.may_somewhere(permission)
    if not allowed:
        raise Forbidden("Votre rôle ne permet pas cela : demandez-le à l'administration.")
    return person, sociopole


def find_person(request: Request, resources: Resources) -> Person:
    """Who asks: by a key, else by the cookie of a session, else nobody."""
    whole = resources.unscoped()
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.casefold() != "bearer":
            raise NotSignedIn("Une clé se donne par « Authorization: Bearer … ».")
        return person_of_token(whole, token.strip())
    secret = request.cookies.get(cookie_name(request), "")
    return person_of_session(whole, secret) if secret else NOBODY


def cookie_name(request: Request) -> str:
    """The name of the session's cookie: over https, the one no other host can set."""
    return SECURE_COOKIE if request.url.scheme == "https" else COOKIE


def give_cookie(request: Request, response: Response, secret: str) -> None:
    """Put the session into the browser, in place of the one it had, which is closed."""
    if former := request.cookies.get(cookie_name(request)):
        sign_out(get_resources(request).unscoped(), former)
    response.set_cookie(
        cookie_name(request),
        secret,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def give_code_cookie(request: Request, response: Response, browser: str) -> None:
    """Tie a code to the browser that asked for it."""
    response.set_cookie(
        CODE_COOKIE,
        browser,
        max_age=int(CODE_LIFE.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def take_cookie(request: Request, response: Response) -> None:
    """Take the session out of the browser."""
    response.delete_cookie(
        cookie_name(request),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def was_forwarded(request: Request) -> bool:
    """Whether a proxy asks for somebody else, even one that nobody said to trust."""
    return any(name in request.headers for name in FORWARDED)


def comes_from_here(request: Request) -> bool:
    """Whether a program of this machine asks, and no proxy of this machine for somebody else.

    By a name of this machine: a page of elsewhere has its own name lead here, and asks by that one.
    """
    if request.client is None or was_forwarded(request):
        return False
    asked = request.headers.get("host", "")
    name, _, port = asked.rpartition(":")
    try:
        is_near = ip_address(request.client.host).is_loopback
    except ValueError:
        return False
    return is_near and (name if port.isdigit() else asked).casefold() in LOCAL_NAMES


def network_of(request: Request) -> str:
    """The caller's network: enough to slow down guesses, too little to name a person."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        # A socket that listens to both sorts writes an address of the old one so; and an address
        # may name the card it came by, which is nothing of the network.
        address = address.ipv4_mapped or IPv6Address(int(address))
    length = 24 if isinstance(address, IPv4Address) else 48
    return str(ip_network((address, length), strict=False).network_address)


def _sociopole_of(request: Request, resources: Resources) -> int | None:
    slug = request.path_params.get("slug")
    if slug is None:
        return None
    with read(resources.engine) as session:
        return sociopole_id(session, str(slug))
