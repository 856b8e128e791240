"""A restore compares what it gave back with what the backup says it holds."""

import json
import tarfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from service.archive import unpack
from service.errors import Refused
from service.settings import Settings
from service.workflows.check import check
from tests.service.restoring import (
    AFTER,
    BEFORE,
    again,
    go_on,
    make_archive,
    open_again,
    repack,
    settings_on,
    texts,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    with settings_on(request.param, tmp_path / "data") as settings:
        yield settings


@pytest.fixture
def archive(settings: Settings, sqlite_template: Path, tmp_path: Path) -> Path:
    return make_archive(settings, sqlite_template, tmp_path / "avant.tar.gz")


def test_a_backup_that_gives_back_less_than_it_says_is_refused_and_nothing_is_lost(
    settings: Settings, archive: Path, tmp_path: Path
) -> None:
    held = unpack(archive, tmp_path / "contenu").rows
    assert held["statement"] == 2
    go_on(settings, *AFTER)

    for changes in ({"statements": 3}, {"rows": held | {"organisation": 7}}, {"rows": {"x": 1}}):
        less = repack(archive, tmp_path, **changes)
        with pytest.raises(Refused, match="au lieu de") as refused:
            again(settings, less, force=True)
        assert "resté en place" in str(refused.value)
        less.unlink()

    resources = open_again(settings)
    assert texts(resources) == sorted([*BEFORE, *AFTER])
    assert check(resources).exit_code == 0
    resources.engine.dispose()


def test_a_backup_from_before_rows_were_counted_is_restored(
    settings: Settings, archive: Path, tmp_path: Path
) -> None:
    def leave_out(written: dict[str, object]) -> None:
        del written["rows"]
        written["format"] = 1

    older = tmp_path / "ancienne.tar.gz"
    rewrite_manifest(archive, older, leave_out)
    go_on(settings, *AFTER)

    again(settings, older, force=True)

    resources = open_again(settings)
    assert texts(resources) == sorted(BEFORE)
    resources.engine.dispose()


def rewrite_manifest(
    archive: Path, target: Path, change: Callable[[dict[str, object]], None]
) -> None:
    """The same bytes under another manifest, as another version would write it."""
    with tarfile.open(archive) as old, tarfile.open(target, "w:gz") as new:
        for member in old.getmembers():
            content = old.extractfile(member)
            assert content is not None
            written = content.read()
            if member.name == "manifest.json":
                manifest = json.loads(written)
                change(manifest)
                written = json.dumps(manifest).encode()
                member.size = len(written)
            new.addfile(member, BytesIO(written))
