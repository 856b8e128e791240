"""The page that the link of an alert mail opens: stop, by a button, or by the mail program."""

from fastapi import APIRouter, Request, Response

from service.visits import Anyone
from service.web.rendering import render
from service.workflows.alerts import stop_mails

router = APIRouter(include_in_schema=False)
STOP = "/alertes/arret/{secret}"


@router.get(STOP)
def ask(visit: Anyone, request: Request, secret: str) -> Response:  # noqa: ARG001
    """The button: a mail scanner that opens links must not stop anything."""
    return render(request, "stop_alerts.html", {"stopped": None})


@router.post(STOP)
def stop(visit: Anyone, request: Request, secret: str) -> Response:
    """Stop the mails (RFC 8058: a mail program sends this form by itself)."""
    stopped = stop_mails(visit.resources.unscoped(), secret)
    return render(request, "stop_alerts.html", {"stopped": stopped})
