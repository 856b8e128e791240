"""The vectors of a text's sentences beside the one of the whole."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("vector", sa.Column("sentences", sa.LargeBinary(), nullable=True))
