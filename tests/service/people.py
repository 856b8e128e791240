"""People of the tests: accounts of every role, and clients signed in as one of them."""

from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.access import Permission, Role, as_person
from service.database import read, write
from service.resources import Resources
from service.store.accounts import NewAccount, find_account, get_account
from service.visits import COOKIE
from service.workflows.accounts import RoleWanted, create_account, create_token
from service.workflows.sign_in import open_session
from tests.builders import SLUG

FROM_HERE = {"Sec-Fetch-Site": "same-origin"}
"""What a browser says of a form of this very site."""


@dataclass(frozen=True, slots=True)
class Someone:
    """Who a test is signed in as."""

    name: str = "Une animatrice"
    role: Role | None = Role.ANIMATOR
    slug: str = SLUG
    organisation: str = ""
    is_admin: bool = False
    is_network_head: bool = False

    @property
    def email(self) -> str:
        """An address that no other person of the tests has."""
        return f"{'-'.join(self.name.casefold().split())}@exemple.fr"


ANIMATOR = Someone()
ADMIN = Someone("L'administration", None, is_admin=True)
HEAD = Someone("La tête de réseau", None, is_network_head=True)


def add_person(resources: Resources, someone: Someone = ANIMATOR) -> int:
    """The account of this person, made where it is not there yet; its number."""
    with read(resources.engine) as session:
        known = find_account(session, someone.email)
    if known:
        return known.id
    roles = []
    if someone.role is not None:
        roles = [RoleWanted(someone.slug, someone.role, someone.organisation)]
    new = NewAccount(
        someone.email,
        someone.name,
        is_admin=someone.is_admin,
        is_network_head=someone.is_network_head,
    )
    return create_account(resources, new, by=None, roles=roles).id


def sign_in(client: TestClient, resources: Resources, someone: Someone = ANIMATOR) -> TestClient:
    """The client, signed in as this person by an open session."""
    account = add_person(resources, someone)
    with write(resources.engine) as session:
        secret = open_session(session, account, "127.0.0.0")
    client.cookies.set(COOKIE, secret)
    client.headers.update(FROM_HERE)
    return client


def client_of(app: FastAPI, resources: Resources, someone: Someone = ANIMATOR) -> TestClient:
    """A client of its own, signed in as this person."""
    return sign_in(TestClient(app, raise_server_exceptions=False), resources, someone)


def make_key(resources: Resources, someone: Someone, *scopes: Permission) -> str:
    """A key of this person's."""
    account = add_person(resources, someone)
    with read(resources.engine) as session:
        person = as_person(get_account(session, account))
    _, secret = create_token(resources, person, name="essai", scopes=scopes)
    return secret
