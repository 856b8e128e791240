"""A restore verifies first, keeps what was there, and makes a database that no old index fits."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from service.access import Permission
from service.cli import cli
from service.database import known_versions, open_engine, read, write
from service.errors import NotSignedIn, Refused
from service.resources import Resources
from service.settings import Settings
from service.store.revisions import current_mark
from service.tables import ApiToken, SignIn, SignInCode
from service.workflows.answer import Query, answer
from service.workflows.backup import backup
from service.workflows.check import check
from service.workflows.restore import Restored
from service.workflows.sign_in import (
    ask_code,
    open_session,
    person_of_session,
    person_of_token,
)
from tests.builders import import_texts
from tests.fakes import WordEncoder
from tests.service.databases import own_database
from tests.service.people import ANIMATOR, add_person, make_key
from tests.service.restoring import (
    AFTER,
    BEFORE,
    again,
    fill,
    go_on,
    make_archive,
    mark,
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
    """A backup of a database of two statements."""
    return make_archive(settings, sqlite_template, tmp_path / "avant.tar.gz")


def test_a_backup_is_restored_over_what_is_there_which_is_kept(
    settings: Settings, archive: Path
) -> None:
    go_on(settings, *AFTER)

    with pytest.raises(Refused, match="--force"):
        again(settings, archive)
    done = again(settings, archive, force=True)

    resources = open_again(settings)
    assert texts(resources) == sorted(BEFORE)
    assert set(BEFORE) | set(AFTER) == kept_aside(settings, done)
    assert check(resources).exit_code == 0
    resources.engine.dispose()


def kept_aside(settings: Settings, done: Restored) -> set[str]:
    """The texts of the database of before."""
    if not settings.database_url:
        with closing(sqlite3.connect(done.aside)) as connection:
            return {row[0] for row in connection.execute("SELECT text FROM statement")}
    engine = open_engine(settings.url)
    schema = done.aside.removeprefix("schéma ")
    with read(engine) as session:
        rows = session.execute(text(f'SELECT text FROM "{schema}".statement')).scalars()  # noqa: S608
        found = set(rows)
    engine.dispose()
    return found


def test_no_index_of_before_fits_what_was_restored(
    settings: Settings, archive: Path, tmp_path: Path
) -> None:
    """As many new writes as were lost: the numbers of the revisions meet again."""
    lost = go_on(settings, *AFTER)
    shutil.copytree(settings.index_folder, tmp_path / "ailleurs")

    again(settings, archive, force=True)
    # As on another machine, where the indexes of before are still there.
    shutil.copytree(tmp_path / "ailleurs", settings.index_folder)

    resources = open_again(settings)
    new = ("la chaleur des logements", "les bénévoles s'en vont", "la cantine jette", "un de plus")
    import_texts(resources, *BEFORE, *new)
    now = mark(resources)
    found = {a.view.statement.text for a in answer(resources, Query("jardin compost cantine"))}
    ids = np.sort(resources.indexes.vectors.ids())
    rows = resources.indexes.vectors.vectors_of(ids)
    assert now.revision >= lost.revision
    assert now.epoch != lost.epoch
    assert found == {*BEFORE, *new}
    assert np.array_equal(rows, WordEncoder().encode_passages([*BEFORE, *new]))
    assert check(resources).findings == []
    resources.engine.dispose()


@pytest.mark.usefixtures("archive")
def test_neither_session_nor_key_nor_code_of_before_opens_anything_again(
    settings: Settings, tmp_path: Path
) -> None:
    """They may have been closed since, and taken away."""
    resources = open_again(settings)
    account = add_person(resources)
    with write(resources.engine) as session:
        secret = open_session(session, account, "127.0.0.0")
    key = make_key(resources, ANIMATOR, Permission.READ)
    ask_code(resources, email=ANIMATOR.email, network="127.0.0.0")
    assert ways_in(resources) == [1, 1, 1]
    resources.engine.dispose()
    backup(settings, tmp_path / "ouverte.tar.gz")

    again(settings, tmp_path / "ouverte.tar.gz", force=True)

    resources = open_again(settings)
    with pytest.raises(NotSignedIn):
        person_of_session(resources, secret)
    with pytest.raises(NotSignedIn):
        person_of_token(resources, key)
    assert ways_in(resources) == [0, 0, 0]
    resources.engine.dispose()


def ways_in(resources: Resources) -> list[int]:
    """How many sessions, keys and codes there are."""
    with read(resources.engine) as session:
        return [
            session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (SignIn, ApiToken, SignInCode)
        ]


def test_an_address_with_options_of_its_own_is_backed_up_with_every_row(tmp_path: Path) -> None:
    with own_database() as url:
        options = "?options=-c%20statement_timeout%3D0"
        settings = Settings(data=tmp_path / "data", database_url=url + options)
        settings.data.mkdir()
        resources = open_again(settings)
        fill(resources)
        import_texts(resources, *BEFORE)
        resources.engine.dispose()

        backup(settings, tmp_path / "lundi.tar.gz")
        go_on(settings, *AFTER)
        again(settings, tmp_path / "lundi.tar.gz", force=True)

        resources = open_again(settings)
        assert texts(resources) == sorted(BEFORE)
        resources.engine.dispose()


def test_every_restore_makes_another_database_for_the_indexes(
    settings: Settings, archive: Path
) -> None:
    epochs = set()
    for _ in range(3):
        again(settings, archive, force=True)
        resources = open_again(settings)
        epochs.add(mark(resources).epoch)
        resources.engine.dispose()

    assert len(epochs) == 3


def test_what_must_not_be_undone_is_done_again_before_anybody_sees_it(
    settings: Settings, archive: Path
) -> None:
    def erase_again(resources: Resources) -> int:
        assert resources.settings.data == settings.data
        assert sorted(BEFORE) == texts(resources)
        with write(resources.engine) as session:
            session.execute(
                text("UPDATE statement SET text = 'effacé' WHERE text = :t"), {"t": BEFORE[0]}
            )
        return 1

    done = again(settings, archive, force=True, replays=[erase_again])

    resources = open_again(settings)
    assert done.replayed == 1
    assert texts(resources) == sorted(["effacé", BEFORE[1]])
    resources.engine.dispose()


def test_where_it_cannot_be_done_again_nothing_is_restored(
    settings: Settings, archive: Path
) -> None:
    def fail(_resources: Resources) -> int:
        raise Refused("le registre des effacements ne se lit pas")

    go_on(settings, *AFTER)
    with pytest.raises(Refused, match="registre"):
        again(settings, archive, force=True, replays=[fail])

    resources = open_again(settings)
    assert texts(resources) == sorted([*BEFORE, *AFTER])
    assert check(resources).exit_code == 0
    resources.engine.dispose()


def test_nothing_is_restored_under_a_service_that_runs(settings: Settings, archive: Path) -> None:
    running = open_again(settings)
    with read(running.engine) as session:
        current_mark(session)

    with pytest.raises(Refused, match="arrêtez le service"):
        again(settings, archive, force=True)

    assert texts(running) == sorted(BEFORE)
    import_texts(running, *BEFORE, *AFTER)
    running.engine.dispose()
    again(settings, archive, force=True)


def test_a_backup_of_the_other_kind_of_database_is_refused(
    settings: Settings, archive: Path, tmp_path: Path
) -> None:
    url = "" if settings.database_url else "postgresql://nobody@127.0.0.1:1/none"
    other = Settings(data=tmp_path / "autre", database_url=url)

    with pytest.raises(Refused, match="SOCIOPOLES_DATABASE_URL"):
        again(other, archive)


def test_a_database_that_does_not_answer_is_said_not_to(tmp_path: Path) -> None:
    away = Settings(data=tmp_path, database_url="postgresql://personne@127.0.0.1:1/rien")

    result = CliRunner().invoke(
        cli,
        ["backup", str(tmp_path / "x.tar.gz"), "--data", str(tmp_path)],
        env={"SOCIOPOLES_DATABASE_URL": away.url},
    )

    # Not 2: nothing says that anything is lost.
    assert result.exit_code == 1
    assert "ne répond pas" in " ".join(result.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_a_backup_from_a_newer_version_is_refused(
    settings: Settings, archive: Path, tmp_path: Path
) -> None:
    newer = repack(archive, tmp_path, tables="9999")
    go_on(settings, *AFTER)

    with pytest.raises(Refused, match="version plus récente"):
        again(settings, newer, force=True)

    resources = open_again(settings)
    assert texts(resources) == sorted([*BEFORE, *AFTER])
    resources.engine.dispose()


def test_a_backup_that_is_not_what_it_says_is_refused(
    settings: Settings, archive: Path, tmp_path: Path
) -> None:
    false = repack(archive, tmp_path, tables=known_versions()[-1])
    go_on(settings, *AFTER)

    with pytest.raises(Refused, match="qu'elle annonce"):
        again(settings, false, force=True)

    resources = open_again(settings)
    assert texts(resources) == sorted([*BEFORE, *AFTER])
    resources.engine.dispose()


@pytest.mark.parametrize("tool", ["pg_dump", "pg_restore"])
def test_without_the_tools_of_postgresql_the_message_names_them(
    settings: Settings, archive: Path, tmp_path: Path, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not settings.database_url:
        pytest.skip("SQLite needs no tool")
    monkeypatch.setenv("PATH", str(tmp_path))

    def use() -> None:
        if tool == "pg_dump":
            backup(settings, tmp_path / "autre.tar.gz")
        else:
            again(settings, archive, force=True)

    with pytest.raises(Refused, match=f"{tool}.*postgresql-client"):
        use()


def test_a_damaged_database_is_replaced_and_kept_as_it_is(
    settings: Settings, archive: Path
) -> None:
    if settings.database_url:
        pytest.skip("PostgreSQL keeps its own files")
    file = settings.database_file
    assert file is not None
    file.write_bytes(b"plus rien de lisible" * 999)
    Path(f"{file}-wal").write_bytes(b"un journal d'avant" * 99)

    done = again(settings, archive, force=True)

    resources = open_again(settings)
    assert texts(resources) == sorted(BEFORE)
    assert Path(done.aside).read_bytes() == b"plus rien de lisible" * 999
    assert Path(f"{done.aside}-wal").read_bytes() == b"un journal d'avant" * 99
    resources.engine.dispose()


def test_a_log_left_alone_is_not_applied_to_the_restored_database(
    settings: Settings, archive: Path
) -> None:
    if settings.database_url:
        pytest.skip("PostgreSQL keeps its own files")
    file = settings.database_file
    assert file is not None
    go_on(settings, *AFTER)
    engine = open_engine(settings.url)
    with write(engine) as session:
        session.execute(text("UPDATE statement SET text = 'du journal'"))
    left = Path(f"{file}-wal").read_bytes()
    engine.dispose()
    file.unlink()
    Path(f"{file}-wal").write_bytes(left)

    again(settings, archive)

    resources = open_again(settings)
    assert texts(resources) == sorted(BEFORE)
    resources.engine.dispose()
