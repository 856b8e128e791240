"""Questions that people keep, and what was found for them since."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "saved_query",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("account_id", NUMBER, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        sa.Column("stop_hash", sa.String(length=64), nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_saved_query_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_query")),
        sa.UniqueConstraint("stop_hash", name=op.f("uq_saved_query_stop_hash")),
    )
    op.create_index(op.f("ix_saved_query_account_id"), "saved_query", ["account_id"], unique=False)
    op.create_table(
        "saved_answer",
        sa.Column("query_id", NUMBER, nullable=False),
        sa.Column("statement_id", NUMBER, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("is_new", sa.Boolean(), nullable=False),
        sa.Column("mailed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["query_id"], ["saved_query.id"], name=op.f("fk_saved_answer_query_id")
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statement.id"], name=op.f("fk_saved_answer_statement_id")
        ),
        sa.PrimaryKeyConstraint("query_id", "statement_id", name=op.f("pk_saved_answer")),
    )
    op.create_index(
        op.f("ix_saved_answer_statement_id"), "saved_answer", ["statement_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("saved_answer")
    op.drop_table("saved_query")
