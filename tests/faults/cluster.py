"""A PostgreSQL server of our own in a temporary folder, to be stopped as we please."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

DEBIAN = Path("/usr/lib/postgresql")
SERVER = "postgres"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server: its programs, its data, its port, and whom it runs as."""

    programs: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://{SERVER}@127.0.0.1:{self.port}/postgres"

    def create_database(self) -> str:
        """The URL of a new empty database."""
        name = f"faults_{uuid4().hex[:8]}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"{self.url.rpartition('/')[0]}/{name}"

    def start(self) -> None:
        """Start, until it answers."""
        self._control("start", "-l", str(self.folder / "server.log"))

    def stop(self, mode: str) -> None:
        """Stop: `fast` undoes what runs, `immediate` is a crash."""
        self._control("stop", "-m", mode)

    def _control(self, *what: str) -> None:
        program, data = self.programs / "pg_ctl", self.folder / "data"
        _run([program, "-D", data, "-w", "-t", "60", *what], self.folder / "pg_ctl.log")


def find_postgresql() -> Path | str:
    """The folder of initdb and pg_ctl, or why there is none that may be used."""
    found = sorted(DEBIAN.glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    program = found[-1] if found else Path(on_path) if on_path else None
    if program is None:
        return "no PostgreSQL programs here (initdb): nothing was restarted"
    if os.geteuid() == 0 and not _has_user(SERVER):
        return "PostgreSQL does not run as root, and there is no user postgres"
    return program.parent


@contextmanager
def start_cluster(programs: Path) -> Iterator[Cluster]:
    """A server with its safe defaults (fsync on), on a free port of this machine."""
    # Not below the tests' own folder, which nobody else may enter.
    room = os.environ.get("PYTEST_DEBUG_TEMPROOT")
    with tempfile.TemporaryDirectory(prefix="cluster-", dir=room) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, SERVER)
        cluster = Cluster(programs, folder, _free_port())
        data = folder / "data"
        initdb = [programs / "initdb", "-D", data, "-A", "trust", "-U", SERVER, "-E", "UTF8"]
        _run(initdb, folder / "initdb.log")
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(
                f"port = {cluster.port}\nunix_socket_directories = '{folder}'\n"
                "listen_addresses = '127.0.0.1'\nshared_buffers = 16MB\n"
            )
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop("immediate")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _run(command: list[str | Path], log: Path) -> None:
    prefix = ["setpriv", "--reuid", SERVER, "--regid", SERVER, "--clear-groups"]
    as_server = prefix if os.geteuid() == 0 else []
    with log.open("ab") as output:
        done = subprocess.run(
            [*as_server, *command], stdout=output, stderr=output, check=False, cwd=log.parent
        )
    if done.returncode:
        raise AssertionError(f"{command}: {log.read_text('utf-8')[-2000:]}")


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
