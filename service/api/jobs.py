"""Long work in the background: asked for, followed as it goes, left, done again."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from matcher.assignment import Limits
from service.access import Permission
from service.api.groups import GroupingWanted
from service.api.pairings import RunWanted
from service.api.parameters import Before, Limit, Number
from service.api.problems import ANSWERS
from service.asked_first import AskedFirstOnce
from service.errors import Refused
from service.resources import Resources
from service.store.jobs import ENDED
from service.store.scope import Scope
from service.visits import Reviewing, Visit, open_visit
from service.workflows import background
from service.workflows.background import Asked
from service.workflows.group import GroupPlan
from service.workflows.show_jobs import show_job, show_jobs
from service.workflows.suggest import Plan, parse_kinds

router = APIRouter(prefix="/api/v1", responses=ANSWERS, tags=["tâches"], route_class=AskedFirstOnce)
EVERY_S, SIGN_OF_LIFE_S = 0.5, 15.0
"""How often a job is looked at, and after how long a silence a proxy hears that we are there."""
WHO_S = 5.0
"""How often it is asked again whether who follows a job still may."""
JOBS = "/sociopoles/{slug}/jobs"
EVENT = {
    "type": "object",
    "properties": {"data": {"type": "string", "contentMediaType": "application/json"}},
}
FOLLOWED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The job, each time it changes.",
        "content": {"text/event-stream": {"schema": EVENT}},
    }
}


@router.get(JOBS)
def list_jobs(
    visit: Reviewing,
    slug: str,  # noqa: ARG001 - in the visit
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """The jobs of a sociopôle, the newest first."""
    return show_jobs(_here(visit), before=before, limit=limit)


@router.post(f"{JOBS}/runs", status_code=202)
def ask_for_run(visit: Reviewing, slug: str, wanted: RunWanted) -> dict[str, Any]:
    """Have pairings proposed in the background."""
    plan = Plan(Limits(wanted.proposals, wanted.max_load), parse_kinds(wanted.kinds))
    number = background.submit_suggestions(visit.resources, slug, plan, Asked(visit.by))
    return show_job(visit.resources, number)


@router.post(f"{JOBS}/groupings", status_code=202)
def ask_for_grouping(visit: Reviewing, slug: str, wanted: GroupingWanted) -> dict[str, Any]:
    """Have groups made in the background."""
    plan = GroupPlan(
        slug,
        also=tuple(wanted.also),
        kinds=tuple(wanted.kinds),
        size=wanted.groups if wanted.groups is not None else wanted.size,
    )
    number = background.submit_grouping(visit.resources, plan, Asked(visit.by))
    return show_job(visit.resources, number)


@router.get(f"{JOBS}/{{number}}")
def read_job(visit: Reviewing, slug: str, number: Number) -> dict[str, Any]:  # noqa: ARG001
    """A job: its state, how far it is, its result or why it failed."""
    return show_job(_here(visit), number)


@router.get(
    f"{JOBS}/{{number}}/events",
    response_class=StreamingResponse,
    responses=FOLLOWED,
)
def follow_job(
    visit: Reviewing,
    request: Request,
    slug: str,  # noqa: ARG001 - in the visit
    number: Number,
) -> StreamingResponse:
    """The job each time it changes, until it is over or no longer theirs (server-sent events)."""
    resources = _here(visit)
    show_job(resources, number)  # what is not there is refused before the stream begins
    events = _events(resources, number, request)
    return StreamingResponse(events, media_type="text/event-stream")


@router.post(f"{JOBS}/{{number}}/cancel", status_code=202)
def cancel_job(visit: Reviewing, slug: str, number: Number) -> dict[str, Any]:  # noqa: ARG001
    """Leave a job: what it did not finish is undone."""
    resources = _here(visit)
    background.cancel(resources, number)
    return show_job(resources, number)


@router.post(f"{JOBS}/{{number}}/retry", status_code=202)
def retry_job(visit: Reviewing, slug: str, number: Number) -> dict[str, Any]:  # noqa: ARG001
    """Do a job again that failed or was left."""
    resources = _here(visit)
    background.retry(resources, number)
    return show_job(resources, number)


def _here(visit: Visit) -> Resources:
    """Resources that read the jobs of this very sociopôle."""
    here = frozenset({visit.sociopole}) if visit.sociopole else frozenset[int]()
    return visit.resources.seen_by(Scope(full=here, published=here))


def _still_may(request: Request) -> bool:
    """Whether who began to follow a job would be let in now."""
    try:
        open_visit(request, Permission.REVIEW)
    except Refused:
        return False
    return True


async def _events(resources: Resources, number: int, request: Request) -> AsyncIterator[str]:
    """No thread waits beside a stream: whoever leaves one open must not keep others from theirs."""
    shown: dict[str, Any] = {}
    silent, asked = 0.0, time.monotonic()
    while shown.get("state") not in ENDED:
        if time.monotonic() - asked >= WHO_S:
            if not await run_in_threadpool(_still_may, request):
                return
            asked = time.monotonic()
        latest = await run_in_threadpool(show_job, resources, number)
        if latest != shown:
            shown, silent = latest, 0.0
            yield f"data: {json.dumps(latest, ensure_ascii=False)}\n\n"
            continue
        await asyncio.sleep(EVERY_S)
        silent += EVERY_S
        if silent >= SIGN_OF_LIFE_S:
            silent = 0.0
            yield ": \n\n"
