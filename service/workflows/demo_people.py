"""The demo's people: one account for each role, entered without a password, on this machine."""

from service.access import Role
from service.database import read, write
from service.errors import Refused
from service.resources import Resources
from service.store.accounts import NewAccount, list_accounts
from service.store.sociopoles import list_sociopoles, organisations
from service.workflows.accounts import RoleWanted, create_account
from service.workflows.set_up import DEMO_SOCIOPOLES
from service.workflows.sign_in import has_more_than_demo, open_session

DOMAIN = "demo.invalid"
"""No such domain can exist (RFC 2606): nothing is ever mailed there."""
HOME, ELSEWHERE = DEMO_SOCIOPOLES[0][0], DEMO_SOCIOPOLES[1][0]
NAMES = {
    "animator": "Une animatrice",
    "academic": "Un enseignant-chercheur",
    "association": "Une association",
    "reader": "Une élue",
    "head": "La tête de réseau",
    "admin": "L’administration",
}
"""Who one may be in the demo, by the name of the account before the @."""


def add_demo_people(resources: Resources) -> None:
    """Add the demo's accounts where they are missing."""
    known = {person["email"] for person in list_demo_people(resources)}
    for key, name in NAMES.items():
        email = f"{key}@{DOMAIN}"
        if email not in known:
            new = NewAccount(
                email=email,
                name=name,
                is_admin=key == "admin",
                is_network_head=key == "head",
                is_demo=True,
            )
            create_account(resources, new, by=None, roles=_roles(resources, key))


def list_demo_people(resources: Resources) -> list[dict[str, str]]:
    """Who one may enter as; nobody, once there is a sociopôle that is not of the demo."""
    with read(resources.unscoped().engine) as session:
        if has_more_than_demo(session):
            return []
        accounts = [account for account in list_accounts(session) if account.is_demo]
    return [{"email": account.email, "name": account.name} for account in accounts]


def enter_demo(resources: Resources, email: str, network: str) -> str:
    """Open a session as someone of the demo; returns its secret."""
    if email not in {person["email"] for person in list_demo_people(resources)}:
        raise Refused("Entrer sans mot de passe n'existe que dans la démonstration.")
    with write(resources.unscoped().engine) as session:
        account = next(a for a in list_accounts(session) if a.email == email and a.is_demo)
        return open_session(session, account.id, network)


def _roles(resources: Resources, key: str) -> list[RoleWanted]:
    if key not in set(Role):
        return []
    role = Role(key)
    if role == Role.ASSOCIATION:
        return [RoleWanted(HOME, role, _some_association(resources))]
    both = role in {Role.ACADEMIC, Role.ANIMATOR}
    return [RoleWanted(slug, role) for slug in ((HOME, ELSEWHERE) if both else (HOME,))]


def _some_association(resources: Resources) -> str:
    with read(resources.engine) as session:
        home = next(view for view in list_sociopoles(session) if view.slug == HOME)
        found = organisations(session, home.id).values()
    return min(view.name for view in found if view.college == "association")
