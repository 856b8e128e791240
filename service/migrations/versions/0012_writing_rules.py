"""On PostgreSQL, what one reads of others' is not what one may write.

The rules of 0006 let a session write whatever it reads. These stand beside them (RESTRICTIVE: both
must hold): a contribution is written by who reads the sociopôle whole, or by its own organisation.
"""

from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None

WHOLE = "sociopoles_sees('full', {})"
OWN = "(sociopoles_sees('organisations', organisation_id)" + (
    " AND sociopoles_sees('published', sociopole_id))"
)
RULES = {
    "statement": f"{WHOLE.format('sociopole_id')} OR {OWN}",
    "sociopole": WHOLE.format("id"),
    "organisation": WHOLE.format("sociopole_id"),
    "lexicon": WHOLE.format("sociopole_id"),
}
LOCKED = frozenset({"sociopole"})
"""Whoever contributes locks the row of the sociopôle (FOR UPDATE), which this rule covers too."""


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, rule in RULES.items():
        found = "true" if table in LOCKED else rule
        create = "CREATE POLICY sociopoles_{0} ON {1} AS RESTRICTIVE FOR {0} "
        op.execute(create.format("insert", table) + f"WITH CHECK ({rule})")
        op.execute(create.format("update", table) + f"USING ({found}) WITH CHECK ({rule})")
        op.execute(create.format("delete", table) + f"USING ({rule})")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in RULES:
        for what in ("insert", "update", "delete"):
            op.execute(f"DROP POLICY sociopoles_{what} ON {table}")
