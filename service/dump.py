"""PostgreSQL's own tools, which read and write a whole database."""

import os
import shutil
import subprocess
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from service.errors import Refused
from service.store.scope import WHOLE, database_settings

OPTIONS = ("--no-owner", "--no-privileges")


def dump(url: str, target: Path, *, schema: str, snapshot: str) -> None:
    """Write a schema as it was at this snapshot, in the format of pg_restore."""
    _run(
        "pg_dump",
        url,
        "--format=custom",
        # The archive compresses.
        "--compress=0",
        "--enable-row-security",
        f"--snapshot={snapshot}",
        f"--schema={schema}",
        f"--file={target}",
    )


def load(url: str, source: Path, *, schema: str) -> None:
    """Fill an empty schema with what `dump` wrote, whole or not at all."""
    _run("pg_restore", url, "--exit-on-error", "--single-transaction", f"--schema={schema}", source)


def require(tool: str) -> str:
    """Where this tool is. Raises Refused."""
    found = shutil.which(tool)
    if not found:
        raise Refused(
            f"Il faut {tool} sur cette machine pour une base PostgreSQL : installez les outils "
            "clients de PostgreSQL, d'une version au moins égale à celle du serveur "
            "(paquet postgresql-client)."
        )
    return found


def _run(tool: str, url: str, *arguments: str | Path) -> None:
    address = make_url(url)
    named = {
        "host": address.host,
        "port": address.port,
        "user": address.username,
        "dbname": address.database,
        **{name: str(value) for name, value in address.query.items()},
    }
    # The rows of everyone: the rules of who reads what stand in the database too. Beside the
    # options of the address, which would hide those of the environment.
    everything = [f"-c sociopoles.{n}={v}" for n, v in database_settings(WHOLE).items()]
    named["options"] = " ".join([str(named.get("options") or ""), *everything]).strip()
    where = make_conninfo("", **{name: value for name, value in named.items() if value})
    environment = dict(os.environ)
    if address.password is not None:
        # Never on the command line, which every user of the machine may read.
        environment["PGPASSWORD"] = str(address.password)
    done = subprocess.run(  # noqa: S603 - no shell, and nothing here comes from a request
        [require(tool), *OPTIONS, f"--dbname={where}", *map(str, arguments)],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"code {done.returncode}"]
        raise Refused(f"{tool} n'a pas abouti : {said[0]}")
