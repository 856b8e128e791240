"""From texts to assigned pairings: ours, a plain script, and HiGHS on our candidates.

`python -m benchmarks.pairing --problems 10000 --interests 3000`
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measures import describe_load, describe_machine, median, print_table, ratio
from benchmarks.task import (
    REPOSITORY,
    Indices,
    Outcome,
    Task,
    find_model,
    load_array,
    name_model,
)
from benchmarks.texts import SEED, read_pool, split_sides
from matcher.assignment import SCORE_UNITS

CONTENDERS = ("ours", "plain", "highs")
INTERESTS_AN_ORGANISATION = (1, 3)
WHOLE = 1e-6
"""How far from 0 or 1 HiGHS may leave a pair that it takes or leaves."""


class Choice(NamedTuple):
    """Chosen pairs as positions of a problem and of an interest."""

    problems: Indices
    interests: Indices


class Value(NamedTuple):
    """What an assignment is worth, in the order in which it is maximised."""

    covered: int
    units: int


class Runs(NamedTuple):
    """Every run of one contender."""

    outcomes: list[Outcome]

    def clock(self, *stages: str) -> float:
        """Median seconds of these stages together."""
        return median([sum(run.stages[s].clock for s in stages) for run in self.outcomes])

    def processor(self, *stages: str) -> float:
        """Median processor seconds of these stages together."""
        return median([sum(run.stages[s].processor for s in stages) for run in self.outcomes])

    def imports(self) -> float:
        """Median seconds from the start of the process to the end of its imports."""
        return median([run.imports for run in self.outcomes])

    def all(self) -> float:
        """Median seconds from the start of the process to the pairings."""
        work = ("model", "work")
        return median([r.imports + sum(r.stages[s].clock for s in work) for r in self.outcomes])

    def peak(self) -> float:
        """Median megabytes."""
        return median([run.peak_megabytes for run in self.outcomes])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=10_000)
    parser.add_argument("--interests", type=int, default=3_000)
    parser.add_argument("--runs", type=int, default=3, help="median of so many, taken in turns")
    parser.add_argument("--real", type=Path, help="folder of real files (default: the usual one)")
    options = parser.parse_args()
    pool = read_pool(options.real)
    sides = split_sides(pool, problems=options.problems, interests=options.interests)
    owners = _owners(options.interests)
    task = Task(sides.problems, sides.interests, owners, find_model())
    print(f"Pairing {options.problems:,} problems with {options.interests:,} interests of")
    print(f"{len(set(owners)):,} organisations; {pool.source}; {name_model(task.model)}")
    print(describe_machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        task.save(folder)
        runs = _run_in_turns(folder, options.runs)
        choices = _choices(task, folder)
        _print_whole(task, folder, runs, choices)
        _print_assignment(task, folder, runs)
    print(f"Afterwards: {describe_load()}")


def _owners(interests: int) -> list[int]:
    """Organisations of one to three interests each."""
    low, high = INTERESTS_AN_ORGANISATION
    sizes = np.random.default_rng(SEED).integers(low, high, size=interests, endpoint=True)
    owners: list[int] = np.repeat(np.arange(interests), sizes)[:interests].tolist()
    return owners


def _run_in_turns(folder: Path, count: int) -> dict[str, Runs]:
    """Each contender in a process of its own; turns, so that other work disturbs all alike."""
    runs = {name: Runs([]) for name in CONTENDERS}
    for _ in range(count):
        for name in CONTENDERS:
            started = str(time.time())
            command = [sys.executable, "-m", "benchmarks.child", name, str(folder), started]
            done = subprocess.run(
                command, check=False, cwd=REPOSITORY, capture_output=True, text=True
            )
            if done.returncode:
                raise SystemExit(f"{name} failed:\n{done.stderr}")
            runs[name].outcomes.append(Outcome.load(folder, name))
    return runs


def _choices(task: Task, folder: Path) -> dict[str, Choice]:
    left, right = (load_array(folder, f"candidates.{side}") for side in ("left", "right"))
    chosen = load_array(folder, "ours.chosen")
    return {
        "ours": Choice(left[chosen], right[chosen] - len(task.problems)),
        "plain": Choice(load_array(folder, "plain.left"), load_array(folder, "plain.right")),
    }


def _print_whole(
    task: Task, folder: Path, runs: dict[str, Runs], choices: dict[str, Choice]
) -> None:
    ours, plain = runs["ours"], runs["plain"]
    near = ("index", "two-way top-k")
    inside = ("words", "hubs", "bars", "assignment")
    rest = ours.clock("suggest_pairings") - sum(ours.clock(stage) for stage in inside)
    seconds = [
        ("all of the work, s", ours.clock("work"), plain.clock("work")),
        ("- in processor seconds", ours.processor("work"), plain.processor("work")),
        ("- encode", ours.clock("encode"), plain.clock("encode")),
        ("- nearest in meaning", ours.clock(*near), plain.clock("semantic_search")),
        ("- nearest in words", ours.clock("words"), None),
        ("- hubs and bars", ours.clock("hubs", "bars"), None),
        ("- candidates and the rest", rest, None),
        ("- choice", ours.clock("assignment"), plain.clock("greedy")),
        ("imports, s", ours.imports(), plain.imports()),
        ("loading the model, s", ours.clock("model"), plain.clock("model")),
        ("from the start of the process, s", ours.all(), plain.all()),
    ]
    rows = [
        [name, f"{mine:.2f}", *((f"{theirs:.2f}", ratio(theirs, mine)) if theirs else ("", ""))]
        for name, mine, theirs in seconds
    ]
    rows.append(
        [
            "peak memory, MB",
            *(f"{r.peak():.0f}" for r in (ours, plain)),
            ratio(plain.peak(), ours.peak()),
        ]
    )
    rows += _quality_rows(task, folder, [choices["ours"], choices["plain"]])
    print_table("From texts to pairings", ["", "ours", "plain script", "ratio"], rows)


def _quality_rows(task: Task, folder: Path, choices: Sequence[Choice]) -> list[list[str]]:
    vectors = load_array(folder, "vectors")
    problems, interests = vectors[: len(task.problems)], vectors[len(task.problems) :]
    cosines = [np.vecdot(problems[c.problems], interests[c.interests]) for c in choices]
    adequate = _pair_keys(
        task,
        load_array(folder, "candidates.left"),
        load_array(folder, "candidates.right") - len(task.problems),
    )
    rows: list[tuple[str, Callable[[int], str]]] = [
        ("problems covered", lambda i: f"{len(np.unique(choices[i].problems)):,}"),
        ("pairings", lambda i: f"{len(choices[i].problems):,}"),
        (
            "- adequate by our bars",
            lambda i: f"{np.isin(_pair_keys(task, *choices[i]), adequate).sum():,}",
        ),
        ("total cosine", lambda i: f"{cosines[i].sum():,.0f}"),
        ("mean cosine", lambda i: f"{cosines[i].mean():.3f}"),
        ("limits kept", lambda i: "yes" if _keeps_limits(task, choices[i]) else "NO"),
    ]
    return [[name, *(show(i) for i in range(len(choices))), ""] for name, show in rows]


def _print_assignment(task: Task, folder: Path, runs: dict[str, Runs]) -> None:
    ours, highs = runs["ours"], runs["highs"]
    alone = [
        [run.stages[s] for s in run.stages if s.startswith("assignment alone")]
        for run in ours.outcomes
    ]
    mine = median([spent.clock for run in alone for spent in run])
    mine_processor = median([spent.processor for run in alone for spent in run])
    values, whole = _values(task, folder)
    rest = ours.clock("work") - ours.clock("assignment")
    seconds = [
        ("assignment, s", mine, highs.clock("work")),
        ("- in processor seconds", mine_processor, highs.processor("work")),
        ("all of the work with it, s", rest + mine, rest + highs.clock("work")),
    ]
    rows = [[name, f"{a:.3f}", f"{b:.3f}", ratio(b, a)] for name, a, b in seconds]
    rows += [
        ["peak memory of the process, MB", f"{ours.peak():.0f}", f"{highs.peak():.0f}", ""],
        ["problems covered", *(f"{value.covered:,}" for value in values), ""],
        ["score less extra load", *(f"{value.units / SCORE_UNITS:,.5f}" for value in values), ""],
    ]
    candidates = len(load_array(folder, "candidates.left"))
    title = f"Assignment alone: {candidates:,} candidates, the same scores and limits"
    print_table(title, ["", "ours", "HiGHS", "ratio"], rows)
    verdict = "EQUAL" if values[0] == values[1] else "NOT EQUAL"
    print(f"Optimum of ours and of HiGHS: {verdict}; pairs HiGHS left in part: {whole}")


def _values(task: Task, folder: Path) -> tuple[list[Value], int]:
    """The worth of our choice and of HiGHS's, and how many pairs the latter split."""
    left, right, scores = (
        load_array(folder, f"candidates.{key}") for key in ("left", "right", "scores")
    )
    units = np.rint(scores.astype(np.float64) * SCORE_UNITS).astype(np.int64)
    taken = load_array(folder, "highs.taken")
    values = []
    for chosen in (load_array(folder, "ours.chosen"), np.flatnonzero(taken > 0.5)):
        loads = np.unique_counts(right[chosen]).counts
        beyond = int(np.maximum(loads - task.proposals, 0).sum())
        score = int(units[chosen].sum()) - beyond * (SCORE_UNITS + 1)
        values.append(Value(len(np.unique(left[chosen])), score))
    return values, int(((taken > WHOLE) & (taken < 1 - WHOLE)).sum())


def _keeps_limits(task: Task, choice: Choice) -> bool:
    owners = np.array(task.owners)[choice.interests]
    return bool(
        np.unique_counts(choice.problems).counts.max(initial=0) <= task.proposals
        and np.unique_counts(owners).counts.max(initial=0) <= task.max_load
    )


def _pair_keys(task: Task, problems: NDArray[np.int64], interests: NDArray[np.int64]) -> Indices:
    return problems * len(task.interests) + interests


if __name__ == "__main__":
    main()
