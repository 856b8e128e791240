"""What a person may read: one rule a table, applied to every statement a session sends.

A session carries its scope (`engine.execution_options(sociopoles_scope=…)`); without one it is the
program's own and reads everything. The rules are added to each SELECT, UPDATE and DELETE of mapped
classes by SQLAlchemy itself, so no query can forget them (but an alias would escape them, so the
store uses none). On PostgreSQL the same rules stand in the
database as row-level security.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection, and_, event, false, or_, select, text, true
from sqlalchemy.orm import (
    InstrumentedAttribute,
    LoaderCriteriaOption,
    ORMExecuteState,
    Session,
    SessionTransaction,
    with_loader_criteria,
)
from sqlalchemy.sql import ColumnElement

from service.database import SCOPE
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

Ids = frozenset[int] | None
"""Numbers, or None for all of them."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Sociopôles read whole, those of which only what is published, and a person's organisations.

    `contacts` are the sociopôles whose persons may be read too.
    """

    full: Ids = frozenset()
    published: Ids = frozenset()
    organisations: frozenset[int] = frozenset()
    contacts: Ids = frozenset()


WHOLE = Scope(None, None, frozenset(), None)
NOTHING = Scope()
PUBLISHED = Scope(published=None)


def scope_of(session: Session) -> Scope:
    """The scope of this session."""
    return session.info.get(SCOPE) or WHOLE


@event.listens_for(Session, "do_orm_execute")
def _limit(state: ORMExecuteState) -> None:
    scope = scope_of(state.session)
    if scope != WHOLE and not state.is_column_load and not state.is_relationship_load:
        state.statement = state.statement.options(*_limits(scope))


@event.listens_for(Session, "after_begin")
def _tell_database(session: Session, _at: SessionTransaction, connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    connection.execute(
        text(
            "SELECT set_config('sociopoles.full', :full, true), "
            "set_config('sociopoles.published', :published, true), "
            "set_config('sociopoles.organisations', :organisations, true), "
            "set_config('sociopoles.contacts', :contacts, true)"
        ),
        database_settings(scope_of(session)),
    )


def database_settings(scope: Scope) -> dict[str, str]:
    """What PostgreSQL is told (`sociopoles.…`) so that this scope is read."""
    return {
        "full": _write(scope.full),
        "published": _write(scope.published),
        "organisations": _write(scope.organisations),
        "contacts": _write(scope.contacts),
    }


def _write(ids: Collection[int] | None) -> str:
    return "all" if ids is None else ",".join(map(str, sorted(ids)))


@lru_cache(maxsize=256)
def _limits(scope: Scope) -> tuple[LoaderCriteriaOption, ...]:
    return tuple(with_loader_criteria(table, rule) for table, rule in _rules(scope))


def _rules(scope: Scope) -> Iterator[tuple[type[Table], ColumnElement[bool]]]:
    statement = or_(
        _among(StatementRow.sociopole_id, scope.full),
        and_(StatementRow.consent, _among(StatementRow.sociopole_id, scope.published)),
        _among(StatementRow.organisation_id, scope.organisations),
    )
    yield StatementRow, statement
    yield Sociopole, or_(_among(Sociopole.id, scope.full), _among(Sociopole.id, scope.published))
    yield Organisation, _organisation(scope)
    yield Contact, _of(Contact.organisation_id, Organisation.id, _contact_holder(scope))
    held = select(Organisation.id).where(_contact_holder(scope))
    yield (
        StatementContact,
        _of(StatementContact.contact_id, Contact.id, Contact.organisation_id.in_(held)),
    )
    yield (
        KnownRelation,
        _of(KnownRelation.left_id, Organisation.id, _among(Organisation.sociopole_id, scope.full)),
    )
    yield (
        LexiconRow,
        or_(
            _among(LexiconRow.sociopole_id, scope.full),
            _among(LexiconRow.sociopole_id, scope.published),
        ),
    )
    for table in (Import, Run, Grouping, GroupEdit, Decision, WeightsRow, Job):
        yield table, _among(table.sociopole_id, scope.full)
    for part in (Pairing, Orphan):
        yield part, _of(part.run_id, Run.id, _among(Run.sociopole_id, scope.full))
    for part_of_grouping in (GroupRow, GroupPlace):
        mine = _among(Grouping.sociopole_id, scope.full)
        yield part_of_grouping, _of(part_of_grouping.grouping_id, Grouping.id, mine)


def _organisation(scope: Scope) -> ColumnElement[bool]:
    """Those of whole sociopôles, one's own, and those that published something."""
    author = select(StatementRow.organisation_id).where(
        StatementRow.consent,
        StatementRow.deleted.is_(False),
        _among(StatementRow.sociopole_id, scope.published),
    )
    published = false() if scope.published == frozenset() else Organisation.id.in_(author)
    return or_(
        _among(Organisation.sociopole_id, scope.full),
        _among(Organisation.id, scope.organisations),
        published,
    )


def _contact_holder(scope: Scope) -> ColumnElement[bool]:
    return or_(
        _among(Organisation.sociopole_id, scope.contacts),
        _among(Organisation.id, scope.organisations),
    )


def _among(
    column: InstrumentedAttribute[int] | InstrumentedAttribute[int | None], ids: Ids
) -> ColumnElement[bool]:
    if ids is None:
        return true()
    return column.in_(sorted(ids)) if ids else false()


def _of(
    column: InstrumentedAttribute[int],
    key: InstrumentedAttribute[int],
    rule: ColumnElement[bool],
) -> ColumnElement[bool]:
    return column.in_(select(key).where(rule))
