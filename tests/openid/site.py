"""A small site that signs people in through providers: the functions under real requests."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import Refused
from service.openid.accounts import account_of, tie
from service.openid.dance_cookie import LIFE_SECONDS, open_key, seal, unseal
from service.openid.sign_in import (
    Identity,
    finish_sign_in,
    open_providers,
    sign_out_url,
    start_sign_in,
)
from service.settings import Settings

COOKIE = "sociopoles-dance"
PATIENCE = 2.0
"""Seconds the provider is waited for."""


@dataclass
class KnownPeople:
    """Accounts by their number, and the identities tied to them."""

    emails: dict[int, str] = field(default_factory=dict)
    identities: dict[tuple[str, str], int] = field(default_factory=dict)

    def tied_to(self, issuer: str, subject: str) -> int | None:
        return self.identities.get((issuer, subject))

    def subject_of(self, account: int, issuer: str) -> str | None:
        tied = (who for who, number in self.identities.items() if number == account)
        return next((subject for place, subject in tied if place == issuer), None)

    def invited_as(self, email: str) -> int | None:
        known = (n for n, address in self.emails.items() if address.lower() == email.lower())
        return next(known, None)

    def tie(self, account: int, issuer: str, subject: str) -> None:
        self.identities[issuer, subject] = account

    def create(self, identity: Identity) -> int:
        number = len(self.emails) + 1
        self.emails[number] = identity.email
        return number


def create_site(settings: Settings, people: KnownPeople) -> FastAPI:
    site = FastAPI(openapi_url=None)
    providers, key = open_providers(settings, PATIENCE), open_key(settings.data)

    @site.exception_handler(Refused)
    def refuse(_request: Request, error: Refused) -> Response:
        return JSONResponse({"error": str(error)}, status_code=422)

    @site.get("/start/{name}")
    def start(request: Request, name: str, account: int | None = None) -> Response:
        back = str(request.url_for("finish", name=name))
        url, dance = start_sign_in(providers[name], back, account=account)
        answer = RedirectResponse(url, status_code=303)
        answer.set_cookie(COOKIE, seal(key, dance), max_age=LIFE_SECONDS, httponly=True)
        return answer

    @site.get("/finish/{name}")
    def finish(request: Request, name: str) -> Response:
        dance = unseal(key, request.cookies.get(COOKIE, ""))
        back = str(request.url_for("finish", name=name))
        identity = finish_sign_in(providers[name], dance, request.query_params, back)
        if dance.account is None:
            account = account_of(providers[name], identity, people)
        else:
            account = dance.account
            tie(identity, account, people)
        leave, _state = sign_out_url(providers[name], identity.id_token, f"{request.base_url}bye")
        answer = JSONResponse(
            {
                "account": account,
                "subject": identity.subject,
                "email": identity.email,
                "email_verified": identity.email_verified,
                "name": identity.name,
                "leave": leave,
            }
        )
        answer.delete_cookie(COOKIE)
        return answer

    return site


@dataclass
class Place:
    """One address at which one site after another answers."""

    address: str = ""
    site: ASGIApp = field(default_factory=FastAPI)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.site(scope, receive, send)


@contextmanager
def serve() -> Iterator[Place]:
    """A place, until the block ends."""
    place = Place()
    config = uvicorn.Config(place, port=0, log_level="error", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        place.address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield place
    finally:
        server.should_exit = True
        thread.join()


def settings_for(folder: Path, issuer: str, **more: Any) -> Settings:
    """One provider at this address, known as `maison`, and as `autre`."""
    chosen = {
        "name": "maison",
        "label": "Ma maison",
        "issuer": issuer,
        "client_id": "sociopoles",
        "client_secret": "un secret: à %/?",
    }
    trusted = issuer.removeprefix("http://")
    return Settings(
        data=folder, oidc=[chosen | more, chosen | {"name": "autre"}], private_hosts=trusted
    )
