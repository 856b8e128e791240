"""The commands of whoever keeps the service running, in French."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from service import terminal
from service.command import (
    DataOption,
    JsonFlag,
    database_faults,
    opened,
    print_shown,
    refusals,
    settings_of,
)
from service.workflows.backup import backup
from service.workflows.check import check
from service.workflows.restore import restore

DAMAGED = 2


def add_operation_commands(cli: typer.Typer) -> None:
    """Add these commands to the whole."""
    cli.command("backup")(backup_command)
    cli.command("restore")(restore_command)
    cli.command("check")(check_command)


def backup_command(
    file: Annotated[Path, typer.Argument(help="Fichier à écrire, par exemple lundi.tar.gz.")],
    force: Annotated[
        bool, typer.Option("--force", help="Remplace le fichier s'il existe.")
    ] = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Sauvegarde toute la base dans un fichier, pendant que d'autres y écrivent."""
    with refusals(as_json=as_json, damaged_code=DAMAGED), database_faults():
        shown = asdict(backup(settings_of(data), file, force=force))
    print_shown(shown, as_json, lambda made: terminal.say(f"« {file} » : {_describe(made)}."))


def restore_command(
    file: Annotated[Path, typer.Argument(help="Fichier écrit par « sociopoles backup ».")],
    force: Annotated[
        bool,
        typer.Option("--force", help="Remplace la base qui est là, et la garde à côté."),
    ] = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Remet une sauvegarde à la place de la base, le service arrêté."""
    with refusals(as_json=as_json), database_faults():
        shown = asdict(restore(settings_of(data), file, force=force))
    print_shown(shown, as_json, _show_restored)


def check_command(
    repair: Annotated[bool, typer.Option("--repair", help="Refait ce qui est dérivé.")] = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Vérifie que la base est entière et que les index concordent (0, 1 réparable, 2 perdu)."""
    with (
        refusals(as_json=as_json, damaged_code=DAMAGED),
        opened(data) as resources,
        terminal.progress() as tell,
    ):
        health = check(resources, repair=repair, progress=tell)
    print_shown(health.as_json(), as_json, terminal.show_health)
    raise typer.Exit(health.exit_code)


def _show_restored(restored: Mapping[str, Any]) -> None:
    terminal.say(f"Restauré : {_describe(restored['manifest'])}.")
    if restored["replayed"]:
        terminal.say(f"Effacements refaits : {restored['replayed']}.")
    if restored["aside"]:
        terminal.say(
            f"L'ancienne base est gardée : {restored['aside']}. Supprimez-la quand tout va bien."
        )


def _describe(manifest: Mapping[str, Any]) -> str:
    return (
        f"base {manifest['engine']} de {manifest['statements']} contributions, "
        f"sauvegardée le {manifest['made_at']}"
    )
