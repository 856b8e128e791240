"""The commands about groups and workshops, in French."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from matcher.group_size import Size
from matcher.wishes import Action
from service import terminal, terminal_groups
from service.cli_jobs import BackgroundFlag, print_submitted
from service.command import DataOption, JsonFlag, SlugArgument, opened, print_shown, refusals
from service.errors import Refused
from service.resources import load_named_encoder
from service.settings import Settings
from service.workflows.background import Asked, submit_grouping
from service.workflows.edit_group import Who, edit_group, show_history, undo_edit
from service.workflows.evaluate_groups import evaluate_groups
from service.workflows.group import GroupPlan, group
from service.workflows.group_material import parse_kinds
from service.workflows.show_groups import show_changes, show_groups
from service.workflows.understand_edit import Wanted
from service.workflows.workshop import WorkshopPlan, prepare_workshop

edit_cli = typer.Typer(
    help="Modifie les groupes ; chaque modification est gardée et rejouée.", no_args_is_help=True
)

MOST = 2**31 - 1
ByOption = Annotated[str, typer.Option("--by", help="Qui décide (sinon le compte de la machine).")]
WhyOption = Annotated[str, typer.Option("--why", help="Pourquoi.")]
GroupArgument = Annotated[str, typer.Argument(help="Groupe, par exemple G3.")]
StatementArgument = Annotated[str, typer.Argument(help="Contribution, par exemple PC-P12.")]


def add_group_commands(cli: typer.Typer) -> None:
    """Add these commands to the whole."""
    cli.command("group")(group_command)
    cli.command("groups")(groups_command)
    cli.add_typer(edit_cli, name="edit-group")
    cli.command("compare-groups")(compare_command)
    cli.command("workshop")(workshop_command)
    cli.command("evaluate-groups")(evaluate_command)


def group_command(  # noqa: PLR0913 - the options of one command
    slug: SlugArgument,
    also: Annotated[
        list[str] | None, typer.Option("--also", help="Un autre sociopôle, ensemble ; répétable.")
    ] = None,
    kinds: Annotated[
        str, typer.Option("--kinds", help="Natures à grouper, par exemple problem,offer.")
    ] = "",
    size: Annotated[
        Size | None, typer.Option("--size", help="Petits, moyens ou grands groupes.")
    ] = None,
    groups: Annotated[int | None, typer.Option("--groups", help="Nombre de groupes.")] = None,
    by: ByOption = "",
    background: BackgroundFlag = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Groupe les problématiques, des plus transversales aux plus locales."""
    with refusals(as_json=as_json), opened(data) as resources:
        if size is not None and groups is not None:
            raise Refused("Choisissez --size ou --groups, pas les deux.")
        plan = GroupPlan(slug, tuple(also or ()), parse_kinds(kinds), size or groups)
        who = by or getpass.getuser()
        if background:
            print_submitted(submit_grouping(resources, plan, Asked(who)), as_json)
            return
        with terminal.progress() as tell:
            number = group(resources, plan, by=who, progress=tell)
        print_shown(show_groups(resources, slug, number), as_json, terminal_groups.show_groups)


def groups_command(
    slug: SlugArgument,
    number: Annotated[
        int | None, typer.Option("--run", min=1, max=MOST, help="Un regroupement précédent.")
    ] = None,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Liste les groupes du dernier regroupement."""
    with refusals(as_json=as_json), opened(data) as resources:
        print_shown(show_groups(resources, slug, number), as_json, terminal_groups.show_groups)


@edit_cli.command("rename")
def rename_command(  # noqa: PLR0913 - the options of one command
    slug: SlugArgument,
    name: GroupArgument,
    title: Annotated[str, typer.Argument(help="Le nouveau titre.")],
    by: ByOption = "",
    why: WhyOption = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Donne un titre à un groupe."""
    wanted = Wanted(Action.RENAME, groups=(name,), title=title)
    _edit(slug, wanted, Who(by, why), as_json=as_json, data=data)


@edit_cli.command("merge")
def merge_command(
    slug: SlugArgument,
    names: Annotated[list[str], typer.Argument(help="Groupes à réunir.")],
    by: ByOption = "",
    why: WhyOption = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Réunit des groupes."""
    _edit(slug, Wanted(Action.MERGE, groups=tuple(names)), Who(by, why), as_json=as_json, data=data)


@edit_cli.command("split")
def split_command(  # noqa: PLR0913 - the options of one command
    slug: SlugArgument,
    name: GroupArgument,
    statement: Annotated[
        list[str] | None,
        typer.Option("--statement", help="À mettre à part ; sinon comme l'arbre le dit."),
    ] = None,
    by: ByOption = "",
    why: WhyOption = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Partage un groupe en deux, comme l'arbre le dit ou à la main."""
    wanted = Wanted(Action.SPLIT, groups=(name,), statements=tuple(statement or ()))
    _edit(slug, wanted, Who(by, why), as_json=as_json, data=data)


@edit_cli.command("move")
def move_command(  # noqa: PLR0913 - the options of one command
    slug: SlugArgument,
    statement: StatementArgument,
    name: GroupArgument,
    by: ByOption = "",
    why: WhyOption = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Déplace une contribution dans un autre groupe."""
    wanted = Wanted(Action.MOVE, groups=(name,), statements=(statement,))
    _edit(slug, wanted, Who(by, why), as_json=as_json, data=data)


@edit_cli.command("take-out")
def take_out_command(
    slug: SlugArgument,
    statement: StatementArgument,
    by: ByOption = "",
    why: WhyOption = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Sort une contribution de son groupe : elle est isolée."""
    wanted = Wanted(Action.TAKE_OUT, statements=(statement,))
    _edit(slug, wanted, Who(by, why), as_json=as_json, data=data)


@edit_cli.command("lock")
def lock_command(
    slug: SlugArgument,
    name: GroupArgument,
    by: ByOption = "",
    why: WhyOption = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Verrouille un groupe : il reste tel quel à chaque regroupement."""
    _edit(slug, Wanted(Action.LOCK, groups=(name,)), Who(by, why), as_json=as_json, data=data)


@edit_cli.command("unlock")
def unlock_command(
    slug: SlugArgument,
    name: GroupArgument,
    by: ByOption = "",
    why: WhyOption = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Ouvre un groupe verrouillé."""
    _edit(slug, Wanted(Action.UNLOCK, groups=(name,)), Who(by, why), as_json=as_json, data=data)


@edit_cli.command("undo")
def undo_command(
    slug: SlugArgument,
    edit: Annotated[
        int | None, typer.Option("--edit", help="Numéro (« history ») ; sinon la dernière.")
    ] = None,
    by: ByOption = "",
    why: WhyOption = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Annule une modification."""
    with refusals(as_json=as_json), opened(data) as resources:
        with terminal.progress() as tell:
            number = undo_edit(resources, slug, _who(by, why), number=edit, progress=tell)
        print_shown(show_groups(resources, slug, number), as_json, terminal_groups.show_groups)


@edit_cli.command("history")
def history_command(slug: SlugArgument, as_json: JsonFlag = False, data: DataOption = None) -> None:
    """Liste les modifications : qui, quand, pourquoi."""
    with refusals(as_json=as_json), opened(data) as resources:
        print_shown(show_history(resources, slug), as_json, terminal_groups.show_history)


def compare_command(
    before: Annotated[int, typer.Argument(min=1, max=MOST, help="Numéro d'un regroupement.")],
    after: Annotated[int, typer.Argument(min=1, max=MOST, help="Numéro d'un autre, plus récent.")],
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Dit ce que sont devenus les groupes d'un regroupement à l'autre."""
    with refusals(as_json=as_json), opened(data) as resources:
        print_shown(show_changes(resources, before, after), as_json, terminal_groups.show_changes)


def workshop_command(
    slug: SlugArgument,
    groups: Annotated[str, typer.Option("--groups", help="Groupes, par exemple G1,G4.")],
    tables: Annotated[int | None, typer.Option("--tables", min=1, help="Nombre de tables.")] = None,
    seats: Annotated[int, typer.Option("--seats", help="Places à une table.")] = 8,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Compose les tables d'un atelier et la liste des structures à inviter."""
    with refusals(as_json=as_json), opened(data) as resources:
        names = tuple(name.strip() for name in groups.split(",") if name.strip())
        with terminal.progress() as tell:
            shown = prepare_workshop(resources, slug, WorkshopPlan(names, tables, seats), tell)
        print_shown(shown, as_json, terminal_groups.show_workshop)


def evaluate_command(
    file: Annotated[Path, typer.Argument(help='Lignes {"text", "label"}.')],
    baseline: Annotated[
        str,
        typer.Option("--baseline", help="À côté : kmeans,ward,hdbscan,umap-hdbscan,evoc."),
    ] = "",
    as_json: JsonFlag = False,
    data: DataOption = None,  # noqa: ARG001 - accepted everywhere, needed here for nothing
) -> None:
    """Mesure nos groupes, et ceux d'autres méthodes, sur des textes aux thèmes donnés."""
    with refusals(as_json=as_json), terminal.progress() as tell:
        shown = evaluate_groups(
            file,
            load_named_encoder(Settings().model),
            baselines=[name.strip() for name in baseline.split(",") if name.strip()],
            progress=tell,
        )
        print_shown(shown, as_json, terminal_groups.show_group_measures)


def _edit(slug: str, wanted: Wanted, who: Who, *, as_json: bool, data: Path | None) -> None:
    with refusals(as_json=as_json), opened(data) as resources:
        with terminal.progress() as tell:
            number = edit_group(resources, slug, wanted, _who(who.by, who.why), tell)
        print_shown(show_groups(resources, slug, number), as_json, terminal_groups.show_groups)


def _who(by: str, why: str) -> Who:
    return Who(by or getpass.getuser(), why)
