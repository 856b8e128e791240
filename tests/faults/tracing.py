"""strace on a process that runs: what it asks of the disk, in which order, and errors put in."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WRITES = ("write", "pwrite64")
SYNCS = ("fsync", "fdatasync")
RENAMES = ("rename", "renameat", "renameat2")
CALLS = (*WRITES, *SYNCS, *RENAMES, "mkdir")
LINE = re.compile(r"^\d+ +(\w+)\((.*)$")
DESCRIPTOR = re.compile(r"^\d+<([^>]*)>")
NAMES = re.compile(r'"([^"]*)"')
ATTACHED = 10.0


class Strace:
    """The program, known to work here."""

    def __init__(self, program: str) -> None:
        self._program = program

    @contextmanager
    def on(self, pid: int, log: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """Trace a process, threads and all, into a file; it goes on when this ends."""
        only = "-e", f"trace={','.join(CALLS)}"
        command = [self._program, "-f", "-y", "-s", "200", *only, *options]
        complaints = log.with_suffix(".err")
        with complaints.open("wb") as err:
            process = subprocess.Popen([*command, "-o", log, "-p", str(pid)], stderr=err)
        try:
            _wait_until_attached(process, complaints)
            yield process
        finally:
            process.terminate()
            process.wait()


def find_strace(folder: Path) -> Strace | str:
    """strace, or why it is of no use here."""
    program = shutil.which("strace")
    if program is None:
        return "no strace here: the order of writes and syncs was not watched"
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            with Strace(program).on(sleeper.pid, folder / "probe"):
                return Strace(program)
        except PermissionError as error:
            return f"strace may not be used here: {error}"
        finally:
            sleeper.kill()


def order_faults(trace: Path, acknowledged: str) -> list[str]:
    """What could be lost by a power cut at the moments that count, by the order of the calls.

    Before a rename, the file it renames is on the disk, and every file and folder made beside it;
    before an answer (a write to the file `acknowledged`), all that was written and renamed is.
    """
    faults: list[str] = []
    dirty: dict[Path, str] = {}
    for call, path in _calls(trace):
        if call in SYNCS:
            dirty.pop(path, None)
        elif call == "mkdir":
            dirty[path.parent] = f"{path} made"
        elif call in RENAMES:
            faults += _left(dirty, path.parent, f"rename to {path}")
            dirty[path.parent] = f"{path} renamed"
        elif path.name.endswith(acknowledged):
            faults += _left(dirty, path.parent, "answer")
        elif _matters(path):
            dirty[path] = f"{path} written"
            if path.parent.name.startswith("snapshot-"):
                dirty[path.parent] = f"{path} made"
    return faults


def _matters(path: Path) -> bool:
    # SQLite rebuilds -shm from the log after a crash, and never syncs it.
    return path.is_absolute() and not path.name.endswith(("-shm", ".csv", ".log"))


def _left(dirty: dict[Path, str], folder: Path, moment: str) -> list[str]:
    return [
        f"before the {moment}: {what}, not synced"
        for path, what in dirty.items()
        if path.is_relative_to(folder)
    ]


def _calls(trace: Path) -> Iterator[tuple[str, Path]]:
    """Calls that did something, each with its file: for a rename, what it leads to."""
    for line in trace.read_text("utf-8", "replace").splitlines():
        found = LINE.match(line)
        if found and " = -1 " not in line:
            descriptor = DESCRIPTOR.match(found[2])
            names = NAMES.findall(found[2])
            yield found[1], Path(descriptor[1] if descriptor else names[-1] if names else "")


def _wait_until_attached(process: subprocess.Popen[bytes], complaints: Path) -> None:
    deadline = time.monotonic() + ATTACHED
    while time.monotonic() < deadline:
        said = complaints.read_text("utf-8")
        if "attached" in said:
            return
        if process.poll() is not None:
            raise PermissionError(said.strip())
        time.sleep(0.002)
    raise PermissionError("strace does not attach")
