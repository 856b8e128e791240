"""One world for all who knock: what is refused changes nothing, and what is asked only reads."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from service.resources import Resources, open_resources
from service.settings import Settings
from tests.access.world import fill, open_app
from tests.conftest import copy_database
from tests.fakes import WordEncoder


@pytest.fixture(scope="session")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resources]:
    """Two sociopôles full of canaries."""
    folder = copy_database(sqlite_template, tmp_path_factory.mktemp("world"))
    resources = open_resources(Settings(data=folder), WordEncoder())
    fill(resources)
    yield resources
    resources.engine.dispose()


@pytest.fixture(scope="session")
def app(world: Resources) -> FastAPI:
    """The application over that world."""
    return open_app(world)
