"""Accounts and the audit trail, for the administration."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import Field, StrictBool

from service.access import Role
from service.api.parameters import After, Before, IfMatch, Limit, Number, give_version
from service.api.problems import ANSWERS
from service.api.schemas import Body, example
from service.asked_first import AskedFirstOnce
from service.database import read
from service.store.accounts import NewAccount, get_account
from service.visits import Administering
from service.workflows import accounts
from service.workflows.accounts import AccountChange, RoleWanted

router = APIRouter(
    prefix="/api/v1", responses=ANSWERS, tags=["administration"], route_class=AskedFirstOnce
)


class RoleGiven(Body):
    """A role in a sociopôle; who belongs to an organisation names it."""

    sociopole: str = Field(max_length=60, examples=["plaine-commune"])
    role: Role
    organisation: str = Field("", max_length=300)


class AccountWanted(Body):
    """A new account; its owner enters by a code sent to the address."""

    model_config = example(
        {
            "email": "animatrice@exemple.fr",
            "name": "Une animatrice",
            "roles": [{"sociopole": "plaine-commune", "role": "animator"}],
        }
    )

    email: str = Field(max_length=320, examples=["animatrice@exemple.fr"])
    name: str = Field(max_length=200, examples=["Une animatrice"])
    is_admin: StrictBool = False
    is_network_head: StrictBool = False
    roles: list[RoleGiven] = Field([], max_length=200)


class AccountChanges(Body):
    """What to change; what is not given stays."""

    model_config = example(
        {
            "roles": [
                {
                    "sociopole": "plaine-commune",
                    "role": "association",
                    "organisation": "Les Jardins partagés",
                }
            ]
        }
    )

    name: str | None = Field(None, max_length=200)
    is_active: StrictBool | None = None
    is_admin: StrictBool | None = None
    is_network_head: StrictBool | None = None
    roles: list[RoleGiven] | None = Field(None, max_length=200)


@router.get("/accounts")
def list_all(visit: Administering, after: After = 0, limit: Limit = 50) -> dict[str, Any]:
    """Accounts by number; `next` starts the next page."""
    return accounts.show_accounts(visit.resources, after=after, limit=limit)


@router.post("/accounts", status_code=201)
def create(visit: Administering, wanted: AccountWanted) -> dict[str, Any]:
    """Add an account."""
    new = NewAccount(
        email=wanted.email,
        name=wanted.name,
        is_admin=wanted.is_admin,
        is_network_head=wanted.is_network_head,
    )
    made = accounts.create_account(
        visit.resources, new, by=visit.account, roles=_roles(wanted.roles)
    )
    return accounts.show_account(made)


@router.get("/accounts/{number}")
def read_one(visit: Administering, number: Number, response: Response) -> dict[str, Any]:
    """One account; its version is in ETag."""
    with read(visit.resources.engine) as session:
        view = get_account(session, number)
    give_version(response, view.version)
    return accounts.show_account(view)


@router.patch("/accounts/{number}")
def change(
    visit: Administering,
    number: Number,
    wanted: AccountChanges,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Change an account; new rights begin with a new sign-in."""
    view = accounts.change_account(
        visit.resources,
        number,
        AccountChange(
            name=wanted.name,
            is_active=wanted.is_active,
            is_admin=wanted.is_admin,
            is_network_head=wanted.is_network_head,
            roles=None if wanted.roles is None else _roles(wanted.roles),
        ),
        by=visit.account,
        version=if_match,
    )
    give_version(response, view.version)
    return accounts.show_account(view)


@router.get("/audit")
def read_audit(visit: Administering, before: Before = None, limit: Limit = 50) -> dict[str, Any]:
    """Who did what that touches people, rights or whole sociopôles; newest first."""
    return accounts.show_audit(visit.resources, before=before, limit=limit)


def _roles(given: list[RoleGiven]) -> list[RoleWanted]:
    return [RoleWanted(role.sociopole, role.role, role.organisation) for role in given]
