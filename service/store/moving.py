"""What moving a whole database asks of the database itself."""

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateSchema, DropSchema

HALF_RESTORED = "sociopoles, restauration en cours, avant = "
"""What the schema of a database that is being restored is commented with: no tool restores that."""


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
    """Keep all that is there under another name, and leave an empty place.

    The place is marked as half restored until `end_move`, whatever becomes of this process.
    """
    _rename(session, schema, aside)
    session.execute(CreateSchema(schema))
    _comment(session, schema, f"'{HALF_RESTORED}{aside}'")


def end_move(session: Session, schema: str) -> None:
    """Note that what was put in the place is whole."""
    _comment(session, schema, "NULL")


def half_restored(session: Session) -> str:
    """Where what a restore did not get to replace is kept; empty where none was cut short."""
    if session.get_bind().dialect.name == "sqlite":
        # A file takes the place of another in one move.
        return ""
    said = session.execute(
        text("SELECT obj_description(current_schema()::regnamespace, 'pg_namespace')")
    ).scalar_one()
    return said.removeprefix(HALF_RESTORED) if (said or "").startswith(HALF_RESTORED) else ""


def bring_schema_back(session: Session, schema: str, aside: str) -> None:
    """Undo `set_schema_aside`, whatever was put in its place."""
    session.execute(DropSchema(schema, cascade=True))
    _rename(session, aside, schema)


def _rename(session: Session, old: str, new: str) -> None:
    session.execute(text(f"ALTER SCHEMA {_quoted(session, old)} RENAME TO {_quoted(session, new)}"))


def _comment(session: Session, schema: str, written: str) -> None:
    # No parameter may stand here; what is written is this program's own.
    session.execute(text(f"COMMENT ON SCHEMA {_quoted(session, schema)} IS {written}"))


def _quoted(session: Session, name: str) -> str:
    return session.get_bind().dialect.identifier_preparer.quote_identifier(name)
