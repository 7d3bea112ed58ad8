"""Streams and collections can be withdrawn, and every change of them is kept.

Of those that were there before, the history begins with the next change.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("streams", "collections")


def upgrade() -> None:
    """Add the columns and the table."""
    for table in TABLES:
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("withdrawn", sa.DateTime(), nullable=True))
            batch.add_column(sa.Column("reason", sa.Text(), nullable=False, server_default=""))
        with op.batch_alter_table(table) as batch:
            batch.alter_column("reason", existing_type=sa.Text(), server_default=None)
    op.create_table(
        "grouping_changes",
        sa.Column("number", WHOLE, nullable=False, autoincrement=True),
        sa.Column("grouping", sa.String(16), nullable=False),
        sa.Column("identifier", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("moment", sa.DateTime(), nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("differences", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_grouping_changes"),
    )
    op.create_index(
        "ix_grouping_changes_grouping", "grouping_changes", ["grouping", "identifier", "number"]
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("grouping_changes")
    for table in TABLES:
        with op.batch_alter_table(table) as batch:
            for column in ("reason", "withdrawn"):
                batch.drop_column(column)
