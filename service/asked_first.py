"""Whoever may not is refused before what they send is read: it may be twenty megabytes."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from service.access import Permission
from service.once import OnceRoute
from service.visits import let_in

WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


class AskedFirst(APIRoute):
    """A route that lets somebody in, or refuses them, before it reads what they send."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler, behind the door."""
        usual = super().get_route_handler()
        asked = [getattr(part.call, "permission", None) for part in self.dependant.dependencies]
        needed: list[Permission] = [permission for permission in asked if permission is not None]

        async def handle(request: Request) -> Response:
            if request.method not in WITHOUT_BODY:
                for permission in needed:
                    await run_in_threadpool(let_in, request, permission)
            return await usual(request)

        return handle


class AskedFirstOnce(AskedFirst, OnceRoute):
    """The same, where POSTs honour Idempotency-Key."""
