"""A backup is the whole database at one moment, in one file that is whole or refused."""

import os
import random
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from service.archive import unpack
from service.database import open_engine, read, write
from service.errors import Damaged, Refused
from service.resources import Resources, open_resources
from service.settings import Settings
from service.store.revisions import current_mark
from service.tables import StatementRow
from service.workflows.backup import backup
from service.workflows.restore import restore
from tests.builders import import_texts
from tests.fakes import WordEncoder
from tests.service.conftest import Run
from tests.service.conftest import read as read_json

TEXTS = ("pas de vélos à l'école", "les murs sont humides", "un jardin à partager")


def texts(resources: Resources) -> list[str]:
    with read(resources.engine) as session:
        return list(session.execute(select(StatementRow.text).order_by(StatementRow.id)).scalars())


@pytest.fixture
def filled(data: Path) -> Iterator[Resources]:
    resources = open_resources(Settings(data=data), WordEncoder())
    import_texts(resources, *TEXTS)
    yield resources
    resources.engine.dispose()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "sauvegardes"
    folder.mkdir()
    return folder / "lundi.tar.gz"


def leftovers(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path != target)


def test_a_backup_says_what_it_is_and_is_for_its_owner_alone(
    filled: Resources, target: Path
) -> None:
    with read(filled.engine) as session:
        mark = current_mark(session)

    manifest = backup(filled.settings, target)

    assert (manifest.epoch, manifest.revision) == (mark.epoch, mark.revision)
    assert (manifest.engine, manifest.statements) == ("sqlite", 3)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert leftovers(target) == []
    with tarfile.open(target) as archive:
        assert archive.getnames() == ["manifest.json", "database"]


def test_a_backup_comes_back_whole(filled: Resources, target: Path, tmp_path: Path) -> None:
    backup(filled.settings, target)
    settings = Settings(data=tmp_path / "neuf")

    restored = restore(settings, target, encoder=WordEncoder())

    there = open_resources(settings, WordEncoder())
    assert texts(there) == texts(filled)
    assert restored.aside == ""
    there.engine.dispose()


def test_nothing_is_overwritten_without_being_asked_to(filled: Resources, target: Path) -> None:
    target.write_text("une autre sauvegarde")

    with pytest.raises(Refused, match="--force"):
        backup(filled.settings, target)
    assert target.read_text() == "une autre sauvegarde"

    backup(filled.settings, target, force=True)
    assert tarfile.is_tarfile(target)
    assert leftovers(target) == []


def test_where_there_is_no_database_there_is_nothing_to_back_up(
    target: Path, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="rien à sauvegarder"):
        backup(Settings(data=tmp_path / "rien"), target)

    assert not target.exists()
    assert not (tmp_path / "rien").exists()


def test_a_database_of_no_statement_is_backed_up_too(data: Path, target: Path) -> None:
    manifest = backup(Settings(data=data), target)

    assert (manifest.statements, manifest.revision) == (0, 0)


def test_a_file_of_another_program_is_not_backed_up(tmp_path: Path, target: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'sociopoles.sqlite3'}")
    with write(engine) as session:
        session.execute(text("CREATE TABLE autre (x INTEGER)"))
    engine.dispose()

    with pytest.raises(Refused, match="n'est pas celle de Sociopoles"):
        backup(Settings(data=tmp_path), target)


def test_a_damaged_database_is_said_to_be_and_not_backed_up(data: Path, target: Path) -> None:
    [file] = data.glob("*.sqlite3")
    content = bytearray(file.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    file.write_bytes(content)

    with pytest.raises(Damaged, match="ne se lit pas en entier"):
        backup(Settings(data=data), target)

    assert not target.exists()
    assert leftovers(target) == []


def test_what_was_deleted_is_not_in_the_archive(
    filled: Resources, tmp_path: Path, target: Path
) -> None:
    canary = "canari effacé 51f2"
    import_texts(filled, *TEXTS, canary)
    with write(filled.engine) as session:
        # As most SQLite libraries do: a deleted row stays in the file until its place is taken.
        session.execute(text("PRAGMA secure_delete=OFF"))
        session.execute(text("DELETE FROM statement WHERE text = :t"), {"t": canary})

    filled.engine.dispose()
    [file] = filled.settings.data.glob("*.sqlite3")
    assert canary.encode() in file.read_bytes()

    backup(filled.settings, target)

    content = tmp_path / "database"
    unpack(target, content)
    assert canary.encode() not in content.read_bytes()


INTO = "(fingerprint, text_hash, row) VALUES (:f, :h, x'00')"


def test_a_backup_while_others_write_is_of_one_moment(filled: Resources, target: Path) -> None:
    """Two rows are always written together: never one without the other."""
    stop = threading.Event()
    written = 0

    def keep_writing() -> None:
        nonlocal written
        engine = open_engine(filled.settings.url)
        while not stop.is_set():
            with write(engine) as session:
                for place in ("a", "b"):
                    key = {"f": f"{place}{written}", "h": "x"}
                    session.execute(text(f"INSERT INTO vector {INTO}"), key)
            written += 1
        engine.dispose()

    thread = threading.Thread(target=keep_writing)
    thread.start()
    try:
        seen = [counted(filled.settings, target) for _ in range(5)]
    finally:
        stop.set()
        thread.join()

    assert all(a == b for a, b in seen)
    assert seen == sorted(seen)
    assert 0 < seen[-1][0] <= written


def counted(settings: Settings, target: Path) -> tuple[int, int]:
    backup(settings, target, force=True)
    content = target.with_name("contenu")
    unpack(target, content)
    engine = open_engine(f"sqlite:///{content}")
    with read(engine) as session:
        a, b = (
            session.execute(
                text("SELECT count(*) FROM vector WHERE fingerprint LIKE :p"), {"p": f"{p}%"}
            ).scalar_one()
            for p in "ab"
        )
    engine.dispose()
    return a, b


def test_a_full_disk_leaves_all_as_it_was(filled: Resources, target: Path) -> None:
    """In a process that may write no file longer than 200 kB, and the database is longer."""
    backup(filled.settings, target)
    before, there = target.read_bytes(), texts(filled)
    filled.engine.dispose()
    for words in (["backup", str(target), "--force"], ["restore", str(target), "--force"]):
        done = limited(filled.settings.data, *words)
        assert done.returncode == 1, done.stderr
        assert "n'a pas pu s'écrire" in done.stderr
        assert "Traceback" not in done.stderr
        assert target.read_bytes() == before
        assert leftovers(target) == []
        assert texts(filled) == there
        filled.engine.dispose()
        assert [path.name for path in filled.settings.data.glob(".*")] == []


def limited(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import resource; from service.cli import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY)); main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env=os.environ | {"SOCIOPOLES_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )


Spoil = Callable[[bytes], bytes]


def cut(share: float) -> Spoil:
    return lambda content: content[: int(len(content) * share)]


@pytest.mark.parametrize("share", [0, 0.0005, 0.01, 0.5, 0.99, 0.9999])
def test_a_truncated_archive_is_refused_and_touches_nothing(
    filled: Resources, target: Path, tmp_path: Path, share: float
) -> None:
    backup(filled.settings, target)
    target.write_bytes(cut(share)(target.read_bytes()))
    data = tmp_path / "neuf"

    with pytest.raises(Refused):
        restore(Settings(data=data), target, encoder=WordEncoder())

    assert list(data.iterdir()) == []


def test_an_archive_with_one_bit_changed_is_refused_or_says_the_same(
    filled: Resources, target: Path, tmp_path: Path
) -> None:
    """Only what gzip and tar keep beside the bytes, as a date, may change unseen."""
    manifest = backup(filled.settings, target)
    content = target.read_bytes()
    chosen = random.Random(0)
    refused = 0

    for place in (*range(24), *(chosen.randrange(len(content)) for _ in range(200))):
        spoiled = bytearray(content)
        spoiled[place] ^= 1 << chosen.randrange(8)
        target.write_bytes(spoiled)
        try:
            assert unpack(target, tmp_path / "contenu") == manifest
        except Refused:
            refused += 1

    assert refused > 200


@pytest.fixture
def archive(filled: Resources, target: Path) -> Path:
    backup(filled.settings, target)
    return target


@pytest.mark.parametrize("content", [b"", b"pas une archive", b"\x1f\x8b" + b"\0" * 50])
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "x.tar.gz"
    source.write_bytes(content)

    with pytest.raises(Refused):
        restore(Settings(data=tmp_path / "neuf"), source, encoder=WordEncoder())


def test_backup_and_restore_from_the_command_line(
    run: Run, data: Path, tmp_path: Path, target: Path
) -> None:
    made = read_json(run("backup", target, "--json"))
    again = run("backup", target)
    refused = run("restore", target)
    done = read_json(run("restore", target, "--force", "--json"))
    checked = run("check")
    elsewhere = run("--data", tmp_path / "neuf", "restore", target, folder=None)

    assert made["engine"] == "sqlite"
    assert (again.exit_code, refused.exit_code) == (1, 1)
    assert "--force" in again.stderr
    assert "--force" in refused.stderr
    assert done["manifest"] == made
    assert Path(done["aside"]).is_file()
    assert checked.exit_code == 0
    assert "Restauré" in elsewhere.stdout
    assert len(list(data.glob("*.sqlite3"))) == 2
