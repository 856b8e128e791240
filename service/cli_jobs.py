"""The commands about background jobs and the processes that do them, in French."""

import getpass
import json
from functools import cache, partial
from typing import Annotated

import typer

from service import terminal, terminal_jobs
from service.catchup import catch_up
from service.command import (
    DataOption,
    JsonFlag,
    database_faults,
    opened,
    print_shown,
    refusals,
    settings_of,
)
from service.jobs import LEASE_S, POLL_S, Pace, Worker, work
from service.logs import configure_logs
from service.resources import open_database, open_resources
from service.store.jobs import State
from service.worker import Nightly, hold_name, stop_on_signals
from service.workflows.background import (
    WORKS,
    Asked,
    cancel,
    retry,
    submit_embedding,
    submit_nightly,
    tidy_uploads,
)
from service.workflows.sentences import embed_sentences
from service.workflows.show_jobs import show_job, show_jobs

job_cli = typer.Typer(help="Une tâche de fond : voir, annuler, relancer.", no_args_is_help=True)

BackgroundFlag = Annotated[
    bool,
    typer.Option("--background", help="Le demande, sans attendre ; donne le numéro de la tâche."),
]
NumberArgument = Annotated[int, typer.Argument(min=1, max=2**31 - 1, help="Numéro (« jobs »).")]


def add_job_commands(cli: typer.Typer) -> None:
    """Add these commands to the whole."""
    cli.command("jobs")(jobs_command)
    cli.add_typer(job_cli, name="job")
    cli.command("embed")(embed_command)
    cli.command("worker")(worker_command)


def asked_here() -> Asked:
    """A job asked for at the command line."""
    return Asked(getpass.getuser())


def print_submitted(number: int, as_json: bool) -> None:  # noqa: FBT001 - as print_shown
    """The number of a job just asked for."""
    if as_json:
        typer.echo(json.dumps({"job": number}))
    else:
        terminal.say(f"Tâche {number} demandée : « sociopoles job show {number} » la suit.")


def jobs_command(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Au plus.")] = 50,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Liste les tâches de fond, la dernière demandée d'abord."""
    with refusals(as_json=as_json), opened(data) as resources:
        print_shown(show_jobs(resources, limit=limit), as_json, terminal_jobs.show_jobs)


@job_cli.command("show")
def show_command(
    number: NumberArgument, as_json: JsonFlag = False, data: DataOption = None
) -> None:
    """Montre où en est une tâche, et ce qui en est sorti."""
    with refusals(as_json=as_json), opened(data) as resources:
        print_shown(show_job(resources, number), as_json, terminal_jobs.show_job)


@job_cli.command("cancel")
def cancel_command(
    number: NumberArgument, as_json: JsonFlag = False, data: DataOption = None
) -> None:
    """Annule une tâche qui attend, ou l'arrête à sa prochaine étape."""
    with refusals(as_json=as_json), opened(data) as resources:
        state = cancel(resources, number)
        if as_json:
            print_shown(show_job(resources, number), as_json, terminal_jobs.show_job)
    if not as_json:
        asked = state == State.RUNNING
        terminal.say(f"Tâche {number} : {'elle va s’arrêter' if asked else 'annulée'}.")


@job_cli.command("retry")
def retry_command(
    number: NumberArgument, as_json: JsonFlag = False, data: DataOption = None
) -> None:
    """Relance une tâche qui a échoué ou fut annulée."""
    with refusals(as_json=as_json), opened(data) as resources:
        retry(resources, number)
    print_submitted(number, as_json)


def embed_command(
    background: BackgroundFlag = False, as_json: JsonFlag = False, data: DataOption = None
) -> None:
    """Calcule les vecteurs qui manquent, après un changement de modèle."""
    with refusals(as_json=as_json), opened(data) as resources, terminal.progress() as tell:
        number = submit_embedding(resources, asked_here()) if background else None
        if not background:
            catch_up(resources, tell)
            embed_sentences(resources, tell)
    if number is not None:
        print_submitted(number, as_json)
    else:
        print_shown({"job": None}, as_json, lambda _: terminal.say("Aucun vecteur ne manque."))


def worker_command(
    name: Annotated[str, typer.Option("--name", help="Son nom, unique parmi ceux qui tournent.")],
    once: Annotated[bool, typer.Option("--once", help="Finit quand rien n'attend plus.")] = False,
    lease: Annotated[
        float,
        typer.Option(
            "--lease",
            min=0.5,
            help="Secondes de silence avant qu'un autre reprenne une tâche ; la même pour tous.",
        ),
    ] = LEASE_S,
    poll: Annotated[
        float, typer.Option("--poll", min=0.01, help="Secondes entre deux regards.", hidden=True)
    ] = POLL_S,
    parent: Annotated[int, typer.Option("--parent", hidden=True)] = 0,
    data: DataOption = None,
) -> None:
    """Fait les tâches de fond, jusqu'à Ctrl+C ; une tâche en cours est rendue, puis reprise."""
    settings = settings_of(data)
    with refusals(as_json=False), database_faults(), hold_name(settings.worker_folder, name) as me:
        configure_logs(settings)
        engine = open_database(settings)
        worker = Worker(
            label=me,
            engine=engine,
            works=WORKS,
            resources=cache(partial(open_resources, settings)),
            tidy=partial(tidy_uploads, settings, engine),
            plan=Nightly(settings.nightly_hour, partial(submit_nightly, engine)),
            pace=Pace(poll_s=poll, lease_s=lease),
            parent=parent,
        )
        stop_on_signals(worker)
        work(worker, once=once)
        engine.dispose()
