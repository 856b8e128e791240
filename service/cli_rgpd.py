"""The commands about personal data, in French."""

from pathlib import Path
from typing import Annotated

import typer

from service import terminal_rgpd
from service.cli_jobs import BackgroundFlag, asked_here, print_submitted
from service.command import (
    DataOption,
    JsonFlag,
    SlugArgument,
    opened,
    print_shown,
    refusals,
)
from service.errors import Refused
from service.rgpd.register import read_register
from service.settings import Settings
from service.terminal import complain, say
from service.workflows import rights
from service.workflows.background import submit_purge
from service.workflows.erase import erase
from service.workflows.held_on import held_on, zip_held
from service.workflows.identify import Asking
from service.workflows.notices import mark_sent, show_notices
from service.workflows.purge import purge

IN_PART = 3

rgpd_cli = typer.Typer(
    help="Les données personnelles : registre, droits des personnes, durées.", no_args_is_help=True
)
EmailArgument = Annotated[str, typer.Argument(help="Adresse électronique de la personne.")]
NameOption = Annotated[str, typer.Option("--name", help="Nom de la personne.")]
OrganisationOption = Annotated[
    str, typer.Option("--organisation", help="Sa structure, avec --name.")
]
OrcidOption = Annotated[str, typer.Option("--orcid", help="Son ORCID.")]
IdrefOption = Annotated[str, typer.Option("--idref", help="Son IdRef.")]


def add_rgpd_commands(cli: typer.Typer) -> None:
    """Add these commands to the whole."""
    cli.add_typer(rgpd_cli, name="rgpd")


@rgpd_cli.command("register")
def register_command(as_json: JsonFlag = False, data: DataOption = None) -> None:  # noqa: ARG001
    """Montre le registre des traitements (art. 30)."""
    settings = Settings()
    register = read_register(controller=settings.controller, contact=settings.privacy_contact)
    print_shown(register, as_json, terminal_rgpd.show_register)


@rgpd_cli.command("held-on")
def held_on_command(
    email: EmailArgument = "",
    name: NameOption = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="Fichier .zip à remettre à la personne.")
    ] = None,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Rassemble tout ce qui est détenu sur une personne (JSON et CSV)."""
    with refusals(as_json=as_json), opened(data) as resources:
        held = held_on(resources, email=email, name=name)
        if out is not None:
            _write_new(out, zip_held(held))
        print_shown(held, as_json, lambda shown: terminal_rgpd.show_held(shown, out))


@rgpd_cli.command("rectify")
def rectify_command(
    email: EmailArgument,
    new_name: Annotated[str, typer.Option("--new-name", help="Le nom juste.")] = "",
    new_email: Annotated[str, typer.Option("--new-email", help="L'adresse juste.")] = "",
    data: DataOption = None,
) -> None:
    """Corrige le nom ou l'adresse d'une personne, aussi là où elle a signé."""
    with refusals(as_json=False), opened(data) as resources:
        asking = Asking(email=email)
        done = rights.rectify(resources, asking, name=new_name, email=new_email)
    say(f"Corrigé : {done.rows} lignes.")
    if not done.clean:
        complain(
            "Un autre processus lit la base et y garde ce qui était écrit : arrêtez-le, puis "
            "relancez la même correction, avec l'adresse d'aujourd'hui, pour vider les journaux."
        )
        raise typer.Exit(IN_PART)


@rgpd_cli.command("withdraw")
def withdraw_command(
    slug: SlugArgument,
    statement: Annotated[
        list[str] | None, typer.Option("--statement", help="Identifiant ; répétable.")
    ] = None,
    organisation: Annotated[
        str, typer.Option("--organisation", help="Toutes celles d'une structure.")
    ] = "",
    contact: Annotated[
        str, typer.Option("--contact", help="Toutes celles venues avec cette adresse.")
    ] = "",
    give_back: Annotated[
        bool, typer.Option("--give-back", help="Rend un accord retiré, à la demande de l'auteur.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Retire l'accord de publication ; aucun import ne le rétablit."""
    with refusals(as_json=False), opened(data) as resources:
        which = rights.Which(tuple(statement or ()), organisation, contact)
        changed = rights.set_publication(resources, slug, which, consent=give_back)
    what = "de nouveau publiables" if give_back else "retirées de la publication"
    say(f"Contributions {what} : {changed}.")


@rgpd_cli.command("object")
def object_command(
    email: EmailArgument = "",
    name: NameOption = "",
    organisation: OrganisationOption = "",
    orcid: OrcidOption = "",
    idref: IdrefOption = "",
    data: DataOption = None,
) -> None:
    """Retire une personne des contacts, et ne la laisse revenir par aucun import."""
    asking = Asking(email, name, (), organisation, orcid, idref)
    with refusals(as_json=False), opened(data) as resources:
        done = rights.object_to(resources, asking)
    say(
        f"Contacts supprimés : {done['contacts']} ; contributions retirées de la publication : "
        f"{done['unpublished']}. Aucun import ne ramènera cette personne, sauf « rgpd allow »."
    )


@rgpd_cli.command("allow")
def allow_command(
    email: EmailArgument = "",
    name: NameOption = "",
    organisation: OrganisationOption = "",
    orcid: OrcidOption = "",
    idref: IdrefOption = "",
    data: DataOption = None,
) -> None:
    """Laisse revenir par un import une personne qui s'y était opposée."""
    asking = Asking(email, name, (), organisation, orcid, idref)
    with refusals(as_json=False), opened(data) as resources:
        rights.allow(resources, asking)
    say("Les prochains imports peuvent reprendre cette personne.")


@rgpd_cli.command("erase")
def erase_command(  # noqa: PLR0913 - the options of one command
    email: EmailArgument = "",
    name: NameOption = "",
    also: Annotated[
        list[str] | None,
        typer.Option("--also", help="Autre mot qui la désigne : téléphone, surnom ; répétable."),
    ] = None,
    mask_texts: Annotated[
        bool, typer.Option("--mask-texts", help="Masque aussi son nom dans les textes (▒).")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Efface pour de bon.")] = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Efface une personne partout. Sans --yes, montre ce qui serait effacé."""
    asking = Asking(email, name, tuple(also or ()))
    with refusals(as_json=as_json), opened(data) as resources:
        erasure = erase(resources, asking, mask_texts=mask_texts, dry_run=not yes)
    print_shown(erasure.as_json(), as_json, terminal_rgpd.show_erasure)
    if yes and not erasure.is_whole:
        raise typer.Exit(IN_PART)


@rgpd_cli.command("notices")
def notices_command(
    slug: SlugArgument,
    sent: Annotated[
        bool, typer.Option("--sent", help="Note que l'avis est parti, à tous ou à --to.")
    ] = False,
    to: Annotated[
        list[str] | None, typer.Option("--to", help="Une seule adresse ; répétable.")
    ] = None,
    source: Annotated[str, typer.Option("--source", help="D'où viennent ces coordonnées.")] = "",
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Liste les académiques à informer (art. 14), pour quand, et le texte à leur envoyer."""
    with refusals(as_json=as_json), opened(data) as resources:
        if to and not sent:
            raise Refused("--to désigne à qui l'avis est parti : ajoutez --sent.")
        if sent:
            say(f"Informés : {mark_sent(resources, slug, to or ())}.")
            return
        shown = show_notices(resources, slug, source=source)
        print_shown(shown, as_json, terminal_rgpd.show_notices)


@rgpd_cli.command("purge")
def purge_command(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compte sans rien ôter.")] = False,
    background: BackgroundFlag = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Ôte ce qui a été gardé aussi longtemps que promis ; un exécutant le fait chaque nuit."""
    with refusals(as_json=as_json), opened(data) as resources:
        if background:
            number = submit_purge(resources, asked_here(), dry_run=dry_run)
            print_submitted(number, as_json)
            return
        purged = purge(resources, dry_run=dry_run)
    print_shown(purged, as_json, terminal_rgpd.show_purge)
    if not purged["files_clean"]:
        raise typer.Exit(IN_PART)


def _write_new(out: Path, content: bytes) -> None:
    try:
        with out.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise Refused(f"« {out} » ne peut pas être écrit : {error.strerror}.") from error
