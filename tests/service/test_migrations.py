"""The migrations make the tables that the code knows, on both databases."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select

from service.database import is_current, migrate, open_engine, read
from service.resources import Resources
from service.store.revisions import current_mark
from service.tables import Table, Territory


def test_an_empty_database_brought_up_has_the_tables_of_the_code(resources: Resources) -> None:
    with resources.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Table.metadata)

    assert differences == []


def test_migrating_twice_changes_nothing(resources: Resources) -> None:
    with read(resources.engine) as session:
        before = current_mark(session)

    migrate(resources.engine)

    with read(resources.engine) as session:
        assert current_mark(session) == before
        assert session.execute(select(Territory.id)).first() is not None
    assert is_current(resources.engine)


def test_a_database_without_tables_is_not_current(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'empty.sqlite3'}")

    assert not is_current(engine)

    engine.dispose()


def test_each_database_has_an_epoch_of_its_own(tmp_path: Path) -> None:
    epochs = set()
    for name in ("one", "two"):
        engine = open_engine(f"sqlite:///{tmp_path / name}.sqlite3")
        migrate(engine)
        with read(engine) as session:
            epochs.add(current_mark(session).epoch)
        engine.dispose()

    assert len(epochs) == 2
