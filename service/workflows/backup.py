"""Back up: the whole database in one file, as it stood at one moment, while others write."""

from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from service.archive import Engine, Manifest, Origin, already_there, pack
from service.database import now, open_engine, read, table_version
from service.dump import dump, require
from service.errors import Refused
from service.resources import refuse_half_restored
from service.settings import Settings
from service.sqlite_file import compact, copy_whole, explain
from service.store.health import count_rows, live_statements
from service.store.moving import current_schema, share_snapshot
from service.store.revisions import current_mark


def backup(settings: Settings, target: Path, *, force: bool = False) -> Manifest:
    """Write the database to one archive; the tables are taken as they are, of any version.

    Raises Refused: there is nothing to back up, the file is there already, the disk refuses.
    """
    if target.exists() and not force:
        raise already_there(target)
    if not target.parent.is_dir():
        raise Refused(f"Le dossier « {target.parent} » n'existe pas : créez-le d'abord.")
    try:
        with TemporaryDirectory(dir=target.parent, prefix=".sauvegarde-") as folder:
            content = Path(folder) / "database"
            copy = _copy_sqlite if settings.database_file else _copy_postgresql
            return pack(target, copy(settings, content), content, replace=force)
    except OSError as error:
        raise Refused(f"La sauvegarde n'a pas pu s'écrire : {error.strerror}.") from error


def _copy_sqlite(settings: Settings, target: Path) -> Origin:
    source = settings.database_file
    if source is None or not source.is_file():
        raise Refused(f"Il n'y a pas de base dans « {settings.data} » : rien à sauvegarder.")
    copy_whole(source, target)
    engine = open_engine(f"sqlite:///{target}")
    try:
        with read(engine) as session:
            origin = _describe(session, "sqlite")
    finally:
        engine.dispose()
    compact(target)
    return origin


def _copy_postgresql(settings: Settings, target: Path) -> Origin:
    require("pg_dump")
    engine = open_engine(settings.url)
    refuse_half_restored(engine)
    try:
        with read(engine) as session:
            origin = _describe(session, "postgresql")
            schema, snapshot = current_schema(session), share_snapshot(session)
            dump(settings.url, target, schema=schema, snapshot=snapshot)
    finally:
        engine.dispose()
    return origin


def _describe(session: Session, kind: Engine) -> Origin:
    try:
        tables = table_version(session.connection())
        if tables is None:
            raise Refused("Cette base n'est pas celle de Sociopoles : rien à sauvegarder.")
        mark, count = current_mark(session), len(live_statements(session))
        rows = count_rows(session)
    except DatabaseError as error:
        if kind == "postgresql":
            raise
        raise explain(error.orig) from error
    made_at = f"{now():%Y-%m-%dT%H:%M:%S}Z"
    return Origin(kind, tables, mark.epoch, mark.revision, count, made_at, rows=rows)
