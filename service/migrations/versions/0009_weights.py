"""Weights learnt from decisions; what chose the pairings decided on; pairings found by ends."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "weights",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("sociopole_id", NUMBER, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("by_bar", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.Column("last_decision", NUMBER, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("measure", sa.JSON(), nullable=False),
        sa.Column("undoes_id", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(
            ["sociopole_id"], ["sociopole.id"], name=op.f("fk_weights_sociopole_id")
        ),
        sa.ForeignKeyConstraint(["undoes_id"], ["weights.id"], name=op.f("fk_weights_undoes_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weights")),
    )
    op.create_index(op.f("ix_weights_sociopole_id"), "weights", ["sociopole_id"])
    op.add_column("decision", sa.Column("filter", sa.JSON(none_as_null=True), nullable=True))
    op.create_index("ix_pairing_left_id_right_id", "pairing", ["left_id", "right_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE weights ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE weights FORCE ROW LEVEL SECURITY")
        op.execute(
            "CREATE POLICY sociopoles_scope ON weights"
            " USING (sociopoles_sees('full', sociopole_id))"
        )


def downgrade() -> None:
    op.drop_index("ix_pairing_left_id_right_id", "pairing")
    op.drop_column("decision", "filter")
    op.drop_table("weights")
