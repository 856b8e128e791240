"""What each sociopôle adds to the bridge lexicon, and what it switches off."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lexicon",
        sa.Column(
            "sociopole_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("term_key", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("say", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sociopole_id"], ["sociopole.id"], name=op.f("fk_lexicon_sociopole_id")
        ),
        sa.PrimaryKeyConstraint("sociopole_id", "term_key", name=op.f("pk_lexicon")),
    )


def downgrade() -> None:
    op.drop_table("lexicon")
