"""What a session may read is a matter of its scope, whatever is asked of which table."""

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, func, select, update

from matcher.wishes import Action
from service.database import read, write
from service.resources import Resources
from service.store.scope import NOTHING, PUBLISHED, WHOLE, Scope
from service.store.sociopoles import get_sociopole
from service.store.statements import statements_by_id
from service.tables import (
    Contact,
    Decision,
    GroupEdit,
    Grouping,
    GroupPlace,
    GroupRow,
    Import,
    Job,
    KnownRelation,
    LexiconRow,
    Organisation,
    Orphan,
    Pairing,
    Run,
    Sociopole,
    StatementContact,
    StatementRow,
    Table,
    WeightsRow,
)
from service.workflows.edit_group import Who, edit_group
from service.workflows.understand_edit import Wanted
from tests.access.world import HERE, THERE, fill

SCOPED = (
    Contact,
    Decision,
    GroupEdit,
    Grouping,
    GroupPlace,
    GroupRow,
    Import,
    Job,
    KnownRelation,
    LexiconRow,
    Organisation,
    Orphan,
    Pairing,
    Run,
    Sociopole,
    StatementContact,
    StatementRow,
    WeightsRow,
)
OPEN = {
    "revision": "a counter",
    "rights_request": "salted hashes, read by the program alone",
    "rights_secret": "read by the program alone",
    "territory": "official lists",
    "territory_parent": "official lists",
    "vector": "by the hash of a text one must have to ask",
    "account": "read by its own number, or by the administration",
    "membership": "as the account",
    "identity": "as the account",
    "sign_in": "read by its secret",
    "sign_in_code": "read by its secret",
    "api_token": "read by its secret, or its account",
    "audit": "read by the administration",
    "saved_query": "read by its account",
    "saved_answer": "as the question; the statement is read under the scope",
    "once": "read by the account's own key",
}
"""Tables without a rule, and why that shows nobody what is another's."""


@pytest.fixture
def filled(resources: Resources) -> Iterator[Resources]:
    fill(resources)
    for slug in (HERE, THERE):
        edit_group(resources, slug, Wanted(Action.RENAME, ("G1",), title="Titre"), Who("Ada"))
    return resources


def number(resources: Resources, slug: str) -> int:
    with read(resources.engine) as session:
        return get_sociopole(session, slug).id


def test_every_table_has_a_rule_or_a_reason_to_have_none() -> None:
    tables = {table.name for table in Table.metadata.sorted_tables}

    assert tables == {table.__tablename__ for table in SCOPED} | set(OPEN)


def test_without_any_right_no_row_of_any_table_is_read(filled: Resources) -> None:
    with read(filled.engine) as session:
        there = {table: len(session.execute(select(table)).all()) for table in SCOPED}
    with read(filled.seen_by(NOTHING).engine) as session:
        seen = {t: len(session.execute(select(t)).all()) for t in SCOPED}

    assert all(there.values()), there
    assert set(seen.values()) == {0}


def test_one_sociopole_read_whole_shows_half_of_the_world(filled: Resources) -> None:
    """Both are filled alike."""
    mine = frozenset({number(filled, HERE)})
    scope = Scope(full=mine, published=mine, contacts=mine)

    with read(filled.engine) as session:
        total = {t: len(session.execute(select(t)).all()) for t in SCOPED}
    with read(filled.seen_by(scope).engine) as session:
        seen = {t: len(session.execute(select(t)).all()) for t in SCOPED}

    assert {table: 2 * n for table, n in seen.items()} == total


@pytest.mark.parametrize(
    "count",
    [
        select(func.count()).select_from(StatementRow),
        select(func.count(StatementRow.id)),
        select(func.count()).select_from(select(StatementRow.id).subquery()),
        select(func.count()).where(StatementRow.id > 0),
        select(func.count(Organisation.id)).where(
            Organisation.id.in_(select(StatementRow.organisation_id))
        ),
        select(func.count(Pairing.rank)).join(StatementRow, StatementRow.id == Pairing.left_id),
        select(func.count(Sociopole.id)).where(
            select(StatementRow.id).where(StatementRow.sociopole_id == Sociopole.id).exists()
        ),
    ],
)
def test_however_it_is_asked_nothing_is_counted(filled: Resources, count: object) -> None:
    with read(filled.seen_by(NOTHING).engine) as session:
        assert session.execute(count).scalar_one() == 0  # type: ignore[call-overload]


def test_a_row_asked_by_its_key_is_not_there_either(filled: Resources) -> None:
    with read(filled.engine) as session:
        some = session.execute(select(StatementRow.id)).scalars().first()
    with read(filled.seen_by(NOTHING).engine) as session:
        assert session.get(StatementRow, some) is None


def test_what_is_not_seen_is_neither_changed_nor_deleted(filled: Resources) -> None:
    mine = frozenset({number(filled, HERE)})
    with write(filled.seen_by(Scope(full=mine)).engine) as session:
        session.execute(update(LexiconRow).values(say="changed"))
        session.execute(delete(KnownRelation))

    with read(filled.engine) as session:
        there = number(filled, THERE)
        kept = session.execute(
            select(LexiconRow.say).where(LexiconRow.sociopole_id == there)
        ).scalars()
        assert "changed" not in set(kept)
        assert session.execute(select(func.count()).select_from(KnownRelation)).scalar() == 1


def test_the_public_reads_what_is_published_and_who_wrote_it(filled: Resources) -> None:
    with read(filled.seen_by(PUBLISHED).engine) as session:
        rows = session.execute(select(StatementRow.public_id, StatementRow.organisation_id)).all()
        authors = session.execute(select(Organisation.id)).scalars().all()
        people = session.execute(select(Contact)).all()

    assert [row.public_id for row in rows] == ["publié", "publié"]
    assert {row.organisation_id for row in rows} == set(authors)
    assert people == []


def test_ones_own_organisation_is_read_whole(filled: Resources) -> None:
    with read(filled.engine) as session:
        mine = (
            session.execute(
                select(StatementRow.organisation_id).where(StatementRow.public_id == "mien")
            )
            .scalars()
            .first()
        )
    assert mine is not None

    with read(filled.seen_by(Scope(organisations=frozenset({mine}))).engine) as session:
        assert session.execute(select(StatementRow.public_id)).scalars().all() == ["mien"]


def test_a_scope_is_the_sessions_own(filled: Resources) -> None:
    """A statement compiled for one scope is not served to another from the cache."""
    query = select(func.count()).select_from(StatementRow)
    mine = frozenset({number(filled, HERE)})
    counts = []
    for scope in (WHOLE, NOTHING, Scope(full=mine), PUBLISHED, WHOLE):
        with read(filled.seen_by(scope).engine) as session:
            counts.append(session.execute(query).scalar_one())

    assert counts == [44, 0, 22, 2, 44]


def test_statements_asked_by_number_are_left_out_where_they_are_anothers(
    filled: Resources,
) -> None:
    with read(filled.engine) as session:
        ids = session.execute(select(StatementRow.id)).scalars().all()
    with read(filled.seen_by(Scope(full=frozenset({number(filled, HERE)}))).engine) as session:
        found = statements_by_id(session, list(ids))

    assert {view.sociopole for view in found} == {HERE}
