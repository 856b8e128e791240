"""What is done in the background."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("sociopole_id", NUMBER, nullable=True),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=False),
        sa.Column("claim", sa.String(length=32), nullable=False),
        sa.Column("beat", NUMBER, nullable=False),
        sa.Column("cancelling", sa.Boolean(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sociopole_id"], ["sociopole.id"], name=op.f("fk_job_sociopole_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("key", name=op.f("uq_job_key")),
    )
    op.create_index(op.f("ix_job_sociopole_id"), "job", ["sociopole_id"])
    op.create_index(op.f("ix_job_state"), "job", ["state"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE job ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE job FORCE ROW LEVEL SECURITY")
        op.execute(
            "CREATE POLICY sociopoles_scope ON job USING (sociopoles_sees('full', sociopole_id))"
        )


def downgrade() -> None:
    op.drop_table("job")
