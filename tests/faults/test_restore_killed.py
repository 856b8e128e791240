"""F19: a restore that is killed leaves what was there, what was restored, or a refusal to serve."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from service import sqlite_file
from service.cli import cli
from service.database import open_engine, write
from service.errors import Refused
from service.settings import Settings
from service.workflows.backup import backup
from service.workflows.check import check
from tests.faults.conftest import Tally
from tests.faults.processes import Children, Place
from tests.service.restoring import (
    AFTER,
    BEFORE,
    again,
    go_on,
    make_archive,
    open_again,
    settings_on,
    texts,
)

EVERYWHERE = {
    "sqlite": ("restore.ready", "restore.kept-aside", "restore.replaced"),
    "postgresql": ("restore.emptied", "restore.loaded", "restore.renewed"),
}
STRUCK = [(kind, at) for kind, places in EVERYWHERE.items() for at in places]
NOW = sorted([*BEFORE, *AFTER])


def restore_there(place: Place, archive: str) -> None:
    """Restore a backup, in a process of its own."""
    again(Settings(data=place.folder, database_url=place.url), Path(archive), force=True)


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    with settings_on(request.param, tmp_path / "data") as settings:
        yield settings


@pytest.fixture
def archive(settings: Settings, sqlite_template: Path, tmp_path: Path) -> Path:
    """A backup; three more statements were written since."""
    made = make_archive(settings, sqlite_template, tmp_path / "avant.tar.gz")
    go_on(settings, *AFTER)
    return made


def kill_at(settings: Settings, archive: Path, at: str, children: Children) -> None:
    place = Place(settings.data, settings.database_url)
    child = children.start(restore_there, place, str(archive), at=f"{at}:kill")
    child.end(-9)


@pytest.mark.fault("F19")
@pytest.mark.parametrize(("settings", "at"), STRUCK, indirect=["settings"])
def test_what_a_killed_restore_leaves_is_whole_or_served_to_nobody(
    settings: Settings, archive: Path, at: str, children: Children, tally: Tally
) -> None:
    kill_at(settings, archive, at, children)
    tally(1, "kills")

    if settings.database_url:
        with pytest.raises(Refused, match="sociopoles restore"):
            open_again(settings)
        with pytest.raises(Refused, match="arrêtée avant la fin"):
            backup(settings, archive.with_name("moitié.tar.gz"))
    else:
        resources = open_again(settings)
        assert texts(resources) == (sorted(BEFORE) if at == "restore.replaced" else NOW)
        # 1: the indexes of before are thrown away at the next search.
        assert check(resources).exit_code < 2
        resources.engine.dispose()

    assert list(settings.data.glob(".restauration-*"))
    done = again(settings, archive, force=True)

    assert not list(settings.data.glob(".restauration-*"))
    resources = open_again(settings)
    assert texts(resources) == sorted(BEFORE)
    assert check(resources).exit_code == 0
    resources.engine.dispose()
    if at != "restore.replaced":
        assert kept_aside(settings, done.aside) == NOW


def kept_aside(settings: Settings, aside: str) -> list[str]:
    """The texts of the database of before, and of no half of one."""
    if not settings.database_url:
        with closing(sqlite3.connect(aside)) as connection:
            return sorted(row[0] for row in connection.execute("SELECT text FROM statement"))
    engine = open_engine(settings.url)
    with write(engine) as session:
        schemas = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'avant%'"
        assert session.execute(text(schemas)).scalars().all() == [aside.removeprefix("schéma ")]
        session.execute(text(f"SET search_path = {aside.removeprefix('schéma ')}"))
        found = sorted(session.execute(text("SELECT text FROM statement")).scalars())
    engine.dispose()
    return found


@pytest.mark.fault("F19")
@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_a_worker_and_a_command_refuse_half_a_database_in_words(
    settings: Settings, archive: Path, children: Children
) -> None:
    kill_at(settings, archive, "restore.loaded", children)
    environment = {"SOCIOPOLES_DATABASE_URL": settings.url}

    for command in (["worker", "--name", "un", "--once"], ["check"], ["sociopole", "list"]):
        arguments = [*command, "--data", str(settings.data)]
        result = CliRunner().invoke(cli, arguments, env=environment)

        assert result.exit_code != 0
        assert "« sociopoles restore »" in " ".join(result.stderr.split())


@pytest.mark.fault("F19")
@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_after_a_killed_restore_a_refused_one_puts_back_what_was_there(
    settings: Settings, archive: Path, children: Children
) -> None:
    def fail(_resources: object) -> int:
        raise Refused("le registre des effacements ne se lit pas")

    kill_at(settings, archive, "restore.loaded", children)

    with pytest.raises(Refused, match="--force"):
        again(settings, archive)
    with pytest.raises(Refused, match="arrêtée avant la fin"):
        open_again(settings)
    with pytest.raises(Refused, match="registre"):
        again(settings, archive, force=True, replays=[fail])

    resources = open_again(settings)
    assert texts(resources) == NOW
    resources.engine.dispose()


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_without_hard_links_there_is_a_database_at_every_moment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a stick or a share: the old one is copied aside, and stays until it is replaced."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    file = settings.database_file
    assert file is not None

    aside = file.with_name("avant.sqlite3")
    assert sqlite_file.set_aside(file, aside)

    assert aside.read_bytes() == file.read_bytes()
    assert kept_aside(settings, str(aside)) == NOW
