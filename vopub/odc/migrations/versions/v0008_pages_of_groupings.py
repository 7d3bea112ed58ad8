"""Indices for the pages of streams and of collections.

The axis of time of a stream is drawn without reading its resources, and those of a collection that
are in no stream are found among very many that are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAME = "ix_resources_stream_moment"
COLUMNS = ["stream", "moment", "number"]


def upgrade() -> None:
    """Make one index anew with two columns more, and another one."""
    op.drop_index(NAME, "resources")
    op.create_index(NAME, "resources", [*COLUMNS, "latest", "withdrawn"])
    alone = sa.text("stream = ''")
    op.create_index(
        "ix_resources_alone", "resources", ["collection", "identifier"],
        sqlite_where=alone, postgresql_where=alone,
    )  # fmt: skip


def downgrade() -> None:
    """Make it as it was, and remove the other one."""
    op.drop_index("ix_resources_alone", "resources")
    op.drop_index(NAME, "resources")
    op.create_index(NAME, "resources", COLUMNS)
