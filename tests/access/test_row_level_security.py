"""On PostgreSQL the database itself holds the rules, for a role that is not a superuser."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError

from matcher.statements import Kind
from service.database import read, write
from service.resources import Resources, open_resources
from service.settings import Settings
from service.store.scope import NOTHING, Scope, database_settings
from service.store.sociopoles import add_sociopole, get_sociopole, lock_sociopole, organisations
from service.store.territories import load_territories, name_key
from service.tables import LexiconRow, Organisation, Sociopole, StatementContact, StatementRow
from service.workflows.contribute import (
    add_statement,
    change_statement,
    read_statement,
    remove_statement,
)
from tests.access.world import HERE, THERE, fill
from tests.builders import TERRITORIES
from tests.conftest import POSTGRESQL
from tests.fakes import WordEncoder

TABLES = (
    "statement sociopole organisation contact known_relation lexicon import run grouping decision "
    "job pairing orphan grouping_group grouping_place statement_contact weights"
).split()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resources]:
    """Resources on a database owned and opened by a plain role."""
    server = os.environ.get(POSTGRESQL)
    if not server:
        pytest.skip(f"{POSTGRESQL} is not set: row-level security was not tried")
    name = f"sociopoles_{uuid4().hex[:8]}"
    folder = tmp_path_factory.mktemp("plain")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(name)))
        try:
            yield from _open(_as_role(server, name), folder)
        finally:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def _as_role(server: str, name: str) -> str:
    host = server.rpartition("@")[2].partition("/")[0]
    return f"postgresql://{name}@{host}/{name}"


def _open(url: str, folder: Path) -> Iterator[Resources]:
    resources = open_resources(Settings(data=folder, database_url=url), WordEncoder())
    with write(resources.engine) as session:
        load_territories(session, TERRITORIES)
        add_sociopole(session, slug=HERE, name="Plaine Commune", territory_id="ept:200057867")
    fill(resources)
    yield resources
    resources.engine.dispose()


def count(resources: Resources, table: str, **settings: str) -> int:
    """Rows of a table seen by plain SQL, past every rule of ours, after these settings."""
    with psycopg.connect(resources.settings.url) as connection:
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, true)", (f"sociopoles.{name}", value))
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("table", TABLES)
def test_plain_sql_that_says_for_whom_it_reads_reads_their_rows_and_no_others(
    plain: Resources, table: str
) -> None:
    with read(plain.engine) as session:
        here = str(get_sociopole(session, HERE).id)
    everything = dict.fromkeys(("full", "published", "contacts"), "all")
    whole = count(plain, table, **everything)

    assert whole > 0
    assert count(plain, table) == 0
    assert 2 * count(plain, table, full=here, contacts=here) == whole


def test_the_service_works_within_the_rules_of_the_database(plain: Resources) -> None:
    with read(plain.engine) as session:
        mine = get_sociopole(session, HERE)
        assert get_sociopole(session, THERE).statements == mine.statements
    with read(plain.seen_by(Scope(full=frozenset({mine.id}))).engine) as session:
        assert get_sociopole(session, HERE).statements == mine.statements


def test_a_row_of_another_sociopole_cannot_be_written(plain: Resources) -> None:
    word = (
        "INSERT INTO lexicon (sociopole_id, term_key, state, say, terms, at) "
        "VALUES (%s, 'x', 'on', '', '', now())"
    )
    with psycopg.connect(plain.settings.url) as connection:
        connection.execute("SELECT set_config('sociopoles.full', '1', true)")
        connection.execute(word, (1,))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(word, (2,))


WRITES = (
    "UPDATE statement SET deleted = true",
    "UPDATE statement SET title = 'x', consent = true",
    "DELETE FROM statement_contact; DELETE FROM statement",
    "UPDATE organisation SET name = 'x'",
    "UPDATE sociopole SET name = 'x'",
    "DELETE FROM lexicon",
    "UPDATE lexicon SET say = 'x'",
    "INSERT INTO lexicon (sociopole_id, term_key, state, say, terms, at) "
    "VALUES (1, 'y', 'on', '', '', now())",
    "INSERT INTO organisation (sociopole_id, name, name_key, college) VALUES (1, 'y', 'y', 'x')",
    "INSERT INTO sociopole (slug, name, territory_id) VALUES ('y', 'y', 'commune:93066')",
    "INSERT INTO statement SELECT 999, sociopole_id, organisation_id, kind, 'y', 'y', title, text, "
    "sector_written, sector, discipline_written, discipline, territory_id, true, written_on, "
    "text_hash, revision, false FROM statement LIMIT 1",
)


@pytest.mark.parametrize("word", WRITES)
@pytest.mark.parametrize("published", ["1", "all"])
def test_who_reads_what_is_published_changes_nothing_of_it(
    plain: Resources, word: str, published: str
) -> None:
    before = rows(plain)

    with psycopg.connect(plain.settings.url) as connection:
        connection.execute("SELECT set_config('sociopoles.published', %s, true)", (published,))
        with suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute(word.encode())

    assert rows(plain) == before


def test_an_organisation_writes_its_own_contributions_and_no_others(plain: Resources) -> None:
    with read(plain.engine) as session:
        here = get_sociopole(session, HERE).id
        mine = organisations(session, here)[name_key("Asso membre")].id
    scope = Scope(published=frozenset({here}), organisations=frozenset({mine}))
    theirs, before = plain.seen_by(scope), rows(plain)
    fields = {"organisation": "Asso membre", "text": "un garage à vélos", "consent": "oui"}

    made = add_statement(theirs, HERE, Kind.OFFER, fields, of=scope.organisations)["id"]
    change_statement(theirs, HERE, made, {"title": "Un garage"}, of=scope.organisations)
    remove_statement(theirs, HERE, made, of=scope.organisations)
    remove_statement(theirs, HERE, made, of=scope.organisations, deleted=False)

    assert read_statement(theirs, HERE, made)["title"] == "Un garage"
    with psycopg.connect(plain.settings.url) as connection:
        for name, value in database_settings(scope).items():
            connection.execute("SELECT set_config(%s, %s, true)", (f"sociopoles.{name}", value))
        changed = connection.execute("UPDATE statement SET title = 'x' RETURNING organisation_id")
        assert {row[0] for row in changed} == {mine}
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE statement SET organisation_id = organisation_id + 1")
    remove_statement(theirs, HERE, made, of=scope.organisations)
    with write(plain.engine) as session:
        session.execute(delete(StatementRow).where(StatementRow.public_id == made))
    assert rows(plain) == before


def test_who_contributes_waits_for_who_locked_the_sociopole(plain: Resources) -> None:
    with read(plain.engine) as session:
        here = get_sociopole(session, HERE).id
    reader = plain.seen_by(Scope(published=frozenset({here})))
    with write(plain.engine) as session, write(reader.engine) as other:
        lock_sociopole(session, here)
        other.connection().exec_driver_sql("SET lock_timeout = 100")
        with pytest.raises(OperationalError):
            lock_sociopole(other, here)
        other.rollback()


def rows(resources: Resources) -> list[str]:
    """All that the rules are about, as the service itself reads it."""
    found = []
    with read(resources.engine) as session:
        for table in (StatementRow, Sociopole, Organisation, LexiconRow, StatementContact):
            named = session.execute(select(table.__table__)).all()
            found += sorted(f"{table.__tablename__} {tuple(row)!r}" for row in named)
    return found


def test_a_session_of_nobody_reads_nothing_past_our_own_rules(plain: Resources) -> None:
    with read(plain.seen_by(NOTHING).engine) as session:
        found = session.connection().exec_driver_sql("SELECT count(*) FROM statement").scalar()

    assert found == 0
