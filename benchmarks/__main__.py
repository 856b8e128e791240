"""Every benchmark, one after the other: `python -m benchmarks [--real FOLDER]`."""

import subprocess
import sys

from benchmarks.task import REPOSITORY


def main() -> None:
    """Run each in a process of its own, so that none inherits the memory of another."""
    for name, options in (
        ("pairing", sys.argv[1:]),
        ("search", sys.argv[1:]),
        ("quality", []),
        ("grouping", sys.argv[1:]),
        ("exports", sys.argv[1:]),
        ("service", ["--people", *sys.argv[1:]]),
        ("service", ["--model", "fast", "--texts", "100000", *sys.argv[1:]]),
        ("service", ["--model", "fast", "--texts", "0", "--rows", "100000", *sys.argv[1:]]),
    ):
        command = [sys.executable, "-m", f"benchmarks.{name}", *options]
        subprocess.run(command, check=True, cwd=REPOSITORY)
        print(flush=True)


if __name__ == "__main__":
    main()
