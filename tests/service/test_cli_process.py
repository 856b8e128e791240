"""The installed command as a process of its own: its streams, and what a kill leaves."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from matcher.encoder import load_encoder
from service.resources import open_resources
from service.settings import Settings
from service.workflows.check import check
from tests.builders import SLUG, write_csv, write_static_model

ROWS = 5_000
COMMAND = (sys.executable, "-c", "from service.cli import main; main()")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    model = write_static_model(tmp_path_factory.mktemp("models") / "tiny", "besoin vélo jardin")
    return os.environ | {"SOCIOPOLES_MODEL": str(model)}


def start(environment: dict[str, str], *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(environment: dict[str, str], *arguments: object) -> tuple[int, str, str]:
    process = start(environment, *arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_json_stands_alone_on_standard_output(environment: dict[str, str], data: Path) -> None:
    code, out, err = run(environment, "--data", data, "sociopole", "list", "--json")

    assert (code, err) == (0, "")
    assert [sociopole["slug"] for sociopole in json.loads(out)["sociopoles"]] == [SLUG]


def test_a_refusal_is_said_on_standard_error_without_a_traceback(
    environment: dict[str, str], data: Path
) -> None:
    code, out, err = run(environment, "suggest", "atlantide", "--data", data)

    assert (code, out) == (1, "")
    assert "atlantide" in err
    assert "Traceback" not in err


def test_a_model_that_carries_code_is_refused(
    environment: dict[str, str], data: Path, tmp_path: Path
) -> None:
    model = write_static_model(tmp_path / "model", "vélo")
    (model / "evil.py").write_text("open('it-ran', 'w')")

    code, _, err = run(environment | {"SOCIOPOLES_MODEL": str(model)}, "check", "--data", data)

    assert code == 1
    assert "il contient du code" in err
    assert not (ROOT / "it-ran").exists()


@pytest.mark.fault("F1")
def test_a_kill_in_an_import_leaves_all_or_nothing_and_a_clean_check(
    environment: dict[str, str], data: Path, tmp_path: Path
) -> None:
    rows = ((str(i), f"Asso {i % 700}", f"besoin numéro {i} : vélo et jardin") for i in range(ROWS))
    path = write_csv(tmp_path / "rows.csv", ("id", "organisation", "text"), rows)
    options = ("import", path, "--sociopole", SLUG, "--kind", "problem", "--json", "--data")
    encoder = load_encoder(environment["SOCIOPOLES_MODEL"])
    moments = random.Random(0)
    killed = data

    for round_ in range(5):
        killed = tmp_path / f"killed-{round_}"
        shutil.copytree(data, killed)
        process = start(environment, *options, killed)
        wait_until_opened(killed, process)
        time.sleep(moments.uniform(0, 0.8))
        process.kill()
        process.communicate()

        resources = open_resources(Settings(data=killed), encoder)
        health = check(resources)
        resources.engine.dispose()
        assert health.statements in {0, ROWS}
        assert (health.findings, health.exit_code) == ([], 0)

    code, out, _ = run(environment, *options, killed)
    report = json.loads(out)
    assert code == 0
    assert report["created"] + report["unchanged"] == ROWS


def wait_until_opened(data: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if (data / "sociopoles.sqlite3-wal").exists():
            return
        time.sleep(0.01)
