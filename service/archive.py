"""One file that holds a database: what it is, then its bytes, every one of them checked."""

import gzip
import hashlib
import json
import os
import secrets
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Literal, get_args

from service.disk import sync_folder
from service.errors import Refused

Engine = Literal["sqlite", "postgresql"]

FORMAT = 2
MANIFEST, CONTENT = "manifest.json", "database"
LARGEST_MANIFEST = 100_000
CHUNK = 1 << 20
UNREADABLE = (
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    tarfile.TarError,
    UnicodeDecodeError,
    json.JSONDecodeError,
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a backup comes from: its kind of database, the version of its tables, its mark.

    `rows` are how many rows each table has; backups of format 1 do not say.
    """

    engine: Engine
    tables: str
    epoch: str
    revision: int
    statements: int
    made_at: str
    rows: Mapping[str, int] = field(default_factory=dict, kw_only=True)


@dataclass(frozen=True, slots=True)
class Manifest(Origin):
    """An origin, and how its bytes must look to be believed."""

    sha256: str
    bytes: int
    format: int = FORMAT


def pack(target: Path, origin: Origin, content: Path, *, replace: bool) -> Manifest:
    """Write an archive, whole or not at all; only `replace` lets it take the place of another."""
    manifest = Manifest(**asdict(origin), sha256=_hash(content), bytes=content.stat().st_size)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with _open_private(temporary) as raw:
            with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=6) as archive:
                _add(archive, MANIFEST, BytesIO(json.dumps(asdict(manifest)).encode()))
                with content.open("rb") as stream:
                    _add(archive, CONTENT, stream)
            raw.flush()
            os.fsync(raw.fileno())
        if replace:
            temporary.replace(target)
        else:
            # Unlike a rename, a link never takes the place of a file made meanwhile.
            target.hardlink_to(temporary)
    except FileExistsError as error:
        raise already_there(target) from error
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)
    return manifest


def unpack(source: Path, content: Path) -> Manifest:
    """Write what an archive holds to `content`, and say what it is. Raises Refused.

    Whatever is refused, nothing but `content` was written.
    """
    try:
        with source.open("rb") as raw, gzip.open(raw) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                manifest = _read_manifest(archive)
                with _member(archive, CONTENT) as packed, content.open("wb") as file:
                    sha256 = _copy(packed, file, manifest.bytes)
                    os.fsync(file.fileno())
            # To the end: only there does gzip compare its own checksum.
            while stream.read(CHUNK):
                pass
    except UNREADABLE as error:
        raise _damaged(source) from error
    except (FileNotFoundError, IsADirectoryError) as error:
        raise Refused(f"« {source} » n'est pas un fichier de sauvegarde.") from error
    if sha256 != manifest.sha256 or content.stat().st_size != manifest.bytes:
        raise _damaged(source)
    return manifest


def already_there(target: Path) -> Refused:
    """Why nothing was written over a file."""
    return Refused(f"« {target} » existe déjà : donnez un autre nom, ou ajoutez --force.")


def _open_private(path: Path) -> IO[bytes]:
    # Everything that people wrote: for its owner alone.
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _add(archive: tarfile.TarFile, name: str, stream: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.mode = 0o600
    member.size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    archive.addfile(member, stream)


def _read_manifest(archive: tarfile.TarFile) -> Manifest:
    with _member(archive, MANIFEST) as stream:
        written: Any = json.loads(stream.read(LARGEST_MANIFEST))
    if not isinstance(written, dict) or not isinstance(written.get("format"), int):
        raise tarfile.ReadError("no manifest")
    if written["format"] > FORMAT:
        raise Refused(
            "Cette sauvegarde vient d'une version plus récente du logiciel : installez-la, puis "
            "recommencez."
        )
    try:
        manifest = Manifest(**written)
    except TypeError as error:
        raise tarfile.ReadError("not our manifest") from error
    if manifest.engine not in get_args(Engine) or not isinstance(manifest.rows, dict):
        raise tarfile.ReadError("not our database")
    return manifest


@contextmanager
def _member(archive: tarfile.TarFile, name: str) -> Iterator[IO[bytes]]:
    """The next file of an archive, which must be this one; never written under its own name."""
    member = archive.next()
    stream = archive.extractfile(member) if member and member.name == name else None
    if stream is None:
        raise tarfile.ReadError(f"{name} is missing")
    with stream:
        yield stream


def _copy(source: IO[bytes], target: IO[bytes], most: int) -> str:
    """Copy at most so many bytes and one more; returns their sha256."""
    digest, left = hashlib.sha256(), most + 1
    while left > 0 and (part := source.read(min(CHUNK, left))):
        digest.update(part)
        target.write(part)
        left -= len(part)
    target.flush()
    return digest.hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _damaged(source: Path) -> Refused:
    return Refused(
        f"« {source} » n'est pas une sauvegarde entière de Sociopoles : elle est tronquée, abîmée "
        "ou d'un autre logiciel. Rien n'a été changé ; essayez-en une autre."
    )
