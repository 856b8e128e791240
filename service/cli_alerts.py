"""`sociopoles alerts`: what is new for kept questions, at once; a worker does it each night."""

from typing import Annotated, Any

import typer

from service import terminal
from service.command import DataOption, JsonFlag, opened, print_shown, refusals
from service.workflows.alerts import look_again, send_digests


def add_alert_commands(cli: typer.Typer) -> None:
    """Add `alerts` to the command line."""
    cli.command("alerts")(alerts_command)


def alerts_command(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Dit combien partiraient, n'envoie rien.")
    ] = False,
    as_json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Cherche ce qui est nouveau pour les recherches gardées, et l'envoie par e-mail."""
    with (
        refusals(as_json=as_json),
        opened(data) as resources,
        terminal.progress() as tell,
    ):
        found = look_again(resources, tell)
        mails = send_digests(resources, dry_run=dry_run)
        is_served = bool(resources.settings.smtp_url.get_secret_value())
    shown = {"new": found, "mails": len(mails), "sent": not dry_run}
    print_shown(shown, as_json, _show)
    if not (is_served or as_json):
        terminal.say(
            "Aucun serveur d'e-mails : ce qui est à annoncer attend que SOCIOPOLES_SMTP_URL en "
            "dise un. Seules les personnes de la démonstration ont leurs messages, dans le journal."
        )


def _show(shown: dict[str, Any]) -> None:
    verb = "envoyé(s)" if shown["sent"] else "partiraient"
    terminal.say(f"{shown['new']} réponse(s) nouvelle(s) ; {shown['mails']} e-mail(s) {verb}.")
