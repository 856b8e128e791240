"""Exports and files that were sent in: copies, removed where they name a person."""

import html
import re
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

from service.errors import Refused
from service.files.decoding import decode
from service.rgpd.identity import Sought

EXPORTS, UPLOADS = "exports", "uploads"
FOLDERS = (EXPORTS, UPLOADS)
TAG = re.compile(r"<[^<>]{0,2000}>")
ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
TEXTS = frozenset(
    ".csv .tsv .txt .json .jsonl .jsonld .html .md .ics .xml .rels .yaml .yml".split()
)
MOST_BYTES = 200_000_000


def remove_copies(
    data: Path, sought: Sought, needed: Collection[str]
) -> Iterator[tuple[str, bool]]:
    """The files that name a person or cannot be read, and whether each was removed.

    They are copies: exports can be made again, files that were sent in were taken in. Only what a
    job still needs stays; the import leaves the person out of it, and then it goes.
    """
    for path in copies(data):
        if _names(path, sought):
            is_needed = path.name in needed
            if not is_needed:
                path.unlink(missing_ok=True)
            yield str(path.relative_to(data)), not is_needed


def copies(data: Path, *folders: str) -> Iterator[Path]:
    """Every file that is a copy of what the database holds or was given."""
    for folder in folders or FOLDERS:
        for path in sorted((data / folder).rglob("*")):
            # Locks are nobody's copy.
            if path.is_file() and not path.name.startswith("."):
                yield path


def _names(path: Path, sought: Sought) -> bool:
    if _is_named(path.name, sought):
        return True
    try:
        return any(_is_named(text, sought) for text in _texts(path))
    except (OSError, Refused, ValueError, zipfile.BadZipFile, NotImplementedError):
        # What cannot be read may name anybody.
        return True


def _is_named(text: str, sought: Sought) -> bool:
    # A lone surname is enough: better a copy too few than a person too many.
    return bool(sought.spans(text) or sought.surnames_in(text))


def _texts(path: Path) -> Iterator[str]:
    if path.stat().st_size > MOST_BYTES:
        raise ValueError("too large to be read")
    if path.suffix.lower() in TEXTS:
        text, _ = decode(path.read_bytes())
        yield ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
        return
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
            raise ValueError("too large to be read")
        for member in archive.infolist():
            yield member.filename
            if Path(member.filename).suffix.lower() not in TEXTS:
                if member.file_size:
                    raise ValueError(f"{member.filename} cannot be read")
                continue
            # Neighbouring cells of a workbook stand a line apart.
            yield html.unescape(TAG.sub("\n", archive.read(member).decode("utf-8")))
