"""What the command line shows of background jobs."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from service import terminal
from service.terminal import console, say

STATES = {
    "queued": "en attente",
    "running": "en cours",
    "done": "finie",
    "failed": "échouée",
    "cancelled": "annulée",
}


def show_jobs(shown: Mapping[str, Any]) -> None:
    """Jobs, the newest first."""
    if not shown["jobs"]:
        say("Aucune tâche de fond encore : « sociopoles suggest SOCIOPÔLE --background ».")
        return
    table = Table("", "quoi", "où", "état", "avancement", "qui", "quand")
    for job in shown["jobs"]:
        when = job["created_at"].replace("T", " ")
        cells = (job["label"], job["sociopole"], _state(job), _progress(job), job["by"])
        table.add_row(str(job["id"]), *map(escape, cells), when)
    console.print(table)


def show_job(job: Mapping[str, Any]) -> None:
    """One job, and what came of it."""
    say(f"Tâche {job['id']} ({job['label']}) : {_state(job)}. {_progress(job)}".rstrip())
    if job["error"]:
        say(job["error"])
    if job["kind"] == "import" and job["result"]:
        terminal.show_import(job["result"], dry_run=job["arguments"]["dry_run"])
    elif job["result"]:
        say(", ".join(f"{name} {value}" for name, value in job["result"].items()))


def _state(job: Mapping[str, Any]) -> str:
    if job["state"] == "running" and job["cancelling"]:
        return "en cours d'annulation"
    return STATES[job["state"]]


def _progress(job: Mapping[str, Any]) -> str:
    if not job["total"]:
        return str(job["message"])
    return f"{job['message']} : {job['done']} sur {job['total']}"
