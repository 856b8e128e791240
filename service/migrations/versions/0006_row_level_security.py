"""On PostgreSQL, the rules of what a person may read stand in the database too.

Each transaction says whom it reads for (`sociopoles.full`, …: see service/store/scope.py); one that
says nothing reads nothing. The owner of the tables is held to it as well (FORCE), a superuser is
not: run the service as a plain role.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SEES = """
CREATE FUNCTION sociopoles_sees(name text, id bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(current_setting('sociopoles.' || name, true), '') = 'all'
    OR coalesce(
      id = ANY (string_to_array(
        nullif(nullif(current_setting('sociopoles.' || name, true), ''), 'all'), ','
      )::bigint[]),
      false
    )
$$
"""
FULL = "sociopoles_sees('full', sociopole_id)"
RULES = {
    "statement": f"{FULL} OR (consent AND sociopoles_sees('published', sociopole_id))"
    " OR sociopoles_sees('organisations', organisation_id)",
    "sociopole": "sociopoles_sees('full', id) OR sociopoles_sees('published', id)",
    "organisation": f"{FULL} OR sociopoles_sees('organisations', id) OR id IN ("
    "SELECT organisation_id FROM statement WHERE consent AND NOT deleted"
    " AND sociopoles_sees('published', statement.sociopole_id))",
    "contact": "organisation_id IN (SELECT id FROM organisation WHERE"
    " sociopoles_sees('contacts', sociopole_id) OR sociopoles_sees('organisations', id))",
    "known_relation": f"left_id IN (SELECT id FROM organisation WHERE {FULL})",
    "lexicon": f"{FULL} OR sociopoles_sees('published', sociopole_id)",
    "import": FULL,
    "run": FULL,
    "grouping": FULL,
    "group_edit": FULL,
    "decision": FULL,
    "pairing": "run_id IN (SELECT id FROM run)",
    "orphan": "run_id IN (SELECT id FROM run)",
    "grouping_group": "grouping_id IN (SELECT id FROM grouping)",
    "grouping_place": "grouping_id IN (SELECT id FROM grouping)",
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(SEES)
    for table, rule in RULES.items():
        op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
        op.execute(f'CREATE POLICY sociopoles_scope ON "{table}" USING ({rule})')


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in RULES:
        op.execute(f'DROP POLICY sociopoles_scope ON "{table}"')
        op.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
    op.execute("DROP FUNCTION sociopoles_sees(text, bigint)")
