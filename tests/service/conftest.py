"""What tests of the command line share: a tiny model, and a way to run a command."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from service.cli import cli
from tests.builders import write_static_model

WORDS = "vélo vélos jardin murs humides école enfants recherche logement compost besoin de sur les"

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_static_model(tmp_path_factory.mktemp("models") / "tiny", WORDS, dim=32)


@pytest.fixture
def run(data: Path, model: Path) -> Run:
    """Run a command on the test's own data folder."""

    def invoke(*arguments: object, folder: Path | None = data) -> Result:
        environment = {"SOCIOPOLES_MODEL": str(model), "SOCIOPOLES_DATA": str(folder or "")}
        return CliRunner().invoke(cli, [str(a) for a in arguments], env=environment)

    return invoke


def read(result: Result, *, code: int = 0) -> dict[str, Any]:
    """What was printed, which must be JSON and nothing else."""
    assert result.exit_code == code, result.output
    shown: dict[str, Any] = json.loads(result.stdout)
    return shown
