"""What machines ask: does the process live, is it ready, what has it counted."""

import secrets

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from service.api.problems import problem
from service.database import read
from service.metrics import CONTENT_TYPE, Metrics, Reading
from service.resources import Resources
from service.store.health import jobs_by_state
from service.store.revisions import current_mark
from service.visits import Anyone, comes_from_here
from service.workflows.stay_ready import find_missing

router = APIRouter(include_in_schema=False)
METRICS_ARE_LOCAL = "Les mesures se lisent depuis cette machine, ou avec SOCIOPOLES_METRICS_TOKEN."


async def whoever() -> None:
    """Anyone, and without waiting for a thread: the process lives even when all are at work."""


whoever.permission = None  # type: ignore[attr-defined]  # read by the test of all routes


@router.get("/healthz", dependencies=[Depends(whoever)])
async def say_alive() -> dict[str, str]:
    """Whether the process lives."""
    return {"status": "ok"}


@router.get("/readyz")
def say_ready(request: Request, visit: Anyone) -> Response:
    """Whether a search would be answered now, else what is missing."""
    missing = find_missing(visit.resources.unscoped())
    if not missing:
        revision = visit.resources.indexes.revision
        return JSONResponse({"status": "ready", "revision": revision})
    if wake := getattr(request.app.state, "wake", None):
        wake.set()
    answer = problem(request, 503, f"Le service n'est pas prêt : {', '.join(missing)}.")
    answer.headers["Retry-After"] = "5"
    return answer


@router.get("/metrics")
def show_metrics(request: Request, visit: Anyone) -> Response:
    """Counts and durations in the text format of Prometheus."""
    if not _may_read_metrics(request, visit.resources):
        return problem(request, 403, METRICS_ARE_LOCAL)
    metrics: Metrics = request.app.state.metrics
    return Response(
        metrics.expose(_read_database(visit.resources.unscoped())), media_type=CONTENT_TYPE
    )


def _read_database(resources: Resources) -> list[Reading]:
    up = ("sociopoles_database_up", "1 where the database answers.")
    try:
        with read(resources.engine) as session:
            revision, jobs = current_mark(session).revision, jobs_by_state(session)
    except SQLAlchemyError:
        # What was counted is worth most when something is down.
        return [Reading(*up, 0)]
    return [
        Reading(*up, 1),
        Reading("sociopoles_database_revision", "Changes committed so far.", revision),
        Reading("sociopoles_jobs", "Background jobs, by state.", jobs),
    ]


def _may_read_metrics(request: Request, resources: Resources) -> bool:
    wanted = resources.settings.metrics_token.get_secret_value()
    if wanted:
        given = request.headers.get("authorization", "").encode()
        return secrets.compare_digest(given, f"Bearer {wanted}".encode())
    return comes_from_here(request)
