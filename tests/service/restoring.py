"""A database of two statements, its backup, and what happens to it before it is restored."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from service.archive import Origin, pack, unpack
from service.database import read, write
from service.resources import Resources, open_resources
from service.settings import Settings
from service.store.revisions import Mark, current_mark
from service.store.sociopoles import add_sociopole
from service.store.territories import load_territories
from service.tables import StatementRow
from service.workflows.answer import Query, answer
from service.workflows.backup import backup
from service.workflows.restore import Restored, restore
from tests.builders import SLUG, TERRITORIES, import_texts
from tests.fakes import WordEncoder
from tests.service.databases import own_database

BEFORE = ("pas de vélos à l'école", "les murs sont humides")
AFTER = ("un jardin à partager", "le compost de la cantine", "des devoirs sans ordinateur")


@contextmanager
def settings_on(kind: str, data: Path) -> Iterator[Settings]:
    """The settings of an installation on this kind of database, of its own."""
    if kind == "sqlite":
        yield Settings(data=data)
        return
    # As the service should run: a plain role, held to the rules of who reads what.
    with own_database() as url:
        yield Settings(data=data, database_url=url)


def make_archive(settings: Settings, sqlite_template: Path, target: Path) -> Path:
    """A backup of a database of two statements, which stays there."""
    if not settings.database_url:
        shutil.copytree(sqlite_template.parent, settings.data)
    settings.data.mkdir(exist_ok=True)
    resources = open_again(settings)
    if settings.database_url:
        fill(resources)
    import_texts(resources, *BEFORE)
    resources.engine.dispose()
    backup(settings, target)
    return target


def fill(resources: Resources) -> None:
    """One sociopôle in an empty database."""
    with write(resources.engine) as session:
        load_territories(session, TERRITORIES)
        add_sociopole(session, slug=SLUG, name="Plaine Commune", territory_id="ept:200057867")


def repack(archive: Path, folder: Path, **changes: Any) -> Path:
    """The same backup, saying something else of itself."""
    content = folder / "contenu"
    manifest = unpack(archive, content)
    origin = Origin(**{name: getattr(manifest, name) for name in Origin.__slots__})
    target = folder / "autre.tar.gz"
    pack(target, replace(origin, **changes), content, replace=False)
    return target


def open_again(settings: Settings) -> Resources:
    """As a process that starts now."""
    return open_resources(settings, WordEncoder())


def again(settings: Settings, source: Path, **options: object) -> Restored:
    """Restore a backup."""
    return restore(settings, source, encoder=WordEncoder(), **options)  # type: ignore[arg-type]


def go_on(settings: Settings, *more: str) -> Mark:
    """Write more, index it, and end."""
    resources = open_again(settings)
    import_texts(resources, *BEFORE, *more)
    answer(resources, Query("vélo"))
    found = mark(resources)
    resources.engine.dispose()
    return found


def texts(resources: Resources) -> list[str]:
    """Every text there is."""
    with read(resources.engine) as session:
        return sorted(session.execute(select(StatementRow.text)).scalars())


def mark(resources: Resources) -> Mark:
    """Where the database stands."""
    with read(resources.engine) as session:
        return current_mark(session)
