"""What people asked about their data; since when a contact is known, and whether it was told."""

import datetime as dt

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


# As for contacts in 0006: the person is one's own organisation's, or of a sociopôle whose persons
# one may read.
RULE = "contact_id IN (SELECT id FROM contact)"
SEES_ALL = "SELECT " + ", ".join(
    f"set_config('sociopoles.{name}', 'all', true)"
    for name in ("full", "published", "organisations", "contacts")
)


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    if is_postgresql:
        # What follows is about every row.
        op.execute(SEES_ALL)
    with op.batch_alter_table("contact") as contact:
        contact.add_column(sa.Column("added_at", sa.DateTime(), nullable=True))
        contact.add_column(sa.Column("touched_at", sa.DateTime(), nullable=True))
        contact.add_column(sa.Column("informed_at", sa.DateTime(), nullable=True))
    # When they came was not written down: their time is counted from now on.
    today = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    rows = sa.table("contact", sa.column("added_at"), sa.column("touched_at"))
    op.execute(rows.update().values(added_at=today, touched_at=today))
    with op.batch_alter_table("contact") as contact:
        contact.alter_column("added_at", existing_type=sa.DateTime(), nullable=False)
        contact.alter_column("touched_at", existing_type=sa.DateTime(), nullable=False)
    op.create_table(
        "rights_request",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("asked", sa.String(length=16), nullable=False),
        sa.Column("mask_texts", sa.Boolean(), nullable=False),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("cleaned_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_request")),
    )
    op.create_table(
        "rights_secret",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_secret")),
    )
    op.create_table(
        "statement_contact",
        sa.Column("statement_id", NUMBER, nullable=False),
        sa.Column("contact_id", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_statement_contact_contact_id")
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statement.id"], name=op.f("fk_statement_contact_statement_id")
        ),
        sa.PrimaryKeyConstraint("statement_id", "contact_id", name=op.f("pk_statement_contact")),
    )
    op.create_index(op.f("ix_statement_contact_contact_id"), "statement_contact", ["contact_id"])
    with op.batch_alter_table("account") as account:
        account.add_column(sa.Column("warned_at", sa.DateTime(), nullable=True))
    if is_postgresql:
        op.execute("ALTER TABLE statement_contact ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE statement_contact FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY sociopoles_scope ON statement_contact USING ({RULE})")


def downgrade() -> None:
    with op.batch_alter_table("account") as account:
        account.drop_column("warned_at")
    op.drop_table("statement_contact")
    op.drop_table("rights_secret")
    op.drop_table("rights_request")
    with op.batch_alter_table("contact") as contact:
        for column in ("informed_at", "touched_at", "added_at"):
            contact.drop_column(column)
