"""Sign in and out, and one's own account: password, sessions, keys."""

from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Cookie, Request, Response
from pydantic import Field, StrictInt

from service.access import GRANTABLE, Permission
from service.api.parameters import Number, ProviderName
from service.api.problems import ANSWERS
from service.api.schemas import Body, example
from service.asked_first import AskedFirstOnce
from service.visits import (
    CODE_COOKIE,
    Anyone,
    Own,
    cookie_name,
    give_code_cookie,
    give_cookie,
    network_of,
    take_cookie,
)
from service.workflows import accounts
from service.workflows.openid_sign_in import unlink
from service.workflows.sign_in import (
    CODE_LIFE,
    ask_code,
    send_quietly,
    sign_in_with_code,
    sign_in_with_password,
    sign_out,
)

router = APIRouter(prefix="/api/v1", responses=ANSWERS, tags=["compte"], route_class=AskedFirstOnce)


class PasswordSignIn(Body):
    """Who enters, by password."""

    model_config = example(
        {"email": "animatrice@exemple.fr", "password": "quatre mots pas devinables"}
    )

    email: str = Field(max_length=320, examples=["animatrice@exemple.fr"])
    password: str = Field(max_length=200)


class CodeWanted(Body):
    """Who wants a code by e-mail."""

    model_config = example({"email": "animatrice@exemple.fr"})

    email: str = Field(max_length=320, examples=["animatrice@exemple.fr"])


class CodeTyped(Body):
    """The six digits of the e-mail."""

    model_config = example({"code": "123456"})

    code: str = Field(max_length=20, examples=["123456"])


class NewPassword(Body):
    """The old password, empty where there is none yet, and the new one."""

    model_config = example(
        {"old": "quatre mots pas devinables", "new": "une autre phrase bien à soi"}
    )

    old: str = Field("", max_length=200)
    new: str = Field(max_length=200)


class NewToken(Body):
    """A key for a program."""

    model_config = example({"name": "Tableau de bord", "scopes": ["read", "proposals"], "days": 90})

    name: str = Field(max_length=200, examples=["Tableau de bord"])
    scopes: list[Permission] = Field(examples=[["read", "proposals"]], max_length=10)
    days: StrictInt = Field(365, ge=1, le=365)


@router.post("/session", status_code=204)
def enter(visit: Anyone, request: Request, response: Response, who: PasswordSignIn) -> None:
    """Sign in by password; the session is in the cookie."""
    secret = sign_in_with_password(
        visit.resources.unscoped(),
        email=who.email,
        password=who.password,
        network=network_of(request),
    )
    give_cookie(request, response, secret)


@router.post("/session/codes", status_code=202)
def send_code(
    visit: Anyone,
    request: Request,
    response: Response,
    wanted: CodeWanted,
    tasks: BackgroundTasks,
) -> dict[str, int]:
    """Send an eight-digit code; the answer is the same where the address is nobody's."""
    asked = ask_code(visit.resources.unscoped(), email=wanted.email, network=network_of(request))
    give_code_cookie(request, response, asked.browser)
    if asked.mail:
        # After the answer: how long the mail takes must not tell that the address is known.
        tasks.add_task(send_quietly, visit.resources.settings, asked.mail)
    return {"expires_in_s": int(CODE_LIFE.total_seconds())}


@router.post("/session/code", status_code=204)
def enter_by_code(
    visit: Anyone,
    request: Request,
    response: Response,
    typed: CodeTyped,
    browser: Annotated[str, Cookie(alias=CODE_COOKIE)] = "",
) -> None:
    """Sign in by the code, in the browser that asked for it."""
    secret = sign_in_with_code(
        visit.resources.unscoped(), browser=browser, code=typed.code, network=network_of(request)
    )
    give_cookie(request, response, secret)
    response.delete_cookie(CODE_COOKIE, path="/")


@router.delete("/session", status_code=204)
def leave(visit: Anyone, request: Request, response: Response) -> None:
    """Sign out: the session is closed for good."""
    sign_out(visit.resources.unscoped(), request.cookies.get(cookie_name(request), ""))
    take_cookie(request, response)


@router.get("/me")
def read_me(visit: Own) -> dict[str, Any]:
    """One's own account, open sessions, keys, and the providers it is tied to."""
    return accounts.show_own(visit.resources, visit.person)


@router.put("/me/password", status_code=204)
def change_password(visit: Own, request: Request, response: Response, wanted: NewPassword) -> None:
    """Change one's password: every other session is closed, and every key is taken away."""
    secret = accounts.set_password(
        visit.resources,
        visit.person,
        old=wanted.old,
        new=wanted.new,
        network=network_of(request),
    )
    give_cookie(request, response, secret)


@router.delete("/me/sessions", status_code=204)
def leave_everywhere(visit: Own, request: Request, response: Response) -> None:
    """Sign out in every browser; keys stay: take them away one by one, or by a new password."""
    accounts.close_all_sessions(visit.resources, visit.person)
    take_cookie(request, response)


@router.post("/me/tokens", status_code=201)
def make_token(visit: Own, request: Request, wanted: NewToken) -> dict[str, Any]:
    """A key for a program; its secret is shown this once."""
    view, secret = accounts.create_token(
        visit.resources,
        visit.person,
        name=wanted.name,
        scopes=wanted.scopes,
        days=wanted.days,
    )
    shown = accounts.show_token(view)
    # Asked again under the same key, the answer is without the secret: it is kept nowhere.
    request.state.once_instead = shown | {"secret": None}
    return shown | {"secret": secret}


@router.delete("/me/tokens/{number}", status_code=204)
def remove_token(visit: Own, number: Number) -> None:
    """Take a key away: it stops working at once."""
    accounts.remove_token(visit.resources, visit.person, number)


@router.delete("/me/identities/{provider}", status_code=204)
def remove_identity(
    visit: Own, request: Request, response: Response, provider: ProviderName
) -> None:
    """Forget the identity of a provider: every other session is closed."""
    secret = unlink(visit.resources, visit.account, provider, network=network_of(request))
    give_cookie(request, response, secret)


@router.get("/me/scopes")
def list_scopes(visit: Own) -> dict[str, list[str]]:  # noqa: ARG001 - the permission is the point
    """What a key may be given."""
    return {"scopes": sorted(GRANTABLE)}
