"""The commands about decisions on pairings, in French."""

import datetime as dt
import getpass
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from service import terminal_decisions
from service.command import DataOption, JsonFlag, SlugArgument, opened, print_shown, refusals
from service.errors import Refused
from service.store.decisions import Say
from service.store.proposed import Filter
from service.workflows.decide import (
    REASONS,
    Choice,
    Said,
    decide,
    show_decisions,
    undo_decision,
)
from service.workflows.filter_pairings import STATES
from service.workflows.list_pairings import MOST_LISTED, list_pairings
from service.workflows.suggest import parse_kinds

ByOption = Annotated[str, typer.Option("--by", help="Qui décide (sinon le compte de la machine).")]
StateOption = Annotated[
    str, typer.Option("--state", help="Ceux de cet état : " + ", ".join(STATES) + ".")
]
KindsOption = Annotated[
    str, typer.Option("--kinds", help="Ceux de ces natures, ainsi problem-interest.")
]
SectorOption = Annotated[
    str, typer.Option("--sector", help="Ceux dont l'un est de ce secteur : code RNA ou mots.")
]
RanksOption = Annotated[str, typer.Option("--ranks", help="Ceux de ces rangs, ainsi 1..20.")]
ScoresOption = Annotated[str, typer.Option("--scores", help="Ceux de ces scores, ainsi 0.8..1.")]
LeastOption = Annotated[
    list[str] | None,
    typer.Option("--least", help="Barre au moins égale, ainsi meaning=0.7 ; répétable."),
]
MOST = 2**31 - 1
Band = TypeVar("Band", int, float)


def add_decision_commands(cli: typer.Typer) -> None:
    """Add these commands to the whole."""
    cli.command("pairings")(pairings_command)
    cli.command("decide")(decide_command)
    cli.command("decisions")(decisions_command)
    cli.command("undo-decision")(undo_command)


def pairings_command(  # noqa: PLR0913 - the options of one command
    slug: SlugArgument,
    state: StateOption = "",
    kinds: KindsOption = "",
    sector: SectorOption = "",
    ranks: RanksOption = "",
    scores: ScoresOption = "",
    least: LeastOption = None,
    after: Annotated[str, typer.Option("--after", help="La suite d'une liste (« next »).")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST_LISTED)] = 50,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Liste les rapprochements du dernier passage, tous ou ceux d'un filtre."""
    with refusals(as_json=as_json), opened(data) as resources:
        wanted = _read_filter(state, kinds, sector, ranks, scores, least)
        shown = list_pairings(resources, slug, wanted, after=after or None, limit=limit)
        print_shown(shown, as_json, terminal_decisions.show_pairings)


def decide_command(  # noqa: PLR0913 - the options of one command
    slug: SlugArgument,
    action: Annotated[
        Say, typer.Argument(help="accept, set-aside, postpone, in-contact, uncertain ou note.")
    ],
    pairing: Annotated[
        list[int] | None, typer.Option("--pairing", help="Rang d'un rapprochement ; répétable.")
    ] = None,
    identity: Annotated[
        list[str] | None,
        typer.Option("--id", help="Son identifiant, ainsi 12-34, d'un passage à l'autre."),
    ] = None,
    state: StateOption = "",
    kinds: KindsOption = "",
    sector: SectorOption = "",
    ranks: RanksOption = "",
    scores: ScoresOption = "",
    least: LeastOption = None,
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
        wanted = _read_filter(state, kinds, sector, ranks, scores, least)
        choice = Choice(
            tuple(pairing or ()),
            tuple(identity or ()),
            None if wanted == Filter() else wanted,
            run,
        )
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


def _read_filter(
    state: str, kinds: str, sector: str, ranks: str, scores: str, least: list[str] | None
) -> Filter:
    pairs = parse_kinds(kinds) if kinds else ()
    if len(pairs) > 1:
        raise Refused("Donnez une seule paire de natures, par exemple problem-interest.")
    bars = {}
    for written in least or ():
        bar, _, value = written.partition("=")
        try:
            bars[bar.strip()] = float(value)
        except ValueError as error:
            raise Refused(f"« {written} » : écrivez par exemple --least meaning=0.7.") from error
    return Filter(
        state=state,
        kinds=pairs[0] if pairs else None,
        sector=sector,
        ranks=_band(ranks, int, "1..20"),
        scores=_band(scores, float, "0.8..1"),
        least=bars,
    )


def _band(written: str, number: Callable[[str], Band], example: str) -> tuple[Band, Band] | None:
    if not written:
        return None
    first, dots, last = written.partition("..")
    try:
        return number(first), number(last if dots else first)
    except ValueError as error:
        raise Refused(f"« {written} » n'est pas un intervalle : écrivez {example}.") from error
