"""How long data last, so that those of some time are found however many there are.

What was there before gets its number when the index is made anew, since its rules changed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and its index."""
    column = sa.Column("lasting", sa.Integer(), nullable=False, server_default="0")
    op.add_column("resources", column)
    op.create_index("ix_resources_lasting", "resources", ["lasting", "moment", "number"])


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_resources_lasting", "resources")
    op.drop_column("resources", "lasting")
