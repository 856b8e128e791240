"""PostgreSQL databases of a test's own, where the shared one would be in the way."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.conftest import POSTGRESQL


@contextmanager
def own_database() -> Iterator[str]:
    """The URL of an empty database and of the plain role that owns it."""
    server = os.environ.get(POSTGRESQL)
    if not server:
        pytest.skip(f"{POSTGRESQL} is not set: nothing was tried on PostgreSQL")
    name = f"sociopoles_{uuid4().hex[:8]}"
    quoted = sql.Identifier(name)
    with psycopg.connect(server, autocommit=True) as connection:
        role = sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'mot-de-passe'")
        connection.execute(role.format(quoted))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(quoted, quoted))
        try:
            host = server.partition("://")[2].rpartition("@")[2].partition("/")[0]
            yield f"postgresql://{name}:mot-de-passe@{host}/{name}"
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(quoted))
            connection.execute(sql.SQL("DROP ROLE {}").format(quoted))
