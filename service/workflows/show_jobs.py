"""Background jobs as plain values."""

from typing import Any

from service.database import read
from service.resources import Resources
from service.store.jobs import UPLOAD, JobView, get_job, list_jobs
from service.workflows.background import WORKS


def show_jobs(
    resources: Resources, *, before: int | None = None, limit: int = 50
) -> dict[str, Any]:
    """Jobs, the newest first; `before` is the number of the last one already shown."""
    with read(resources.engine) as session:
        return {"jobs": [_show(view) for view in list_jobs(session, before=before, limit=limit)]}


def show_job(resources: Resources, number: int) -> dict[str, Any]:
    """One job. Raises NotFound."""
    with read(resources.engine) as session:
        return _show(get_job(session, number))


def _show(view: JobView) -> dict[str, Any]:
    work = WORKS.get(view.kind)
    return {
        "id": view.id,
        "kind": view.kind,
        "label": work.label if work else view.kind,
        "sociopole": view.sociopole,
        "by": view.by,
        "arguments": {name: v for name, v in view.arguments.items() if name != UPLOAD},
        "state": str(view.state),
        "cancelling": view.cancelling,
        **view.told._asdict(),
        "attempts": view.attempts,
        "worker": view.worker,
        "result": view.result,
        "error": view.error,
        "created_at": view.created_at.isoformat(timespec="seconds"),
        "started_at": view.started_at and view.started_at.isoformat(timespec="seconds"),
        "finished_at": view.finished_at and view.finished_at.isoformat(timespec="seconds"),
    }
