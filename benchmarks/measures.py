"""What is measured and how it is shown: seconds, memory, the machine, tables."""

import os
import platform
import resource
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Spent(NamedTuple):
    """Seconds by the clock, and of processors: all threads together, hardly moved by other work."""

    clock: float = 0.0
    processor: float = 0.0


@dataclass(slots=True)
class Stopwatch:
    """What each stage took; a stage entered again adds up."""

    stages: dict[str, Spent] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        clock, processor = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            before = self.stages.get(name, Spent())
            self.stages[name] = Spent(
                before.clock + time.perf_counter() - clock,
                before.processor + time.process_time() - processor,
            )


def peak_megabytes() -> float:
    """The most memory this process ever held.

    Linux hands a parent's ru_maxrss down to its children, even through exec; VmHWM is their own.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def describe_machine() -> str:
    """Date, processor, cores and how busy they are."""
    return (
        f"{time.strftime('%Y-%m-%d')}; {_processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; {describe_load()}"
    )


def describe_load() -> str:
    """How busy the machine is now."""
    return "load average " + ", ".join(f"{value:.1f}" for value in os.getloadavg())


def median(values: Sequence[float]) -> float:
    """The middle of several runs."""
    return float(statistics.median(values))


def ratio(theirs: float, ours: float) -> str:
    """How many times faster ours is; under 1 it is slower."""
    return f"{theirs / ours:.2f}x" if ours > 0 else "-"


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A Markdown table, aligned to be read as it stands."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    rule = ["-" * (width + 1) + (":" if i else "-") for i, width in enumerate(widths)]
    print(f"\n{title}\n")
    _print_row(header, widths)
    print(f"|{'|'.join(rule)}|")
    for row in rows:
        _print_row(row, widths)
    print(flush=True)


def _print_row(cells: Sequence[str], widths: Sequence[int]) -> None:
    first, *others = zip(cells, widths, strict=True)
    aligned = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    print("| " + " | ".join(aligned) + " |")


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    if known.is_file():
        for line in known.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
