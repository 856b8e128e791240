"""The commands about decisions on pairings, in French."""

import datetime as dt
import getpass
from typing import Annotated

import typer

from service import terminal_decisions
from service.command import DataOption, JsonFlag, SlugArgument, opened, print_shown, refusals
from service.errors import Refused
from service.store.decisions import Say
from service.workflows.decide import (
    REASONS,
    Choice,
    Said,
    decide,
    show_decisions,
    undo_decision,
)
from service.workflows.suggest import parse_kinds

ByOption = Annotated[str, typer.Option("--by", help="Qui décide (sinon le compte de la machine).")]
MOST = 2**31 - 1


def add_decision_commands(cli: typer.Typer) -> None:
    """Add these commands to the whole."""
    cli.command("decide")(decide_command)
    cli.command("decisions")(decisions_command)
    cli.command("undo-decision")(undo_command)


def decide_command(  # noqa: PLR0913 - the options of one command
    slug: SlugArgument,
    action: Annotated[
        Say, typer.Argument(help="accept, set-aside, postpone, in-contact, uncertain ou note.")
    ],
    pairing: Annotated[
        list[int] | None, typer.Option("--pairing", help="Rang d'un rapprochement ; répétable.")
    ] = None,
    kinds: Annotated[
        str, typer.Option("--kinds", help="Tous ceux de ces natures, ainsi problem-interest.")
    ] = "",
    least_meaning: Annotated[
        float | None,
        typer.Option("--least-meaning", min=0, max=1, help="Tous ceux d'un sens au moins égal."),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Pour écarter : " + ", ".join(REASONS) + ".")
    ] = "",
    why: Annotated[str, typer.Option("--why", help="En quelques mots.")] = "",
    until: Annotated[str, typer.Option("--until", help="Pour remettre : AAAA-MM-JJ.")] = "",
    run: Annotated[
        int | None, typer.Option("--run", min=1, max=MOST, help="Le passage que l'on a regardé.")
    ] = None,
    by: ByOption = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Dit ce que l'on fait d'un rapprochement, ou de tous ceux d'un filtre."""
    with refusals(as_json=as_json), opened(data) as resources:
        if action == Say.UNDO:
            raise Refused("Pour annuler : « sociopoles undo-decision ».")
        pairs = parse_kinds(kinds) if kinds else ()
        if len(pairs) > 1:
            raise Refused("Donnez une seule paire de natures, par exemple problem-interest.")
        choice = Choice(tuple(pairing or ()), next(iter(pairs), None), least_meaning, run)
        said = Said(action, by or getpass.getuser(), reason, why, _date(until))
        decide(resources, slug, choice, said)
        print_shown(show_decisions(resources, slug), as_json, terminal_decisions.show_last_decision)


def decisions_command(
    slug: SlugArgument, as_json: JsonFlag = False, data: DataOption = None
) -> None:
    """Liste les décisions : qui, quand, quoi, pourquoi."""
    with refusals(as_json=as_json), opened(data) as resources:
        print_shown(show_decisions(resources, slug), as_json, terminal_decisions.show_decisions)


def undo_command(
    slug: SlugArgument,
    decision: Annotated[
        int | None, typer.Option("--decision", help="Numéro (« decisions ») ; sinon la dernière.")
    ] = None,
    by: ByOption = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Annule une décision, pour tous les rapprochements qu'elle concernait."""
    with refusals(as_json=as_json), opened(data) as resources:
        undo_decision(resources, slug, by=by or getpass.getuser(), number=decision)
        print_shown(show_decisions(resources, slug), as_json, terminal_decisions.show_last_decision)


def _date(written: str) -> dt.date | None:
    if not written:
        return None
    try:
        return dt.date.fromisoformat(written)
    except ValueError as error:
        raise Refused(f"« {written} » n'est pas une date : écrivez AAAA-MM-JJ.") from error
