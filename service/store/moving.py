"""What moving a whole database asks of the database itself."""

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateSchema, DropSchema


def share_snapshot(session: Session) -> str:
    """A name under which another PostgreSQL connection sees exactly what this one sees."""
    return str(session.execute(text("SELECT pg_export_snapshot()")).scalar_one())


def current_schema(session: Session) -> str:
    """The PostgreSQL schema that holds the tables."""
    return str(session.execute(text("SELECT current_schema()")).scalar_one())


def has_tables(session: Session) -> bool:
    """Whether there is anything at all."""
    return bool(inspect(session.connection()).get_table_names())


def others_connected(session: Session) -> int:
    """How many other programs use this PostgreSQL database just now."""
    return int(
        session.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        ).scalar_one()
    )


def set_schema_aside(session: Session, schema: str, aside: str) -> None:
    """Keep all that is there under another name, and leave an empty place."""
    _rename(session, schema, aside)
    session.execute(CreateSchema(schema))


def bring_schema_back(session: Session, schema: str, aside: str) -> None:
    """Undo `set_schema_aside`, whatever was put in its place."""
    session.execute(DropSchema(schema, cascade=True))
    _rename(session, aside, schema)


def _rename(session: Session, old: str, new: str) -> None:
    quote = session.get_bind().dialect.identifier_preparer.quote_identifier
    session.execute(text(f"ALTER SCHEMA {quote(old)} RENAME TO {quote(new)}"))
