"""`sociopoles …`: the command line, in French."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from matcher.assignment import Limits
from matcher.lexicon.lexicon import Lexicon, read_lexicon
from matcher.statements import Kind
from service import terminal, terminal_rgpd
from service.cli_alerts import add_alert_commands
from service.cli_decisions import add_decision_commands
from service.cli_exports import add_export_commands
from service.cli_groups import add_group_commands
from service.cli_jobs import BackgroundFlag, add_job_commands, asked_here, print_submitted
from service.cli_operations import add_operation_commands
from service.cli_people import add_people_commands
from service.cli_rgpd import add_rgpd_commands
from service.cli_serve import add_serve_command
from service.cli_weights import add_weight_commands
from service.command import (
    REFUSED,
    DataOption,
    JsonFlag,
    SlugArgument,
    opened,
    print_shown,
    refusals,
    settings_of,
)
from service.errors import Refused
from service.resources import load_named_encoder
from service.workflows import demo_people, lexicon, set_up, show
from service.workflows.answer import Query, answer
from service.workflows.background import submit_import, submit_suggestions
from service.workflows.evaluate import evaluate
from service.workflows.suggest import Plan, parse_kinds, suggest
from service.workflows.take_in import ImportPlan, take_in

IN_PART = 3

cli = typer.Typer(
    help="Rapproche les problématiques d'un territoire et les savoirs qui y répondent.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
sociopole_cli = typer.Typer(help="Les sociopôles.", no_args_is_help=True)
lexicon_cli = typer.Typer(
    help="Le lexique : ce que disent les gens, et le terme des disciplines.", no_args_is_help=True
)
cli.add_typer(sociopole_cli, name="sociopole")
cli.add_typer(lexicon_cli, name="lexicon")
add_alert_commands(cli)
add_decision_commands(cli)
add_export_commands(cli)
add_group_commands(cli)
add_job_commands(cli)
add_operation_commands(cli)
add_people_commands(cli)
add_serve_command(cli)
add_weight_commands(cli)
add_rgpd_commands(cli)


@cli.callback()
def common(data: DataOption = None) -> None:
    """Rapproche les problématiques d'un territoire et les savoirs qui y répondent."""
    if data is not None:
        os.environ["SOCIOPOLES_DATA"] = str(data)


@cli.command("init")
def init_command(
    demo: Annotated[bool, typer.Option("--demo", help="Charge les quatre sociopôles.")] = False,
    data: DataOption = None,
) -> None:
    """Prépare le dossier des données, avec ou sans la démonstration."""
    with refusals(as_json=False), opened(data) as resources, terminal.progress() as tell:
        set_up.initialise(resources)
        if demo:
            set_up.load_demo(resources, tell)
            for slug, *_ in set_up.DEMO_SOCIOPOLES:
                suggest(resources, slug, Plan(Limits()), tell)
            demo_people.add_demo_people(resources)
    terminal.say("Prêt : « sociopoles sociopole list », puis « sociopoles serve ».")


@sociopole_cli.command("add")
def add_command(
    slug: SlugArgument,
    name: Annotated[str, typer.Option("--name", help="Nom affiché.")],
    territory: Annotated[
        str, typer.Option("--territory", help="Code officiel, niveau:code ou nom du territoire.")
    ],
    data: DataOption = None,
) -> None:
    """Ajoute un sociopôle sur un territoire officiel."""
    with refusals(as_json=False), opened(data) as resources:
        place = set_up.create_sociopole(resources, slug=slug, name=name, territory=territory)
    terminal.say(f"Sociopôle « {slug} » ajouté sur {place.label}.")


@sociopole_cli.command("list")
def list_command(as_json: JsonFlag = False, data: DataOption = None) -> None:
    """Liste les sociopôles et leurs contributions."""
    with refusals(as_json=as_json), opened(data) as resources:
        print_shown(show.show_sociopoles(resources), as_json, terminal.show_sociopoles)


@cli.command("import")
def import_command(  # noqa: PLR0913 - the options of one command
    file: Annotated[Path, typer.Argument(help="Tableur : CSV, XLSX, XLS ou ODS.")],
    sociopole: Annotated[str, typer.Option("--sociopole", help="Nom court du sociopôle.")],
    kind: Annotated[Kind, typer.Option("--kind", help="Nature des lignes.")],
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="champ=Colonne ; plusieurs fois s'il faut.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Essaie sans rien changer.")] = False,
    skip_errors: Annotated[
        bool, typer.Option("--skip-errors", help="Laisse de côté les lignes en erreur.")
    ] = False,
    background: BackgroundFlag = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Importe un tableur : toutes les lignes ou aucune, sauf --skip-errors."""
    with refusals(as_json=as_json), opened(data) as resources, terminal.progress() as tell:
        plan = ImportPlan(
            path=file,
            sociopole=sociopole,
            kind=kind,
            mapping=_parse_mapping(mapping or []),
            dry_run=dry_run,
            skip_errors=skip_errors,
        )
        if background:
            with _open_file(file) as content:
                number = submit_import(resources, plan, content, asked_here())
            print_submitted(number, as_json)
            return
        report = take_in(resources, plan, tell)
    print_shown(report.as_json(), as_json, lambda shown: _show_import(shown, dry_run=dry_run))
    if report.errors:
        raise typer.Exit(IN_PART if skip_errors and report.done else REFUSED)


@cli.command("suggest")
def suggest_command(  # noqa: PLR0913 - the options of one command
    slug: SlugArgument,
    proposals: Annotated[
        int, typer.Option("--proposals", min=1, max=50, help="Au plus, par contribution.")
    ] = 3,
    max_load: Annotated[
        int, typer.Option("--max-load", min=1, max=1000, help="Au plus, par structure académique.")
    ] = 5,
    kinds: Annotated[
        str, typer.Option("--kinds", help="Paires de natures, par exemple problem-interest.")
    ] = "",
    background: BackgroundFlag = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Propose des rapprochements, avec leurs raisons, et liste ce qui reste sans réponse."""
    with refusals(as_json=as_json), opened(data) as resources:
        plan = Plan(Limits(proposals, max_load), parse_kinds(kinds))
        if background:
            print_submitted(submit_suggestions(resources, slug, plan, asked_here()), as_json)
            return
        with terminal.progress() as tell:
            suggest(resources, slug, plan, tell)
        print_shown(show.show_suggestions(resources, slug), as_json, terminal.show_suggestions)


@cli.command("search")
def search_command(  # noqa: PLR0913 - the options of one command
    text: Annotated[str, typer.Argument(help="La question, ou un résumé entier.")],
    sociopole: Annotated[str, typer.Option("--sociopole", help="Un seul sociopôle.")] = "",
    kind: Annotated[list[Kind] | None, typer.Option("--kind", help="Une seule nature.")] = None,
    sector: Annotated[str, typer.Option("--sector", help="Code RNA, libellé ou mots.")] = "",
    k: Annotated[int, typer.Option("-k", help="Nombre de réponses.")] = 10,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Cherche, en mots de tous les jours ou en mots savants."""
    with refusals(as_json=as_json), opened(data) as resources:
        query = Query(text, sociopole=sociopole, kinds=tuple(kind or ()), sector=sector, k=k)
        with terminal.progress() as tell:
            found = answer(resources, query, tell)
        print_shown(show.show_answers(found), as_json, terminal.show_answers)


@lexicon_cli.command("list")
def list_lexicon_command(
    slug: SlugArgument, as_json: JsonFlag = False, data: DataOption = None
) -> None:
    """Montre les entrées propres à un sociopôle : ajoutées, coupées, proposées."""
    with refusals(as_json=as_json), opened(data) as resources:
        print_shown(lexicon.show_lexicon(resources, slug), as_json, terminal.show_lexicon)


@lexicon_cli.command("find")
def find_lexicon_command(
    text: Annotated[str, typer.Argument(help="Un mot, un terme, ou une phrase entière.")],
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Cherche dans les entrées livrées."""
    with refusals(as_json=as_json), opened(data) as resources:
        print_shown(lexicon.find_entries(resources, text), as_json, terminal.show_entries)


@lexicon_cli.command("add")
def add_lexicon_command(
    slug: SlugArgument,
    term: Annotated[list[str], typer.Option("--term", help="Le terme ; puis ses synonymes.")],
    say: Annotated[list[str], typer.Option("--say", help="Ce que disent les gens ; répétable.")],
    data: DataOption = None,
) -> None:
    """Ajoute au lexique d'un sociopôle."""
    with refusals(as_json=False), opened(data) as resources:
        lexicon.add_entry(resources, slug, terms=term, say=say)
    terminal.say(f"« {term[0]} » se dit aussi : {', '.join(say)}.")


@lexicon_cli.command("on")
def switch_on_command(
    slug: SlugArgument,
    term: Annotated[str, typer.Argument(help="Le terme d'une entrée.")],
    data: DataOption = None,
) -> None:
    """Emploie une entrée proposée ou coupée."""
    with refusals(as_json=False), opened(data) as resources:
        lexicon.switch_entry(resources, slug, term, on=True)
    terminal.say(f"« {term} » est employé dans {slug}.")


@lexicon_cli.command("off")
def switch_off_command(
    slug: SlugArgument,
    term: Annotated[str, typer.Argument(help="Le terme d'une entrée.")],
    data: DataOption = None,
) -> None:
    """Coupe une entrée, livrée ou ajoutée ; « lexicon on » la rétablit."""
    with refusals(as_json=False), opened(data) as resources:
        lexicon.switch_entry(resources, slug, term, on=False)
    terminal.say(f"« {term} » n'est plus employé dans {slug} (« lexicon on » le rétablit).")


@lexicon_cli.command("propose")
def propose_lexicon_command(
    slug: SlugArgument,
    pairing: Annotated[int, typer.Option("--pairing", help="Rang d'un rapprochement accepté.")],
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Tire d'un rapprochement accepté des entrées à vérifier, puis « lexicon on »."""
    with refusals(as_json=as_json), opened(data) as resources:
        proposed = lexicon.propose_from_pairing(resources, slug, pairing)
        print_shown(proposed, as_json, terminal.show_proposals)


@cli.command("evaluate")
def evaluate_command(
    folder: Annotated[Path, typer.Argument(help="corpus.jsonl, queries.jsonl, qrels/test.tsv")],
    model: Annotated[
        str,
        typer.Option("--model", help="Compare avec cet autre modèle : deep, fast, nom ou dossier."),
    ] = "",
    as_json: JsonFlag = False,
    data: DataOption = None,  # noqa: ARG001 - accepted everywhere, needed here for nothing
) -> None:
    """Mesure les mots, le sens et les deux ensemble sur une collection jugée."""
    with refusals(as_json=as_json), terminal.progress() as tell:
        measures = evaluate(
            folder,
            load_named_encoder(settings_of().model),
            tell,
            lexicon=Lexicon(read_lexicon()),
            other=load_named_encoder(model) if model else None,
        )
    print_shown(measures, as_json, terminal.show_measures)


def main() -> None:
    """Entry point of the `sociopoles` command."""
    cli()


def _open_file(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise Refused(f"« {path.name} » ne peut pas être lu : {error.strerror}.") from error


def _show_import(report: Mapping[str, Any], *, dry_run: bool) -> None:
    terminal.show_import(report, dry_run=dry_run)
    terminal_rgpd.show_persons(report["persons"])


def _parse_mapping(pairs: list[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not equals or not name or not column:
            raise Refused(
                f"« {pair} » : écrivez --map champ=Colonne, par exemple --map text=Objet."
            )
        mapping[name.strip()] = column.strip()
    return mapping
