"""Groups: ours beside k-means, Ward, HDBSCAN, UMAP + HDBSCAN and EVoC, on the same vectors.

`python -m benchmarks.grouping [--real FOLDER] [--only fixtures|real|growth]`
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import combinations
from math import log
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from benchmarks.measures import describe_load, describe_machine, peak_megabytes, print_table
from benchmarks.task import REPOSITORY, find_model, load_array, save_array
from benchmarks.texts import extend, read_grants, read_pool
from matcher.encoder import load_encoder
from matcher.evaluation import measure_groups
from matcher.grouping import find_groups
from matcher.passages import encode_long
from service.workflows.evaluate_groups import BASELINES, ours
from service.workflows.group_material import nearest_by_index

METHODS = ("ours", "ours, k given", *BASELINES)
TOLD = {"kmeans": "k-means, k given", "ward": "Ward, k given"}
SHUFFLES = 3
SLOW_SECONDS = 150
"""A method slower than this is run once: its sameness is then taken from the smaller sets."""
WARM_UP = 300


class Labelled(NamedTuple):
    """Texts with the labels given by hand, one set of labels or more."""

    name: str
    texts: list[str]
    labels: dict[str, list[str]]


class Run(NamedTuple):
    """One run: the group of each text in the order given, seconds, megabytes."""

    group: NDArray[np.int64]
    seconds: float
    megabytes: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, default=REPOSITORY.parent / "shared/data/real")
    parser.add_argument("--only", choices=("fixtures", "real", "growth"))
    parser.add_argument("--child", nargs=3, metavar=("METHOD", "FOLDER", "SEED"))
    options = parser.parse_args()
    if options.child:
        _work(options.child[0], Path(options.child[1]), int(options.child[2]))
        return
    print(describe_machine())
    with tempfile.TemporaryDirectory() as folder:
        if options.only in {None, "fixtures"}:
            _compare(read_themes(), Path(folder))
        if options.only in {None, "real"}:
            for count in (2000, 16_000):
                if (grants := read_labelled_grants(options.real, count)) is not None:
                    _compare(grants, Path(folder))
        if options.only in {None, "growth"}:
            _grow(options.real, Path(folder))
    print(describe_load())


def read_themes() -> Labelled:
    """The problems of the demo and the theme each was given by two readers."""
    lines = (REPOSITORY / "fixtures/themes.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return Labelled(
        "themes of the fixtures",
        [row["text"] for row in rows],
        {
            "first reader": [row["label"] for row in rows],
            "second reader": [row["second_label"] for row in rows],
        },
    )


def read_labelled_grants(folder: Path, count: int) -> Labelled | None:
    """So many grants drawn at random, with their budget action."""
    found = read_grants(folder)
    if found is None:
        print(f"{folder} is not there: grants were not grouped")
        return None
    pairs = [(row["Objet"].strip(), row["Action"].strip()) for row in found]
    pairs = [pair for pair in pairs if all(pair)]
    drawn = np.sort(np.random.default_rng(0).permutation(len(pairs))[:count]).tolist()
    return Labelled(
        f"{count:,} grants, budget action",
        [pairs[i][0] for i in drawn],
        {"action": [pairs[i][1] for i in drawn]},
    )


def _compare(task: Labelled, folder: Path) -> None:
    vectors = encode_long(load_encoder("deep").encode_passages, task.texts)
    save_array(folder, "vectors", vectors)
    for label, values in task.labels.items():
        (folder / "k.json").write_text(str(len(set(values))), "utf-8")
        if label == next(iter(task.labels)):
            (folder / "texts.json").write_text(json.dumps(task.texts), "utf-8")
            runs = {method: _runs(method, folder) for method in METHODS}
        rows = [_row(method, found, values) for method, found in runs.items()]
        header = (
            "method", "NMI", "V", "ARI", "AMI", "NMI, unplaced together", "ARI, idem", "placed",
            "groups", "s", "MB", "same over shuffles",
        )  # fmt: skip
        print_table(f"{task.name}: {len(set(values))} labels ({label})", header, rows)


def _runs(method: str, folder: Path) -> list[Run]:
    runs: list[Run] = []
    for seed in range(SHUFFLES):
        if runs and runs[0].seconds > SLOW_SECONDS:
            break
        command = [sys.executable, "-m", "benchmarks.grouping", "--child", method, str(folder)]
        subprocess.run([*command, str(seed)], check=True, cwd=REPOSITORY)
        content: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8"))
        runs.append(Run(load_array(folder, "group"), content["seconds"], content["megabytes"]))
    print(f"{method}: {[round(run.seconds, 2) for run in runs]} s; {describe_load()}", flush=True)
    return runs


def _work(method: str, folder: Path, seed: int) -> None:
    """One run on rows in an order of its own, after a small one that compiles what is compiled."""
    texts: list[str] = json.loads((folder / "texts.json").read_text("utf-8"))
    order = np.random.default_rng(seed).permutation(len(texts))
    moved = [texts[i] for i in order]
    vectors = np.ascontiguousarray(load_array(folder, "vectors")[order])
    k = int((folder / "k.json").read_text("utf-8"))

    def run(count: int) -> NDArray[np.int64]:
        if method == "ours":
            return ours(moved[:count])(vectors[:count], k)
        if method == "ours, k given":
            return find_groups(
                moved[:count], vectors[:count], size=min(k, count), nearest=nearest_by_index
            ).group
        return BASELINES[method](vectors[:count], min(k, count))

    run(min(WARM_UP, len(texts)))
    start = time.perf_counter()
    found = run(len(texts))
    seconds = time.perf_counter() - start
    group = np.empty(len(texts), dtype=np.int64)
    group[order] = found
    save_array(folder, "group", group)
    measured = {"seconds": seconds, "megabytes": peak_megabytes()}
    (folder / "run.json").write_text(json.dumps(measured), "utf-8")


def _row(method: str, runs: Sequence[Run], labels: Sequence[str]) -> list[str]:
    found = measure_groups(runs[0].group.tolist(), labels)
    # The other reading of what is in no group: one group of leftovers.
    leftovers = np.where(runs[0].group < 0, runs[0].group.max() + 1, runs[0].group)
    together = measure_groups(leftovers.tolist(), labels)
    return [
        TOLD.get(method, method),
        *(f"{found[name]:.3f}" for name in ("nmi", "v_measure", "ari", "ami")),
        f"{together['nmi']:.3f}",
        f"{together['ari']:.3f}",
        f"{found['placed']:.0%}",
        f"{found['groups']:.0f}",
        f"{np.median([run.seconds for run in runs]):.2f}",
        f"{np.median([run.megabytes for run in runs]):.0f}",
        _sameness(runs),
    ]


def _sameness(runs: Sequence[Run]) -> str:
    if len(runs) < 2:
        return "1 run"
    least = min(adjusted_rand_score(one.group, other.group) for one, other in combinations(runs, 2))
    return "identical" if least == 1 else f"ARI {least:.3f}"


def _grow(real: Path, folder: Path) -> None:
    encoder = load_encoder(find_model())
    rows = []
    before: tuple[int, float] | None = None
    for count in (1000, 10_000, 100_000):
        pool = [line.subject for line in read_pool(real if real.is_dir() else None).lines]
        texts = extend(pool, count, np.random.default_rng(0))
        save_array(folder, "vectors", encoder.encode_passages(texts))
        (folder / "texts.json").write_text(json.dumps(texts), "utf-8")
        (folder / "k.json").write_text("2", "utf-8")
        command = [sys.executable, "-m", "benchmarks.grouping", "--child", "ours", str(folder)]
        subprocess.run([*command, "0"], check=True, cwd=REPOSITORY)
        content = json.loads((folder / "run.json").read_text("utf-8"))
        exponent = "-"
        if before:
            grown = log(content["seconds"] / before[1]) / log(count / before[0])
            exponent = f"{grown:.2f}"
        before = (count, content["seconds"])
        rows.append(
            [f"{count:,}", f"{content['seconds']:.2f}", f"{content['megabytes']:.0f}", exponent]
        )
    print_table("Growth, fast model's vectors", ("texts", "s", "MB", "exponent"), rows)


if __name__ == "__main__":
    main()
