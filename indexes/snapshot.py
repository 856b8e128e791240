"""Sealed snapshots: files that are whole, of this database, of this model and not of its future."""

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

MANIFEST = "manifest.json"
LOCK = "publisher.lock"
READ_ATTEMPTS = 5
"""A reader starts again when a publisher removes what it reads: once in practice."""
PLACE_NAME = re.compile(r"snapshot-\d+-[0-9a-f]{8}")
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

Reason = Literal["missing", "other-epoch", "other-model", "corrupt", "newer"]


@dataclass(frozen=True, slots=True)
class Label:
    """What a snapshot was made from: `epoch` names the database, `fingerprint` the model."""

    epoch: str
    fingerprint: str
    revision: int
    dim: int
    count: int


@dataclass(frozen=True, slots=True)
class SealedFile:
    """How a file must look to be believed."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest(Label):
    """A label, and the files it is for, in the folder `place`."""

    place: str
    files: Mapping[str, SealedFile]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Files whose every byte has been verified."""

    manifest: Manifest
    files: Mapping[str, bytes]


class SnapshotRefused(Exception):  # noqa: N818 - a refusal is expected: the answer is to rebuild
    """The snapshot must not be used; `reason` says why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason


def publish(
    folder: Path,
    label: Label,
    files: Mapping[str, bytes],
    newest: Callable[[], int] | None = None,
) -> bool:
    """Make these files the snapshot that `open_latest` finds, or leave the one there is.

    False: someone else is publishing, or the same database and model are there at a later
    revision. OSError: the disk refused; the previous snapshot is still valid.

    `newest` gives the revision that the database stands at: a snapshot beyond it knows a future
    that was lost, and is replaced before the database reaches those numbers again.
    """
    for name in files:
        if not FILE_NAME.fullmatch(name):
            raise ValueError(f"not a plain file name: {name!r}")
    folder.mkdir(parents=True, exist_ok=True)
    with _publishing_alone(folder) as is_alone:
        if not is_alone or _is_outdated(label, folder, newest):
            return False
        place = folder / f"snapshot-{label.revision}-{secrets.token_hex(4)}"
        try:
            _write_place(place, files)
            write_durably(folder / MANIFEST, _encode(_seal(label, place, files)))
        except BaseException:
            # After the manifest was replaced, only its own folder is left to believe in.
            if _published_place(folder) != place.name:
                shutil.rmtree(place, ignore_errors=True)
            raise
        _remove_others(folder, place)
    return True


def clear(folder: Path) -> bool:
    """Leave no snapshot; False where somebody is publishing one just now."""
    if not folder.is_dir():
        return True
    # The lock stays: two publishers with a lock each would both be alone.
    with _publishing_alone(folder) as is_alone:
        if is_alone:
            (folder / MANIFEST).unlink(missing_ok=True)
            for path in folder.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name != LOCK:
                    path.unlink()
        return is_alone


def open_latest(folder: Path, *, epoch: str, fingerprint: str, at_most_revision: int) -> Snapshot:
    """The published snapshot, every byte verified, or SnapshotRefused.

    `at_most_revision` is the database's own: beyond it the snapshot knows a future that was lost.
    """
    raw = _read_manifest(folder)
    for _ in range(READ_ATTEMPTS):
        manifest = _decode(raw)
        _check_origin(manifest, epoch, fingerprint, at_most_revision)
        try:
            return Snapshot(manifest, _read_files(folder / manifest.place, manifest))
        except FileNotFoundError as error:
            seen, raw = raw, _read_manifest(folder)
            if raw == seen:
                raise SnapshotRefused("corrupt", f"{error.filename} is missing") from error
    raise SnapshotRefused("missing", f"{folder} changed {READ_ATTEMPTS} times while being read")


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file so that a crash or a full disk leaves the old one or the new one, whole."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        _write_synced(temporary, content)
        os.replace(temporary, path)  # noqa: PTH105 - watched by the test of the order
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


@contextmanager
def _publishing_alone(folder: Path) -> Iterator[bool]:
    with (folder / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            # Released with the file, also when the process dies.
            yield True


def _is_outdated(label: Label, folder: Path, newest: Callable[[], int] | None) -> bool:
    try:
        current = _decode(_read_manifest(folder))
    except SnapshotRefused:
        return False
    same_origin = (current.epoch, current.fingerprint) == (label.epoch, label.fingerprint)
    is_older = same_origin and label.revision < current.revision
    # Asked after the manifest was read: what it promises was committed before it was written.
    return is_older and (newest is None or current.revision <= newest())


def _published_place(folder: Path) -> str | None:
    try:
        return _decode(_read_manifest(folder)).place
    except SnapshotRefused:
        return None


def _seal(label: Label, place: Path, files: Mapping[str, bytes]) -> Manifest:
    sealed = {
        name: SealedFile(hashlib.sha256(content).hexdigest(), len(content))
        for name, content in sorted(files.items())
    }
    return Manifest(**asdict(label), place=place.name, files=sealed)


def _write_place(place: Path, files: Mapping[str, bytes]) -> None:
    place.mkdir()
    for name, content in files.items():
        _write_synced(place / name, content)
    _sync_folder(place)
    # The manifest must not reach the disk before the folder that it names.
    _sync_folder(place.parent)


def _write_synced(path: Path, content: bytes) -> None:
    # Owner only: vectors tell what people wrote.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_others(folder: Path, place: Path) -> None:
    """Drop older snapshots, and what publishers that died left behind."""
    for path in folder.iterdir():
        if PLACE_NAME.fullmatch(path.name) and path.name != place.name:
            shutil.rmtree(path, ignore_errors=True)
        elif path.name.startswith(f".{MANIFEST}.") and path.name.endswith(".tmp"):
            path.unlink(missing_ok=True)


def _read_manifest(folder: Path) -> bytes:
    try:
        return (folder / MANIFEST).read_bytes()
    except FileNotFoundError as error:
        raise SnapshotRefused("missing", f"no {MANIFEST} in {folder}") from error


def _encode(manifest: Manifest) -> bytes:
    content = _canonical(asdict(manifest))
    digest = hashlib.sha256(content).hexdigest()
    return _canonical({"manifest": asdict(manifest), "sha256": digest})


def _canonical(value: Mapping[str, Any]) -> bytes:  # Any: it is about to be JSON
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _decode(raw: bytes) -> Manifest:
    try:
        fields = json.loads(raw)["manifest"]
        files = {name: SealedFile(**sealed) for name, sealed in fields.pop("files").items()}
        manifest = Manifest(**fields, files=files)
        names = [manifest.place, *files]
        is_plain = PLACE_NAME.fullmatch(names[0]) and all(map(FILE_NAME.fullmatch, names[1:]))
        # One manifest has one spelling: any changed byte shows, also in the sum itself.
        is_sealed = _encode(manifest) == raw
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SnapshotRefused("corrupt", f"{MANIFEST} cannot be read: {error}") from error
    if not (is_plain and is_sealed):
        raise SnapshotRefused("corrupt", f"{MANIFEST} is not what was sealed")
    return manifest


def _check_origin(manifest: Manifest, epoch: str, fingerprint: str, at_most_revision: int) -> None:
    if manifest.epoch != epoch:
        raise SnapshotRefused("other-epoch", f"{manifest.epoch}, not {epoch}")
    if manifest.fingerprint != fingerprint:
        raise SnapshotRefused("other-model", f"{manifest.fingerprint}, not {fingerprint}")
    if manifest.revision > at_most_revision:
        raise SnapshotRefused("newer", f"revision {manifest.revision} > {at_most_revision}")


def _read_files(place: Path, manifest: Manifest) -> dict[str, bytes]:
    files = {}
    for name, sealed in manifest.files.items():
        content = (place / name).read_bytes()
        if len(content) != sealed.bytes or hashlib.sha256(content).hexdigest() != sealed.sha256:
            raise SnapshotRefused("corrupt", f"{name} is not what was sealed")
        files[name] = content
    return files
