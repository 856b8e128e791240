"""Files handed over for a job: kept under names of our own until no job needs them."""

import fcntl
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from service.disk import sync_folder
from service.errors import Refused
from service.files.formats import FORMAT_OF_SUFFIX
from service.files.limits import MAX_FILE_BYTES

LOCK = ".lock"
CHUNK_BYTES = 1 << 20


@contextmanager
def keep_upload(folder: Path, content: BinaryIO, file_name: str) -> Iterator[str]:
    """Copy a file to the disk for good; gives its name in the folder. Raises Refused.

    Whoever needs it must be in the database when the block ends; the file goes if it raises.
    """
    suffix = Path(file_name).suffix.lower()
    if suffix not in FORMAT_OF_SUFFIX:
        accepted = ", ".join(FORMAT_OF_SUFFIX)
        raise Refused(f"« {file_name} » n’a pas une extension connue : envoyez {accepted}.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{uuid4().hex}{suffix}"
    with (folder / LOCK).open("ab") as lock:
        # Held until the block ends: what no job is asked for yet is not swept meanwhile.
        fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            _copy(content, path, file_name)
            sync_folder(folder)
            yield path.name
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def sweep(folder: Path, needed: Callable[[], Collection[str]]) -> list[str]:
    """Remove what no job needs, unless a file comes in just now; gives the names of what went."""
    if not folder.is_dir() or {path.name for path in folder.iterdir()} <= {LOCK}:
        return []
    with (folder / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return []
        kept = {LOCK, *needed()}
        gone = sorted(path.name for path in folder.iterdir() if path.name not in kept)
        for name in gone:
            (folder / name).unlink(missing_ok=True)
    return gone


def _copy(content: BinaryIO, path: Path, file_name: str) -> None:
    size = 0
    with path.open("xb") as kept:
        while part := content.read(CHUNK_BYTES):
            size += len(part)
            if size > MAX_FILE_BYTES:
                raise Refused(
                    f"« {file_name} » pèse plus de {MAX_FILE_BYTES // 1_000_000} Mo : "
                    "envoyez-le en plusieurs fois."
                )
            kept.write(part)
        kept.flush()
        os.fsync(kept.fileno())
