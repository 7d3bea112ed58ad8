"""What very many resources are put in order or counted by is in an index, beside what finds them.

Each resource lies on a page of its own: to look at thousands takes as long as to read megabytes.
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NUMBER, LASTING = "ix_resources_number", "ix_resources_lasting"


def upgrade() -> None:
    """Let the indices hold more."""
    _make(
        ["number", "identifier", "version_key"],
        ["lasting", "moment", "number", "ends", "withdrawn"],
    )


def downgrade() -> None:
    """Make them as they were."""
    _make(["number"], ["lasting", "moment", "number"])


def _make(number: list[str], lasting: list[str]) -> None:
    for name in (NUMBER, LASTING):
        op.drop_index(name, "resources")
    op.create_index(NUMBER, "resources", number, unique=True)
    op.create_index(LASTING, "resources", lasting)
