"""What people said of pairings."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "decision",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("sociopole_id", NUMBER, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("pairs", sa.JSON(), nullable=False),
        sa.Column("undoes_id", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(
            ["sociopole_id"], ["sociopole.id"], name=op.f("fk_decision_sociopole_id")
        ),
        sa.ForeignKeyConstraint(["undoes_id"], ["decision.id"], name=op.f("fk_decision_undoes_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    op.create_index(op.f("ix_decision_sociopole_id"), "decision", ["sociopole_id"])


def downgrade() -> None:
    op.drop_table("decision")
