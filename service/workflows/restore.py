"""Restore: put a backup in the place of the database, and keep what was there aside.

Everything is verified before anything is touched. The restored database is a new one to every
index (its epoch is renewed), and what was erased since the backup is erased from it again.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from matcher.encoder import Encoder
from service.archive import Manifest, unpack
from service.database import known_versions, now, open_engine, read, table_version, write
from service.disk import sync_folder
from service.dump import load, require
from service.errors import Refused
from service.failpoints import failpoint
from service.resources import Resources, open_resources
from service.settings import Settings
from service.sqlite_file import explain, in_use, seal, set_aside
from service.store.health import broken_storage, count_rows, live_statements
from service.store.moving import (
    bring_schema_back,
    current_schema,
    end_move,
    half_restored,
    has_tables,
    others_connected,
    set_schema_aside,
)
from service.store.revisions import renew_epoch
from service.store.sign_ins import close_everything
from service.workflows.erase import replay_erasures

Replay = Callable[[Resources], int]
"""Does again, on a database of before, what must not be undone; returns how many times it did."""

UNPACKED = ".restauration-"
REPLAYS: Sequence[Replay] = (replay_erasures,)
"""Run on every restored database before anybody sees it, in this order."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, where the database of before is kept (empty: there was none)."""

    manifest: Manifest
    aside: str
    replayed: int


def restore(
    settings: Settings,
    source: Path,
    *,
    force: bool = False,
    encoder: Encoder | None = None,
    replays: Sequence[Replay] | None = None,
) -> Restored:
    """Make the archive the database. Raises Refused, and then nothing was changed.

    Over a database that is there, only with `force`. Nothing else may be using it.
    """
    job = _Job(settings, force, encoder, REPLAYS if replays is None else replays)
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        for left in settings.data.glob(f"{UNPACKED}*"):
            # By a restore that was killed: it holds all that people wrote.
            shutil.rmtree(left)
        with TemporaryDirectory(dir=settings.data, prefix=UNPACKED) as folder:
            content = Path(folder) / "sociopoles.sqlite3"
            manifest = unpack(source, content)
            _check_origin(manifest, settings)
            if settings.database_file:
                done = job.into_sqlite(settings.database_file, manifest, content)
            else:
                done = job.into_postgresql(manifest, content)
    except DBAPIError as error:
        if settings.database_file is None:
            raise
        raise explain(error.orig) from error
    except OSError as error:
        raise Refused(f"La restauration n'a pas pu s'écrire : {error.strerror}.") from error
    # None of them fits any more; those of other machines are told by their epoch.
    shutil.rmtree(settings.index_folder, ignore_errors=True)
    return done


@dataclass(frozen=True, slots=True)
class _Job:
    settings: Settings
    force: bool
    encoder: Encoder | None
    replays: Sequence[Replay]

    def into_sqlite(self, target: Path, manifest: Manifest, content: Path) -> Restored:
        if target.exists() and not self.force:
            raise _not_empty(f"« {target.parent} » contient déjà une base")
        url = f"sqlite:///{content}"
        _check_sqlite(url, manifest)
        replayed = self._renew(url)
        seal(content)
        aside = target.with_name(
            f"{target.stem}-avant-restauration-{now():%Y%m%dT%H%M%S%f}.sqlite3"
        )
        failpoint("restore.ready")
        is_kept = set_aside(target, aside)
        failpoint("restore.kept-aside")
        content.replace(target)
        failpoint("restore.replaced")
        sync_folder(target.parent)
        return Restored(manifest, str(aside) if is_kept else "", replayed)

    def into_postgresql(self, manifest: Manifest, content: Path) -> Restored:
        require("pg_restore")
        engine = open_engine(self.settings.url)
        aside = f"avant_restauration_{now():%Y%m%dt%H%M%S%f}"
        try:
            with write(engine) as session:
                schema = current_schema(session)
                if left := half_restored(session):
                    # The restore before was cut short; this one begins where that one did.
                    if others_connected(session):
                        raise in_use()
                    bring_schema_back(session, schema, left)
                is_kept = has_tables(session)
                if is_kept and not self.force:
                    raise _not_empty("La base PostgreSQL contient déjà des tables")
                if others_connected(session):
                    raise in_use()
                set_schema_aside(session, schema, aside)
            failpoint("restore.emptied")
            try:
                load(self.settings.url, content, schema=schema)
                _check_content(engine, manifest)
                failpoint("restore.loaded")
                replayed = self._renew(self.settings.url)
                failpoint("restore.renewed")
                with write(engine) as session:
                    end_move(session, schema)
            except BaseException:
                with write(engine) as session:
                    bring_schema_back(session, schema, aside)
                raise
        finally:
            engine.dispose()
        return Restored(manifest, f"schéma {aside}" if is_kept else "", replayed)

    def _renew(self, url: str) -> int:
        """Bring the tables up, make the database a new one, and do again what was done since."""
        settings = self.settings.model_copy(update={"database_url": url})
        resources = open_resources(settings, self.encoder, half_restored=True)
        try:
            with write(resources.engine) as session:
                renew_epoch(session)
                # Some of them were closed since.
                close_everything(session)
            return sum(replay(resources) for replay in self.replays)
        finally:
            resources.engine.dispose()


def _check_origin(manifest: Manifest, settings: Settings) -> None:
    wanted = "sqlite" if settings.database_file else "postgresql"
    if manifest.engine != wanted:
        raise Refused(
            f"Cette sauvegarde est celle d'une base {manifest.engine}, et les réglages nomment une "
            f"base {wanted} : changez SOCIOPOLES_DATABASE_URL, ou prenez une autre sauvegarde."
        )
    if manifest.tables not in known_versions():
        raise Refused(
            f"Cette sauvegarde vient d'une version plus récente du logiciel (tables "
            f"{manifest.tables}, ici {known_versions()[0]}) : installez-la, puis recommencez."
        )


def _check_sqlite(url: str, manifest: Manifest) -> None:
    engine = open_engine(url)
    try:
        with read(engine) as session:
            faults = broken_storage(session)
        _check_content(engine, manifest)
    finally:
        engine.dispose()
    if faults:
        raise Refused(f"La base sauvegardée est abîmée ({faults[0]}) : essayez-en une autre.")


def _check_content(engine: Engine, manifest: Manifest) -> None:
    """Refuse what is not, row for row, what was backed up."""
    with read(engine) as session:
        if table_version(session.connection()) != manifest.tables:
            raise Refused("Cette sauvegarde ne contient pas la base qu'elle annonce.")
        found = {"contributions": len(live_statements(session))}
        expected = {"contributions": manifest.statements}
        if manifest.rows:
            found |= count_rows(session)
            expected |= manifest.rows
    for name in sorted(found.keys() | expected.keys()):
        here, there = found.get(name, 0), expected.get(name, 0)
        if here != there:
            raise Refused(
                f"Ce que cette sauvegarde a rendu n'est pas ce qu'elle annonce ({name} : {here} au "
                f"lieu de {there}). Ce qui était là est resté en place ; essayez-en une autre."
            )


def _not_empty(what: str) -> Refused:
    return Refused(f"{what} : ajoutez --force, l'ancienne sera gardée à côté.")
