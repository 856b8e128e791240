"""A snapshot is whole, or refused; a publisher that fails leaves the one before."""

import errno
import fcntl
import json
import os
import resource
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from indexes import snapshot
from indexes.snapshot import (
    LOCK,
    Label,
    Reason,
    Snapshot,
    SnapshotRefused,
    clear,
    open_latest,
    publish,
)

LABEL = Label(epoch="e1", fingerprint="model-a", revision=7, dim=4, count=2)
FILES = {"vectors.faiss": bytes(range(256)) * 3, "ids.npy": b"twelve", "empty": b""}


def read(folder: Path, *, at_most_revision: int = 100) -> Snapshot:
    return open_latest(folder, epoch="e1", fingerprint="model-a", at_most_revision=at_most_revision)


def refusal(folder: Path, **wanted: str | int) -> Reason:
    asked = {"epoch": "e1", "fingerprint": "model-a", "at_most_revision": 100} | wanted
    with pytest.raises(SnapshotRefused) as refused:
        open_latest(folder, **asked)  # type: ignore[arg-type]  # one of three, by name
    return refused.value.reason


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert publish(tmp_path / "index", LABEL, FILES)
    return tmp_path / "index"


def places(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def test_what_was_published_is_read(folder: Path) -> None:
    found = read(folder)

    assert found.files == FILES
    assert found.manifest.revision == 7
    assert (found.manifest.dim, found.manifest.count) == (4, 2)
    assert sorted(path.name for path in folder.iterdir()) == [
        "manifest.json",
        "publisher.lock",
        found.manifest.place,
    ]


def test_a_newer_snapshot_replaces_the_older(folder: Path) -> None:
    assert publish(folder, replace(LABEL, revision=9), {"new": b"1"})

    assert read(folder).files == {"new": b"1"}
    assert len(places(folder)) == 1


def test_an_older_revision_is_not_published(folder: Path) -> None:
    assert not publish(folder, replace(LABEL, revision=6), {"old": b"1"})

    assert read(folder).files == FILES
    assert len(places(folder)) == 1


def test_a_snapshot_of_a_future_that_was_lost_is_replaced(folder: Path) -> None:
    older = replace(LABEL, revision=6)

    assert not publish(folder, older, {"old": b"1"}, newest=lambda: 7)
    assert publish(folder, older, {"old": b"1"}, newest=lambda: 6)

    assert read(folder, at_most_revision=6).files == {"old": b"1"}


@pytest.mark.parametrize("other", [{"epoch": "e2"}, {"fingerprint": "model-b"}])
def test_another_database_or_model_replaces_any_revision(
    folder: Path, other: dict[str, str]
) -> None:
    label = replace(LABEL, revision=1, **other)  # type: ignore[arg-type]  # both are str

    assert publish(folder, label, {"new": b"1"})

    assert open_latest(
        folder, epoch=label.epoch, fingerprint=label.fingerprint, at_most_revision=1
    ).files == {"new": b"1"}


def test_the_same_revision_heals_a_damaged_snapshot(folder: Path) -> None:
    (folder / places(folder)[0] / "ids.npy").write_bytes(b"")

    assert publish(folder, LABEL, FILES)

    assert read(folder).files == FILES


def test_a_second_publisher_stands_back(folder: Path) -> None:
    with (folder / "publisher.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not publish(folder, replace(LABEL, revision=8), {"new": b"1"})

    assert read(folder).files == FILES
    assert publish(folder, replace(LABEL, revision=8), {"new": b"1"})


def test_nothing_is_cleared_under_a_publisher(folder: Path) -> None:
    with (folder / LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not clear(folder)
    assert read(folder).files == FILES


def test_what_is_cleared_is_gone_but_for_the_lock(folder: Path) -> None:
    """A second lock would let two publish at once."""
    held = (folder / LOCK).stat().st_ino
    (folder / ".manifest.json.dead.tmp").touch()

    assert clear(folder)
    assert [(path.name, path.stat().st_ino) for path in folder.iterdir()] == [(LOCK, held)]
    assert refusal(folder) == "missing"
    assert clear(folder / "nowhere")


def test_what_is_not_of_now_is_refused(folder: Path, tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere") == "missing"
    assert refusal(folder, epoch="e2") == "other-epoch"
    assert refusal(folder, fingerprint="model-b") == "other-model"
    assert refusal(folder, at_most_revision=6) == "newer"
    assert read(folder, at_most_revision=7).manifest.revision == 7


@pytest.mark.parametrize(
    "garbage",
    [b"", b"{}", b"[]", b"null", b"7", b"\xff\xfe", b"[" * 100_000, b'{"manifest": {"files": 1}}'],
)
def test_a_garbage_manifest_is_refused_and_replaced(folder: Path, garbage: bytes) -> None:
    (folder / "manifest.json").write_bytes(garbage)

    assert refusal(folder) == "corrupt"
    assert publish(folder, LABEL, FILES)
    assert read(folder).files == FILES
    assert len(places(folder)) == 1


def test_every_truncation_is_seen(folder: Path) -> None:
    for path in sealed_paths(folder):
        content = path.read_bytes()
        for length in range(len(content)):
            path.write_bytes(content[:length])
            assert refusal(folder) == "corrupt"
        path.write_bytes(content + b"\0")
        assert refusal(folder) == "corrupt"
        path.write_bytes(content)
    assert read(folder).files == FILES


def test_every_flipped_bit_is_seen(folder: Path) -> None:
    rng = np.random.default_rng(11)
    for path in sealed_paths(folder):
        content = path.read_bytes()
        for position in rng.integers(0, 8 * len(content), 50 if content else 0).tolist():
            flipped = bytearray(content)
            flipped[position // 8] ^= 1 << position % 8
            path.write_bytes(flipped)
            assert refusal(folder) == "corrupt"
        path.write_bytes(content)
    assert read(folder).files == FILES


def sealed_paths(folder: Path) -> list[Path]:
    return [folder / "manifest.json", *sorted((folder / places(folder)[0]).iterdir())]


def test_a_missing_file_is_refused(folder: Path) -> None:
    shutil.rmtree(folder / places(folder)[0])

    assert refusal(folder) == "corrupt"


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", ".hidden", "", "a/b"])
def test_a_file_name_never_leaves_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="plain file name"):
        publish(folder, LABEL, {name: b""})

    forged = snapshot.Manifest(
        epoch="e1", fingerprint="model-a", revision=7, dim=4, count=2,
        place=places(folder)[0], files={name: snapshot.SealedFile("0" * 64, 0)},
    )  # fmt: skip
    snapshot.write_durably(folder / "manifest.json", snapshot._encode(forged))
    assert refusal(folder) == "corrupt"


def test_a_reader_overtaken_by_a_publisher_reads_the_new(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = snapshot._check_origin
    newer = [replace(LABEL, revision=8)]

    def publish_meanwhile(*origin: object) -> None:
        check(*origin)  # type: ignore[arg-type]  # passed on as they came
        if newer:
            publish(folder, newer.pop(), {"new": b"1"})

    monkeypatch.setattr(snapshot, "_check_origin", publish_meanwhile)

    assert read(folder).files == {"new": b"1"}


@pytest.mark.parametrize(("call", "times"), [("write", 3), ("fsync", 7), ("replace", 1)])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_refuses_leaves_a_valid_snapshot(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str, times: int, error: int
) -> None:
    for failing in range(1, times + 1):
        label = replace(LABEL, revision=7 + failing)
        with monkeypatch.context() as patched:
            patched.setattr(os, call, refusing_once(call, failing, error))
            with pytest.raises(OSError, match=os.strerror(error)):
                publish(folder, label, FILES)

        assert read(folder).files == FILES
        assert not list(folder.glob(".*"))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, refusing_once(call, times + 1, error))
        assert publish(folder, replace(LABEL, revision=20), FILES)
    assert read(folder).manifest.revision == 20
    assert len(places(folder)) == 1


def test_a_first_publication_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refusing_once("fsync", 2, errno.ENOSPC))
        with pytest.raises(OSError, match="No space"):
            publish(tmp_path, LABEL, FILES)

    assert [path.name for path in tmp_path.iterdir()] == ["publisher.lock"]
    assert refusal(tmp_path) == "missing"


def refusing_once(call: str, failing: int, error: int) -> Callable[..., object]:
    """The real `os` function, except for its n-th use."""
    real: Callable[..., object] = getattr(os, call)
    uses = count(1)

    def use(*arguments: object) -> object:
        if next(uses) == failing:
            raise OSError(error, os.strerror(error))
        return real(*arguments)

    return use


def test_a_write_cut_short_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:5]))

    assert publish(folder, replace(LABEL, revision=8), FILES)

    assert read(folder).files == FILES


def test_a_full_disk_leaves_the_old_snapshot(folder: Path) -> None:
    # Python ignores SIGXFSZ: beyond the limit a write fails with EFBIG, as a full disk would.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            publish(folder, replace(LABEL, revision=8), {"small": b"1", "big": bytes(2_000_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert read(folder).files == FILES
    assert len(places(folder)) == 1


def test_everything_is_on_disk_before_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, rename = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        calls.append(f"fsync {short(Path(f'/proc/self/fd/{descriptor}').readlink())}")
        fsync(descriptor)

    def note_replace(source: Path, target: Path) -> None:
        calls.append(f"replace {short(source)} {short(target)}")
        rename(source, target)

    def short(path: Path) -> str:
        kind = path.name.split("-")[0]
        return "temporary" if kind.endswith(".tmp") else kind

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)

    publish(tmp_path / "index", LABEL, {"a": b"1", "b": b"2"})

    assert calls == [
        "fsync a",
        "fsync b",
        "fsync snapshot",
        "fsync index",
        "fsync temporary",
        "replace temporary manifest.json",
        "fsync index",
    ]


def test_what_a_dead_publisher_left_is_swept(folder: Path) -> None:
    (folder / "snapshot-8-0123abcd").mkdir()
    (folder / ".manifest.json.0123abcd.tmp").write_bytes(b"half")
    (folder / "words").mkdir()

    publish(folder, replace(LABEL, revision=9), FILES)

    assert len(places(folder)) == 2
    assert "words" in places(folder)
    assert not list(folder.glob(".*"))


def test_the_manifest_is_plain_json(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())["manifest"]

    assert manifest["epoch"] == "e1"
    assert manifest["files"]["ids.npy"]["bytes"] == 6
    assert len(manifest["files"]["ids.npy"]["sha256"]) == 64
