"""The commands about what each bar counts for, in French."""

import getpass
from typing import Annotated

import typer

from service import terminal, terminal_weights
from service.cli_decisions import ByOption
from service.command import DataOption, JsonFlag, SlugArgument, opened, print_shown, refusals
from service.workflows.learn_weights import (
    apply_weights,
    reset_weights,
    show_learning,
    undo_weights,
)

weights_cli = typer.Typer(
    help="Ce que chaque barre compte, appris de vos décisions.", no_args_is_help=True
)


def add_weight_commands(cli: typer.Typer) -> None:
    """Add these commands to the whole."""
    cli.add_typer(weights_cli, name="weights")


@weights_cli.command("show")
def show_command(slug: SlugArgument, as_json: JsonFlag = False, data: DataOption = None) -> None:
    """Montre les poids par défaut, en vigueur et appris, et ce qui changerait."""
    with refusals(as_json=as_json), opened(data) as resources:
        with terminal.progress() as tell:
            shown = show_learning(resources, slug, tell)
        print_shown(shown, as_json, terminal_weights.show_learning)


@weights_cli.command("apply")
def apply_command(
    slug: SlugArgument,
    seen: Annotated[
        int | None,
        typer.Option("--seen", help="La dernière décision montrée (« last_decision »)."),
    ] = None,
    by: ByOption = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Met les poids appris en vigueur pour les prochains passages."""
    with refusals(as_json=as_json), opened(data) as resources:
        apply_weights(resources, slug, by or getpass.getuser(), seen=seen)
        print_shown(show_learning(resources, slug), as_json, terminal_weights.show_put)


@weights_cli.command("reset")
def reset_command(
    slug: SlugArgument,
    previous: Annotated[
        bool, typer.Option("--previous", help="Revient aux poids d'avant, pas à ceux par défaut.")
    ] = False,
    by: ByOption = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Remet en vigueur les poids par défaut, ou ceux d'avant."""
    with refusals(as_json=as_json), opened(data) as resources:
        put_back = undo_weights if previous else reset_weights
        put_back(resources, slug, by or getpass.getuser())
        print_shown(show_learning(resources, slug), as_json, terminal_weights.show_put)
