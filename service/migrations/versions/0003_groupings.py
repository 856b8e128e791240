"""Groupings, their groups and places, and what people decided of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "grouping",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("sociopole_id", NUMBER, nullable=False),
        sa.Column("base_id", NUMBER, nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("last_edit", NUMBER, nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("advice", sa.JSON(), nullable=False),
        sa.Column("lost_titles", sa.JSON(), nullable=False),
        sa.Column("merges", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["sociopole_id"], ["sociopole.id"], name=op.f("fk_grouping_sociopole_id")
        ),
        sa.ForeignKeyConstraint(["base_id"], ["grouping.id"], name=op.f("fk_grouping_base_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grouping")),
    )
    op.create_index(op.f("ix_grouping_sociopole_id"), "grouping", ["sociopole_id"])
    op.create_table(
        "grouping_group",
        sa.Column("grouping_id", NUMBER, nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("titled_by_person", sa.Boolean(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("central_id", NUMBER, nullable=False),
        sa.Column("transversality", sa.Double(), nullable=False),
        sa.Column("local", sa.Boolean(), nullable=False),
        sa.Column("stability", sa.String(length=16), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("partners", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grouping_id"], ["grouping.id"], name=op.f("fk_grouping_group_grouping_id")
        ),
        sa.ForeignKeyConstraint(
            ["central_id"], ["statement.id"], name=op.f("fk_grouping_group_central_id")
        ),
        sa.PrimaryKeyConstraint("grouping_id", "name", name=op.f("pk_grouping_group")),
    )
    op.create_table(
        "grouping_place",
        sa.Column("grouping_id", NUMBER, nullable=False),
        sa.Column("statement_id", NUMBER, nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("nearest", sa.String(length=16), nullable=False),
        sa.Column("strength", sa.Double(), nullable=False),
        sa.Column("leaf", sa.Integer(), nullable=False),
        sa.Column("x", sa.Double(), nullable=False),
        sa.Column("y", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grouping_id"], ["grouping.id"], name=op.f("fk_grouping_place_grouping_id")
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statement.id"], name=op.f("fk_grouping_place_statement_id")
        ),
        sa.PrimaryKeyConstraint("grouping_id", "statement_id", name=op.f("pk_grouping_place")),
    )
    op.create_table(
        "group_edit",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("sociopole_id", NUMBER, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("undoes_id", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(
            ["sociopole_id"], ["sociopole.id"], name=op.f("fk_group_edit_sociopole_id")
        ),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["group_edit.id"], name=op.f("fk_group_edit_undoes_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_edit")),
    )
    op.create_index(op.f("ix_group_edit_sociopole_id"), "group_edit", ["sociopole_id"])


def downgrade() -> None:
    for table in ("group_edit", "grouping_place", "grouping_group", "grouping"):
        op.drop_table(table)
