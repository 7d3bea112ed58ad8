"""What tells whether an element of a stream is shown, in the index of the stream.

The axis of time of a stream is then drawn without reading its resources.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAME = "ix_resources_stream_moment"
COLUMNS = ["stream", "moment", "number"]


def upgrade() -> None:
    """Make the index anew with two columns more."""
    op.drop_index(NAME, "resources")
    op.create_index(NAME, "resources", [*COLUMNS, "latest", "withdrawn"])


def downgrade() -> None:
    """Make it as it was."""
    op.drop_index(NAME, "resources")
    op.create_index(NAME, "resources", COLUMNS)
