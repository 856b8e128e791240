"""Another site must not act through a browser that is signed in here.

What changes something is taken from a page of this host only: the browser says so by
Sec-Fetch-Site, older ones by Origin. A program that gives a key and no cookie has no browser to be
abused, and is let in.
"""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.refusals import answer_refusal

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MESSAGE = "Cette demande vient d'un autre site : ouvrez la page ici, puis recommencez."


class SameSiteOnly:
    """Answers 403 to what another site's page sends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or refuse."""
        if scope["type"] == "http" and scope["method"] not in SAFE:
            headers = Headers(scope=scope)
            if not _is_from_here(headers, scope["scheme"]):
                response = answer_refusal(Request(scope), MESSAGE, 403)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_from_here(headers: Headers, scheme: str) -> bool:
    by_key_alone = "authorization" in headers and "cookie" not in headers
    if by_key_alone:
        return True
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        # No browser of today. Without a cookie there is nothing it could be abused for.
        return "cookie" not in headers
    here = f"{scheme}://{headers.get('host', '')}"
    return site in {None, "same-origin", "none"} and (
        origin is None or origin.casefold() == here.casefold()
    )
