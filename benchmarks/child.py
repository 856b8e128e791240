"""Run one contender: `python -m benchmarks.child NAME FOLDER STARTED`, by pairing.py only."""

import importlib
import sys
import time
from pathlib import Path

from benchmarks.measures import Stopwatch, peak_megabytes
from benchmarks.task import Outcome, Task


def main() -> None:
    """Import, prepare, work; only what `work` does counts as work."""
    name, folder, started = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    contender = importlib.import_module(f"benchmarks.contenders.{name}")
    imports = time.time() - started
    task, watch = Task.load(folder), Stopwatch()
    with watch.stage("model"):
        ready = contender.prepare(task, folder)
    with watch.stage("work"):
        result = contender.work(task, ready, watch)
    peak = peak_megabytes()
    contender.keep(folder, result, watch)
    Outcome(imports, peak, watch.stages).save(folder, name)


if __name__ == "__main__":
    main()
