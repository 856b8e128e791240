"""The commands that hand out sheets, and the one that takes decisions back, in French."""

import getpass
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from service import terminal_exports
from service.command import (
    REFUSED,
    DataOption,
    JsonFlag,
    SlugArgument,
    opened,
    print_shown,
    refusals,
)
from service.errors import Refused
from service.files.writing import SheetFormat
from service.resources import Resources
from service.workflows.export import (
    Exported,
    export_decisions,
    export_groups,
    export_statements,
)
from service.workflows.export_public import export_public
from service.workflows.pairing_sheet import export_pairings
from service.workflows.take_in_decisions import take_in_decisions

export_cli = typer.Typer(
    help="Écrit des feuilles pour un tableur, et ce qui est public.", no_args_is_help=True
)

FormatOption = Annotated[
    SheetFormat | None,
    typer.Option("--format", help="Sinon d'après le nom donné par --out, sinon xlsx."),
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", help="Fichier à écrire, jamais remplacé ; - pour la sortie standard."),
]
PublishedFlag = Annotated[
    bool, typer.Option("--only-published", help="Seulement ce qui a l'accord de publication.")
]
STDOUT = Path("-")


class PublicFormat(StrEnum):
    """What the public export can be."""

    JSONLD = "jsonld"


def add_export_commands(cli: typer.Typer) -> None:
    """Add these commands to the whole."""
    cli.add_typer(export_cli, name="export")
    cli.command("import-decisions")(import_decisions_command)


@export_cli.command("statements")
def statements_command(  # noqa: PLR0913 - the options of one command
    slug: SlugArgument,
    format_: FormatOption = None,
    out: OutOption = None,
    only_published: PublishedFlag = False,
    with_contacts: Annotated[
        bool, typer.Option("--with-contacts", help="Ajoute les noms et adresses des contacts.")
    ] = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Les contributions ; la feuille corrigée revient par « sociopoles import »."""

    def export(resources: Resources, format_: SheetFormat) -> Exported:
        return export_statements(
            resources, slug, format_, only_published=only_published, with_contacts=with_contacts
        )

    _export(export, format_, out, as_json=as_json, data=data)


@export_cli.command("pairings")
def pairings_command(
    slug: SlugArgument,
    format_: FormatOption = None,
    out: OutOption = None,
    only_published: PublishedFlag = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Les rapprochements ; ce qu'on y décide revient par « sociopoles import-decisions »."""

    def export(resources: Resources, format_: SheetFormat) -> Exported:
        return export_pairings(resources, slug, format_, only_published=only_published)

    _export(export, format_, out, as_json=as_json, data=data)


@export_cli.command("groups")
def groups_command(  # noqa: PLR0913 - the options of one command
    slug: SlugArgument,
    format_: FormatOption = None,
    out: OutOption = None,
    only_published: PublishedFlag = False,
    number: Annotated[
        int | None, typer.Option("--run", min=1, max=2**31 - 1, help="Un regroupement précédent.")
    ] = None,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Les groupes du dernier regroupement, et les contributions isolées."""

    def export(resources: Resources, format_: SheetFormat) -> Exported:
        return export_groups(resources, slug, format_, number=number, only_published=only_published)

    _export(export, format_, out, as_json=as_json, data=data)


@export_cli.command("decisions")
def decisions_command(
    slug: SlugArgument,
    format_: FormatOption = None,
    out: OutOption = None,
    only_published: PublishedFlag = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Le journal des décisions : qui, quand, quoi, pourquoi."""

    def export(resources: Resources, format_: SheetFormat) -> Exported:
        return export_decisions(resources, slug, format_, only_published=only_published)

    _export(export, format_, out, as_json=as_json, data=data)


@export_cli.command("public")
def public_command(
    slug: SlugArgument,
    format_: Annotated[  # noqa: ARG001 - says what comes; there is one so far
        PublicFormat, typer.Option("--format", help="schema.org.")
    ] = PublicFormat.JSONLD,
    out: OutOption = None,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Ce qui est public, pour d'autres programmes (schema.org, JSON-LD)."""
    with refusals(as_json=as_json), opened(data) as resources:
        _hand_out(export_public(resources, slug), out, as_json=as_json)


def import_decisions_command(
    file: Annotated[Path, typer.Argument(help="Feuille de rapprochements : CSV, XLSX, ODS.")],
    sociopole: Annotated[str, typer.Option("--sociopole", help="Nom court du sociopôle.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Essaie sans rien changer.")] = False,
    by: Annotated[
        str, typer.Option("--by", help="Qui décide (sinon le compte de la machine).")
    ] = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Prend les décisions d'une feuille de rapprochements : toutes les lignes ou aucune."""
    with refusals(as_json=as_json), opened(data) as resources:
        report = take_in_decisions(
            resources, sociopole, file, by=by or getpass.getuser(), dry_run=dry_run
        )
    print_shown(
        report.as_json(),
        as_json,
        lambda shown: terminal_exports.show_taken_decisions(shown, dry_run=dry_run),
    )
    if report.errors:
        raise typer.Exit(REFUSED)


def _export(
    export: Callable[[Resources, SheetFormat], Exported],
    format_: SheetFormat | None,
    out: Path | None,
    *,
    as_json: bool,
    data: Path | None,
) -> None:
    with refusals(as_json=as_json):
        chosen = _format(format_, out)
        with opened(data) as resources:
            _hand_out(export(resources, chosen), out, as_json=as_json)


def _format(format_: SheetFormat | None, out: Path | None) -> SheetFormat:
    named = out.suffix.lower().lstrip(".") if out and out != STDOUT else ""
    if named not in {"", *SheetFormat} or (format_ and named and named != format_):
        raise Refused(f"« {out} » : terminez son nom par .csv ou .xlsx, comme --format.")
    return format_ or (SheetFormat(named) if named else SheetFormat.XLSX)


def _hand_out(exported: Exported, out: Path | None, *, as_json: bool) -> None:
    if out == STDOUT:
        typer.get_binary_stream("stdout").write(exported.body)
        return
    path = out or Path(exported.name)
    try:
        # A sheet that somebody worked on is not written over.
        with path.open("xb") as file:
            file.write(exported.body)
    except FileExistsError as error:
        raise Refused(f"« {path} » existe déjà : donnez un autre nom par --out.") from error
    except OSError as error:
        raise Refused(f"« {path} » ne s'écrit pas : {error.strerror}.") from error
    shown = {
        "file": str(path),
        "media_type": exported.media_type,
        "rows": exported.rows,
        "bytes": len(exported.body),
    }
    print_shown(shown, as_json, terminal_exports.show_exported)
