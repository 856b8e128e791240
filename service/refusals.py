"""What was refused, as a page for people and as problem+json for programs."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from service.api.problems import problem
from service.web.pages import render_refusal
from service.web.sign_in import sign_in_url

API = "/api/"


def answer_refusal(
    request: Request, message: str, status: int, changes: Sequence[Mapping[str, Any]] = ()
) -> Response:
    """The answer to a request that is not granted; who is not signed in is asked to."""
    if request.url.path.startswith(API):
        return problem(request, status, message, changes)
    if status == 401:
        return RedirectResponse(sign_in_url(request), 303)
    return render_refusal(request, message, status)
