"""Time and memory of exporting a whole sociopôle: `python -m benchmarks.exports`.

Each export in a process of its own; seconds leave out imports and opening the database.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.filling import SLUG, fill
from benchmarks.measures import Stopwatch, describe_machine, peak_megabytes, print_table
from benchmarks.task import REPOSITORY
from benchmarks.texts import extend, read_pool
from service.files.writing import SheetFormat
from service.resources import Resources, open_resources
from service.settings import Settings
from service.workflows.export import Exported, export_statements
from service.workflows.export_public import export_public


def main() -> None:
    """Fill a database, then export it in each format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--child", nargs=2, metavar=("WHAT", "FOLDER"))
    arguments = parser.parse_args()
    if arguments.child:
        _run_child(arguments.child[0], Path(arguments.child[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = _fill(folder, arguments.real, arguments.texts)
        rows = [_row(what, folder) for what in (*SheetFormat, "jsonld")]
    print(f"Exports of {arguments.texts:,} statements ({source}); {describe_machine()}")
    print_table("", ("export", "s", "s of processor", "MB held", "MB written"), rows)


def _fill(folder: Path, real: Path | None, count: int) -> str:
    pool = read_pool(real)
    resources = _open(folder)
    fill(resources, extend([line.whole for line in pool.lines], count, np.random.default_rng(0)))
    resources.engine.dispose()
    return pool.source


def _row(what: str, folder: Path) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.exports", "--child", what, str(folder)]
    ran = subprocess.run(command, check=True, cwd=REPOSITORY, capture_output=True, text=True)
    measured = json.loads(ran.stdout)
    return [
        what,
        *(f"{measured[name]:.1f}" for name in ("clock", "processor")),
        f"{measured['peak']:.0f}",
        f"{measured['bytes'] / 1e6:.1f}",
    ]


def _run_child(what: str, folder: Path) -> None:
    resources, watch = _open(folder), Stopwatch()
    with watch.stage("export"):
        exported = _export(resources, what)
    spent = watch.stages["export"]
    measured = {"peak": peak_megabytes(), "bytes": len(exported.body)}
    print(json.dumps(spent._asdict() | measured))


def _export(resources: Resources, what: str) -> Exported:
    if what == "jsonld":
        return export_public(resources, SLUG)
    return export_statements(resources, SLUG, SheetFormat(what))


def _open(folder: Path) -> Resources:
    return open_resources(Settings(data=folder, database_url="", model="fast"))


if __name__ == "__main__":
    main()
