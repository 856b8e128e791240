"""The command that opens the pages and the API, in French."""

from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from matcher.assignment import Limits
from service import terminal
from service.command import DataOption, opened, refusals, settings_of
from service.database import read
from service.errors import Refused
from service.resources import Resources
from service.settings import Settings
from service.store.accounts import count_admins
from service.worker import worker_beside
from service.workflows import demo_people, set_up
from service.workflows.background import Asked, submit_embedding
from service.workflows.erase import replay_erasures
from service.workflows.suggest import Plan, suggest

WORKER_BESIDE = "serveur"


class Wishes(NamedTuple):
    """What is prepared: the demo, an address that others reach, a worker that embeds."""

    demo: bool
    far: bool
    embed: bool


def add_serve_command(cli: typer.Typer) -> None:
    """Add this command to the whole."""
    cli.command("serve")(serve_command)


def serve_command(  # noqa: PLR0913 - the options of one command
    host: Annotated[str | None, typer.Option("--host", help="Adresse d'écoute.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port d'écoute.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processus qui répondent ensemble.")
    ] = None,
    limit_concurrency: Annotated[
        int | None,
        typer.Option(
            "--limit-concurrency", help="Connexions à la fois, par processus ; au-delà, 503."
        ),
    ] = None,
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--behind-proxy", help="Un serveur mandataire garde l'entrée : écoute hors machine."
        ),
    ] = False,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Les tâches de fond sont faites ailleurs.")
    ] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Charge la démonstration si le dossier est vide.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Ouvre les pages et l'API sur cette machine."""
    # uvicorn and FastAPI take half a second to import: only this command needs them.
    from service import server  # noqa: PLC0415

    given = {
        "host": host,
        "port": port,
        "workers": workers,
        "limit_concurrency": limit_concurrency,
    }
    with refusals(as_json=False):
        settings = settings_of(data, **given)
        far = server.is_far(settings.host)
        if far and not behind_proxy:
            raise Refused(
                f"« {settings.host} » se joint depuis d'autres machines : laissez 127.0.0.1, ou "
                "ajoutez --behind-proxy derrière un serveur mandataire qui chiffre (https)."
            )
        beside = nullcontext() if no_worker else worker_beside(settings, WORKER_BESIDE)
        if settings.workers > 1:
            _prepare_apart(settings.data, Wishes(demo, far, embed=not no_worker))
            _say_where(settings)
            with beside:
                server.serve_over_workers(settings)
            return
        with opened(data, **given) as resources:
            _prepare(resources, Wishes(demo, far, embed=not no_worker))
            _say_where(settings)
            with beside:
                server.serve_here(resources)


def _prepare_apart(data: Path, wishes: Wishes) -> None:
    """Prepare in a process that ends: the one that watches over the workers needs no model."""
    process = get_context("spawn").Process(target=_prepare_alone, args=(data, wishes))
    process.start()
    process.join()
    if process.exitcode:
        raise typer.Exit(process.exitcode)


def _prepare_alone(data: Path, wishes: Wishes) -> None:
    try:
        with refusals(as_json=False), opened(data) as resources:
            _prepare(resources, wishes)
    except typer.Exit as ended:
        raise SystemExit(ended.exit_code) from None


def _prepare(resources: Resources, wishes: Wishes) -> None:
    set_up.initialise(resources)
    # Before anybody is answered: a backup may have been put back.
    replay_erasures(resources)
    with read(resources.engine) as session:
        if wishes.far and not count_admins(session):
            raise Refused(
                "Avant de s'ouvrir à d'autres machines, le service veut un compte "
                "d'administration : « sociopoles user create-admin »."
            )
    if wishes.demo and set_up.is_empty(resources):
        terminal.say("Chargement de la démonstration …")
        with terminal.progress() as tell:
            set_up.load_demo(resources, tell)
            for slug, *_ in set_up.DEMO_SOCIOPOLES:
                suggest(resources, slug, Plan(Limits()), tell)
        demo_people.add_demo_people(resources)
    if wishes.embed:
        submit_embedding(resources, Asked(WORKER_BESIDE))


def _say_where(settings: Settings) -> None:
    terminal.say(
        f"Sociopoles répond sur http://{settings.host}:{settings.port} (Ctrl+C pour arrêter)"
    )
