"""Idempotency-Key: a POST sent again under the same key is answered again, not done again.

The key is claimed by the first row of the transaction that does the work, so it is known exactly
when the work is. After draft-ietf-httpapi-idempotency-key-header.
"""

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from service.access import Person
from service.database import now, read, write
from service.errors import Overtaken, Refused
from service.resources import Resources
from service.store.once import AlreadyClaimed, Done, claim, find_done, keep_answer
from service.store.readings import Reading, hold_reading, note_reading

LOGGER = logging.getLogger(__name__)
HEADER = "idempotency-key"
LONGEST_KEY = 200
OTHERWISE = (
    "Cette clé (Idempotency-Key) a déjà servi pour une autre demande, ou avec d'autres droits : "
    "prenez-en une nouvelle."
)
WAIT_S, POLL_S = 15.0, 0.05
"""How long a second request waits for the answer of the first."""


class Key(NamedTuple):
    """The key as the sender chose it, and what was asked under it."""

    name: str
    request_hash: str


class AnsweredBefore(Exception):  # noqa: N818 - says what happened
    """The answer that was given under this key."""

    def __init__(self, done: Done) -> None:
        super().__init__()
        self.done = done


class OnceRoute(APIRoute):
    """A route whose POSTs honour Idempotency-Key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler, with the answer kept under the key."""
        usual = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if request.method != "POST" or HEADER not in request.headers:
                return await usual(request)
            request.state.once_key = await _read_key(request)
            request.state.once_hash = request.state.once_asked = ""
            resources: Resources = request.app.state.resources.unscoped()
            try:
                response = await usual(request)
            except AnsweredBefore as before:
                return _again(before.done)
            except AlreadyClaimed:
                return _again(await _wait(resources, request))
            if request.state.once_hash:
                instead = getattr(request.state, "once_instead", None)
                reading: Reading = request.state.once_reading
                await run_in_threadpool(
                    _keep, resources, request.state.once_hash, response, instead, reading
                )
            return response

        return handle


def claim_of(
    request: Request, resources: Resources, person: Person
) -> Callable[[Session], None] | None:
    """What the work's transaction begins with: the claim of the key. None without a key.

    Raises AnsweredBefore where it was done already, Refused where the key meant something else.
    """
    key: Key | None = getattr(request.state, "once_key", None)
    if key is None:
        return None
    key_hash = hashlib.sha256(f"{person.account} {key.name}".encode()).hexdigest()
    # What was answered held what the person could read then: with other rights it is another.
    asked = hashlib.sha256(f"{key.request_hash} {_rights(person)}".encode()).hexdigest()
    request.state.once_hash, request.state.once_asked = key_hash, asked
    with read(resources.engine) as session:
        done = find_done(session, key_hash)
        request.state.once_reading = note_reading(session)
    if done is not None:
        if done.request_hash != asked:
            raise Refused(OTHERWISE)
        if done.status is None:
            raise AlreadyClaimed
        raise AnsweredBefore(done)
    claimed = False

    def first(session: Session) -> None:
        nonlocal claimed
        if not claimed:
            claim(session, key_hash, asked, now())
            claimed = True

    return first


async def _read_key(request: Request) -> Key:
    name = request.headers[HEADER]
    if not 1 <= len(name) <= LONGEST_KEY:
        raise Refused(f"Idempotency-Key compte de 1 à {LONGEST_KEY} caractères.")
    asked = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    body = await request.body()
    # A form that carries a file is cut by a word that each sending draws anew.
    _, _, boundary = request.headers.get("content-type", "").partition("boundary=")
    boundary = boundary.partition(";")[0].strip(' "')
    asked.update(body.replace(boundary.encode(), b"--") if boundary else body)
    return Key(name, asked.hexdigest())


def _rights(person: Person) -> str:
    scope = person.scope()
    what = (scope.full, scope.published, scope.organisations, scope.contacts, person.limited_to)
    return repr([None if part is None else sorted(part) for part in what])


async def _wait(resources: Resources, request: Request) -> Done:
    """The answer of the request that came first, once it is written."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        done = await run_in_threadpool(_find, resources, request.state.once_hash)
        if done is not None and done.request_hash != request.state.once_asked:
            raise Refused(OTHERWISE)
        if done is not None and done.status is not None:
            return done
        await asyncio.sleep(POLL_S)
    raise Refused("Cette demande a déjà été faite, sa réponse s'est perdue : relisez l'état.")


def _find(resources: Resources, key_hash: str) -> Done | None:
    with read(resources.engine) as session:
        return find_done(session, key_hash)


def _keep(
    resources: Resources, key_hash: str, response: Response, instead: object, reading: Reading
) -> None:
    # What holds a secret is not kept: whoever asks again is answered without it.
    body = (
        json.dumps(instead, ensure_ascii=False).encode()
        if instead is not None
        else bytes(response.body)
    )
    try:
        with write(resources.engine) as session:
            try:
                hold_reading(session, reading)
            except Overtaken:
                # It may name who was erased; whoever asks again gets the same status.
                body = b""
            keep_answer(
                session,
                key_hash,
                status=response.status_code,
                media_type=response.headers.get("content-type", ""),
                body=body,
            )
    except SQLAlchemyError as error:
        # It is done: to answer otherwise would have it done again under another key.
        LOGGER.warning("an answer was not kept: %s", error)


def _again(done: Done) -> Response:
    headers = {"content-type": done.media_type, "idempotent-replayed": "true"}
    return Response(done.body, done.status or 200, headers=headers)
