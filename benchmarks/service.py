"""The whole service under load: `python -m benchmarks.service [--texts 10000] [--model deep]`.

wrk asks over eight connections, locust plays a hundred people; two web processes answer. Beside
each figure stands what the same stack gives when it answers a constant (`/api/v1/health`).
Needs wrk (apt install wrk); locust is in the `bench` extra.
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np

from benchmarks.filling import COMMUNES, SECTORS, SLUG, create_region, fill, name_organisations
from benchmarks.measures import describe_load, describe_machine, print_table
from benchmarks.serving import Served, get, peaks, post_file, serving, wait_until
from benchmarks.task import REPOSITORY
from benchmarks.texts import extend, read_pool
from service.access import GRANTABLE, Role, as_person
from service.catchup import catch_up
from service.database import read
from service.resources import Resources, open_resources
from service.settings import Settings
from service.store.accounts import NewAccount, get_account
from service.store.jobs import ENDED
from service.workflows.accounts import RoleWanted, create_account, create_token
from service.workflows.sentences import embed_sentences

CONNECTIONS, SECONDS, PEOPLE, VISIT = 8, 15, 100, 60
AGAIN = 500
"""Questions that come back, as those of an evening's workshop do."""
TEXT = 100
"""Characters of an imported text: 100,000 lines then fit into the largest file taken, 20 MB."""
CONSTANT = "/api/v1/health"


class Load(NamedTuple):
    """What wrk saw; latencies in milliseconds."""

    rate: float
    median: float
    p99: float
    errors: int


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--model", default="deep", help="deep or fast")
    parser.add_argument("--rows", type=int, default=0, help="rows of a file to import meanwhile")
    parser.add_argument("--people", action="store_true", help="a hundred people, one minute")
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not there: apt install wrk")
    pool = read_pool(arguments.real)
    subjects = [line.subject for line in pool.lines]
    print(f"{describe_machine()}; {pool.source}; model {arguments.model}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        token = _prepare(folder, arguments, [line.whole for line in pool.lines])
        with serving(folder, arguments.model) as served:
            print(f"restart to ready at {arguments.texts:,} texts: {served.ready_after:.1f} s")
            _ask(folder, served.port, token, subjects)
            if arguments.people:
                _people(folder, served.port, token, subjects)
            if arguments.rows:
                sheet = folder / "rows.csv"
                rng = np.random.default_rng(1)
                _write_sheet(
                    sheet, extend([line.whole for line in pool.lines], arguments.rows, rng)
                )
                _import(served, token, sheet, arguments.rows)


def _prepare(folder: Path, arguments: argparse.Namespace, lines: Sequence[str]) -> str:
    """The data, and the key of an animator."""
    resources = open_resources(Settings(data=folder, database_url="", model=arguments.model))
    if arguments.texts:
        fill(resources, extend(lines, arguments.texts, np.random.default_rng(0)))
        start = time.perf_counter()
        catch_up(resources)
        indexed = time.perf_counter()
        embed_sentences(resources)
        print(
            f"embedded and indexed in {indexed - start:.0f} s, "
            f"their sentences in {time.perf_counter() - indexed:.0f} s more"
        )
    else:
        create_region(resources)
    token = _animator(resources)
    resources.engine.dispose()
    return token


def _animator(resources: Resources) -> str:
    account = create_account(
        resources,
        NewAccount("animatrice@exemple.example", "Une animatrice"),
        by=None,
        roles=[RoleWanted(SLUG, Role.ANIMATOR)],
    )
    with read(resources.engine) as session:
        person = as_person(get_account(session, account.id))
    _, secret = create_token(resources, person, name="mesures", scopes=sorted(GRANTABLE))
    return secret


def _ask(folder: Path, port: int, token: str, subjects: Sequence[str]) -> None:
    """Questions that come back, and new ones, beside the constant."""
    here = f"&sociopole={SLUG}"
    searches = [f"/api/v1/search?q={quote(subject)}{here}" for subject in subjects]
    kinds = {
        "a constant": [CONSTANT],
        f"{AGAIN} questions that come back": searches[:AGAIN],
        "questions never asked before": searches[AGAIN:],
    }
    _wrk(folder, port, token, searches[:AGAIN])  # From cold: sentences of answers get embedded.
    rows: list[tuple[str, ...]] = []
    constant = 0.0
    for name, paths in kinds.items():
        before = describe_load()
        load = _wrk(folder, port, token, paths)
        constant = constant or load.rate
        cells = (f"{load.rate:.0f}", f"{load.median:.1f}", f"{load.p99:.1f}", str(load.errors))
        rows.append((name, *cells, f"{load.rate / constant:.3f}", before))
    header = ("asked", "requests/s", "median ms", "p99 ms", "errors", "of a constant", "before")
    print_table(f"wrk, {CONNECTIONS} connections, {SECONDS} s each", header, rows)


def _wrk(folder: Path, port: int, token: str, paths: Sequence[str]) -> Load:
    script = folder / "ask.lua"
    listed = ",\n".join(json.dumps(path) for path in paths)
    script.write_text(
        f"""
local paths = {{ {listed} }}
local at = 0
request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at], {{ ["Authorization"] = "Bearer {token}" }})
end
done = function(summary, latency, requests)
  local e = summary.errors
  print(string.format("MEASURED %f %f %f %d",
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
end
""",
        "utf-8",
    )
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--timeout", "10s"]
    ran = subprocess.run(
        [*command, "-s", str(script), f"http://127.0.0.1:{port}"],
        check=True,
        capture_output=True,
        text=True,
    )
    line = next(line for line in ran.stdout.splitlines() if line.startswith("MEASURED"))
    rate, median, p99, errors = (float(value) for value in line.split()[1:])
    return Load(rate, median, p99, int(errors))


def _people(folder: Path, port: int, token: str, subjects: Sequence[str]) -> None:
    """A hundred people who read nine times out of ten, and think for 5 to 10 s in between."""
    (folder / "subjects.json").write_text(json.dumps(list(subjects)), "utf-8")
    before = describe_load()
    subprocess.run(
        [
            sys.executable, "-m", "locust", "-f", str(REPOSITORY / "benchmarks" / "people.py"),
            "--headless", "--users", str(PEOPLE), "--spawn-rate", "20",
            "--run-time", f"{VISIT}s", "--host", f"http://127.0.0.1:{port}",
            "--csv", str(folder / "people"), "--only-summary", "--loglevel", "ERROR",
            "--exit-code-on-error", "0",
        ],
        check=True,
        cwd=REPOSITORY,
        env=os.environ
        | {
            "PEOPLE_TOKEN": token,
            "PEOPLE_PLACE": f"{SLUG} {COMMUNES[0]}",
            "PEOPLE_SUBJECTS": str(folder / "subjects.json"),
        },
        capture_output=True,
    )  # fmt: skip
    with (folder / "people_stats.csv").open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    rows = [
        (r["Name"], r["Request Count"], r["Failure Count"], r["50%"], r["95%"], r["99%"])
        for r in found
    ]
    header = ("what", "requests", "failures", "median ms", "p95 ms", "p99 ms")
    print_table(f"locust, {PEOPLE} people, {VISIT} s; before: {before}", header, rows)


def _import(served: Served, token: str, sheet: Path, count: int) -> None:
    """A large file, while questions are asked: how long, how much memory, how slow they get."""
    waits: list[float] = []
    stop = threading.Event()

    def keep_asking() -> None:
        while not stop.is_set():
            start = time.perf_counter()
            get(f"{served.api}/search?q=isolement&sociopole={SLUG}", token)
            waits.append(time.perf_counter() - start)
            time.sleep(0.2)

    asking = threading.Thread(target=keep_asking)
    start = time.perf_counter()
    imports = f"{served.api}/sociopoles/{SLUG}/imports"
    job = post_file(imports, token, sheet, kind="problem", background="true")
    asking.start()
    url = f"{served.api}/sociopoles/{SLUG}/jobs/{job['id']}"
    wait_until(lambda: bool(get(url, token)["result"]))
    committed = time.perf_counter() - start
    wait_until(lambda: get(url, token)["state"] in ENDED)
    ended = time.perf_counter() - start
    stop.set()
    asking.join()
    held = peaks(served.process.pid)
    print(f"import of {count:,} rows: {get(url, token)['state']}")
    print(f"in the database after {committed:.1f} s, embedded and done after {ended:.1f} s")
    print(f"largest process {held[0]:.0f} MB, all {sum(held):.0f} MB, each at its peak")
    print(
        f"{len(waits)} questions meanwhile: median {1e3 * statistics.median(waits):.0f} ms, "
        f"longest {1e3 * max(waits):.0f} ms; {describe_load()}"
    )


def _write_sheet(sheet: Path, texts: Sequence[str]) -> None:
    names = name_organisations(len(texts))
    with sheet.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(["id", "organisation", "college", "text", "sector", "territory", "consent"])
        for i, text in enumerate(texts):
            sector, commune = SECTORS[i % len(SECTORS)], COMMUNES[i % len(COMMUNES)]
            name = names[i % len(names)]
            writer.writerow([f"L-{i}", name, "association", text[:TEXT], sector, commune, "oui"])


if __name__ == "__main__":
    main()
