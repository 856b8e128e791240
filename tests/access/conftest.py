"""One world for all who knock: what is refused changes nothing, and what is asked only reads."""

import shutil
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
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two sociopôles full of canaries, to be copied."""
    folder = copy_database(sqlite_template, tmp_path_factory.mktemp("filled"))
    resources = open_resources(Settings(data=folder), WordEncoder())
    fill(resources)
    resources.engine.dispose()
    return folder


@pytest.fixture(scope="session")
def world(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resources]:
    """The world that all who only knock share."""
    yield from _open_copy(filled, tmp_path_factory.mktemp("world") / "data")


@pytest.fixture
def mine(filled: Path, tmp_path: Path) -> Iterator[Resources]:
    """A world of one's own, which may be turned upside down."""
    yield from _open_copy(filled, tmp_path / "mine")


@pytest.fixture(scope="session")
def app(world: Resources) -> FastAPI:
    """The application over that world."""
    return open_app(world)


def _open_copy(filled: Path, folder: Path) -> Iterator[Resources]:
    resources = open_resources(Settings(data=shutil.copytree(filled, folder)), WordEncoder())
    yield resources
    resources.engine.dispose()
