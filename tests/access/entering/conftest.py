"""Ada, who has an account and a password, at the door."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.access import Role
from service.app import create_app
from service.resources import Resources, open_resources
from service.settings import Settings
from service.store.accounts import NewAccount
from service.workflows.accounts import RoleWanted, create_account
from tests.access.entering.ada import EMAIL, PASSWORD
from tests.builders import SLUG
from tests.fakes import WordEncoder
from tests.service.people import FROM_HERE


@pytest.fixture
def resources(data: Path) -> Iterator[Resources]:
    """On SQLite alone: what differs between databases is tried where the rows are."""
    resources = open_resources(Settings(data=data), WordEncoder())
    yield resources
    resources.engine.dispose()


@pytest.fixture(autouse=True)
def ada(resources: Resources) -> int:
    new = NewAccount(EMAIL, "Ada")
    roles = [RoleWanted(SLUG, Role.ANIMATOR)]
    return create_account(resources, new, by=None, roles=roles, password=PASSWORD).id


@pytest.fixture
def app(resources: Resources) -> FastAPI:
    return create_app(resources)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, headers=FROM_HERE) as client:
        yield client
