"""`sociopoles user …`: who may enter."""

import sys
from typing import Annotated

import typer

from service import terminal
from service.access import Role
from service.command import DataOption, JsonFlag, opened, print_shown, refusals
from service.database import read
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.accounts import AccountView, NewAccount, find_account
from service.terminal_people import show_accounts
from service.workflows import accounts
from service.workflows.accounts import AccountChange, RoleWanted
from service.workflows.openid_sign_in import unlink_from_here

EmailArgument = Annotated[str, typer.Argument(help="Adresse e-mail de la personne.")]
NameOption = Annotated[str, typer.Option("--name", help="Nom affiché.")]
PasswordFlag = Annotated[
    bool,
    typer.Option(
        "--password",
        help="Demande un mot de passe (lu sur l'entrée standard si ce n'est pas un terminal) ; "
        "sans lui, la personne entre par un code envoyé à son adresse.",
    ),
]
ROLE_HELP = (
    "sociopole:rôle, répétable ; rôles : animator, academic, reader, association. Une association "
    "se nomme : plaine-commune:association:Les Jardins du Rail."
)


def add_people_commands(cli: typer.Typer) -> None:
    """Add `user` to the command line."""
    users = typer.Typer(help="Les comptes.", no_args_is_help=True)
    users.command("create-admin")(create_admin)
    users.command("add")(add)
    users.command("list")(list_users)
    users.command("roles")(set_roles)
    users.command("password")(set_password)
    users.command("disable")(disable)
    users.command("enable")(enable)
    users.command("untie")(untie)
    cli.add_typer(users, name="user")


def create_admin(
    email: EmailArgument, name: NameOption, password: PasswordFlag = False, data: DataOption = None
) -> None:
    """Crée un compte d'administration ; il n'y a pas de mot de passe par défaut."""
    with refusals(as_json=False), opened(data) as resources:
        new = NewAccount(email=email, name=name, is_admin=True)
        accounts.create_account(resources, new, by=None, password=_ask(password))
    terminal.say(f"{name} administre : « sociopoles serve », puis /connexion.")


def add(
    email: EmailArgument,
    name: NameOption,
    role: Annotated[list[str] | None, typer.Option("--role", help=ROLE_HELP)] = None,
    network_head: Annotated[
        bool, typer.Option("--network-head", help="Tête de réseau : lit tous les sociopôles.")
    ] = False,
    password: PasswordFlag = False,
    data: DataOption = None,
) -> None:
    """Ajoute un compte."""
    with refusals(as_json=False), opened(data) as resources:
        new = NewAccount(email=email, name=name, is_network_head=network_head)
        roles = [_parse_role(text) for text in role or []]
        accounts.create_account(resources, new, by=None, roles=roles, password=_ask(password))
    terminal.say(f"Compte de {name} ajouté.")


def list_users(as_json: JsonFlag = False, data: DataOption = None) -> None:
    """Liste les comptes et leurs rôles."""
    with refusals(as_json=as_json), opened(data) as resources:
        shown = accounts.show_accounts(resources, limit=10_000)
        print_shown(shown, as_json, show_accounts)


def set_roles(
    email: EmailArgument,
    role: Annotated[list[str] | None, typer.Option("--role", help=ROLE_HELP)] = None,
    data: DataOption = None,
) -> None:
    """Remplace les rôles d'un compte ; sans --role, il n'en a plus."""
    with refusals(as_json=False), opened(data) as resources:
        change = AccountChange(roles=[_parse_role(text) for text in role or []])
        accounts.change_account(resources, _find(resources, email).id, change, by=None)
    terminal.say(f"Rôles de {email} changés ; ses sessions sont fermées.")


def set_password(email: EmailArgument, data: DataOption = None) -> None:
    """Donne un nouveau mot de passe, ferme les sessions ouvertes et retire les clés."""
    with refusals(as_json=False), opened(data) as resources:
        accounts.reset_password(resources, email, _ask(True))
    terminal.say(f"Mot de passe de {email} changé ; ses sessions sont fermées, ses clés retirées.")


def disable(email: EmailArgument, data: DataOption = None) -> None:
    """Ferme un compte, sans rien perdre de ce qui fut décidé."""
    _switch(email, data, active=False)
    terminal.say(f"{email} n'entre plus (« sociopoles user enable » le rouvre).")


def enable(email: EmailArgument, data: DataOption = None) -> None:
    """Rouvre un compte."""
    _switch(email, data, active=True)
    terminal.say(f"{email} entre de nouveau.")


def untie(
    email: EmailArgument,
    provider: Annotated[str, typer.Argument(help="Nom du fournisseur dans les réglages.")],
    data: DataOption = None,
) -> None:
    """Délie l'identité qu'un fournisseur donne à un compte, et ferme les sessions ouvertes."""
    with refusals(as_json=False), opened(data) as resources:
        unlink_from_here(resources, email, provider)
    terminal.say(f"{email} n'entre plus par l'ancienne identité de « {provider} ».")


def _switch(email: str, data: DataOption, *, active: bool) -> None:
    with refusals(as_json=False), opened(data) as resources:
        found = _find(resources, email)
        accounts.change_account(resources, found.id, AccountChange(is_active=active), by=None)


def _find(resources: Resources, email: str) -> AccountView:
    with read(resources.engine) as session:
        found = find_account(session, email)
    if found is None:
        raise NotFound(f"Aucun compte n'a l'adresse {email}.")
    return found


def _parse_role(text: str) -> RoleWanted:
    slug, _, rest = text.partition(":")
    role, _, organisation = rest.partition(":")
    if not slug or role not in set(Role):
        raise Refused(f"« {text} » ne se comprend pas : écrivez {ROLE_HELP}")
    return RoleWanted(slug, Role(role), organisation)


def _ask(wanted: bool) -> str:  # noqa: FBT001 - the flag as it came
    if not wanted:
        return ""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password: str = typer.prompt("Mot de passe", hide_input=True, confirmation_prompt=True)
    return password
