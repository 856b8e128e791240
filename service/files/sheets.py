"""Workbooks to records: weighed first, then opened by another process, so a bomb harms no one."""

import json
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from service.errors import Refused
from service.files.delimited import Record
from service.files.limits import (
    MAX_PARSER_WALL_SECONDS,
    MAX_UNZIPPED_BYTES,
    MAX_WORKBOOK_BYTES,
    MAX_ZIP_ENTRIES,
    MAX_ZIP_RATIO,
    ZIP_RATIO_FLOOR_BYTES,
)

# The parser needs none of our settings and secrets, only what lets Python start.
PARSER_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH")
CHUNK_BYTES = 1 << 16

DAMAGED = "Le classeur est abîmé : ouvrez-le dans un tableur et enregistrez-le de nouveau."
TOO_HEAVY = (
    "Le classeur est trop lourd à ouvrir. Souvent une cellule isolée, très loin du tableau, ou des "
    "milliers de lignes vides mises en forme : copiez le tableau seul dans un nouveau classeur."
)


def read_workbook(path: Path) -> tuple[str, Iterator[Record]]:
    """The name of the first filled sheet, and its rows as they are asked for."""
    size = path.stat().st_size
    if size > MAX_WORKBOOK_BYTES:
        raise Refused(
            f"Le classeur pèse {size / 1e6:.0f} Mo, au plus {MAX_WORKBOOK_BYTES / 1e6:.0f} : "
            "enregistrez-le en CSV ou envoyez-le en plusieurs fois."
        )
    if zipfile.is_zipfile(path):
        _weigh(path, size)
    lines = iter(_parse(path).splitlines())
    first = json.loads(next(lines, b"{}"))
    if "sheet" not in first:
        raise Refused(first.get("refused", DAMAGED))
    return first["sheet"], _records(lines)


def _weigh(path: Path, size: int) -> None:
    """Unzip everything once, keeping nothing: what a zip declares of itself may be false."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_declared(entries, size)
            for entry in entries:
                with archive.open(entry) as stream:
                    # Stops at the declared size, and then the checksum tells a false one.
                    while stream.read(CHUNK_BYTES):
                        pass
    # Everything zipfile raises on an archive made to mislead it.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError) as error:
        raise Refused(DAMAGED) from error


def _check_declared(entries: list[zipfile.ZipInfo], size: int) -> None:
    unzipped = sum(entry.file_size for entry in entries)
    bomb = unzipped > ZIP_RATIO_FLOOR_BYTES and unzipped > size * MAX_ZIP_RATIO
    if len(entries) > MAX_ZIP_ENTRIES or unzipped > MAX_UNZIPPED_BYTES or bomb:
        raise Refused(TOO_HEAVY)
    if any(entry.flag_bits & 1 for entry in entries):
        raise Refused("Le classeur est protégé par un mot de passe : enregistrez-le sans.")
    if any(e.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for e in entries):
        raise Refused(DAMAGED)


def _parse(path: Path) -> bytes:
    try:
        parser = subprocess.run(  # noqa: S603 - our own module, and a path it only opens
            [sys.executable, "-m", "service.files.workbook", str(path.resolve())],
            # Where the package `service` is: -m looks there first.
            cwd=Path(__file__).resolve().parents[2],
            env={name: os.environ[name] for name in PARSER_ENVIRONMENT if name in os.environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MAX_PARSER_WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Refused(TOO_HEAVY) from error
    if parser.returncode < 0 or b"MemoryError" in parser.stderr:
        # Killed by its limits of memory or time.
        raise Refused(TOO_HEAVY)
    if parser.returncode:
        raise Refused(DAMAGED)
    return parser.stdout


def _records(lines: Iterator[bytes]) -> Iterator[Record]:
    for line in lines:
        record = json.loads(line)
        if isinstance(record, dict):
            raise Refused(record["refused"])
        number, cells = record
        yield number, cells
