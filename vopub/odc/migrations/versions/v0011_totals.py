"""Sums of all streams are kept as such, and PostgreSQL's words lie beside what orders resources.

A sum of two thousand numbers took longer than the page that it is on. What has rare words is found,
counted and put in order from one table.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OF_STREAM = "ix_tallies_stream"
WORDS = (
    "ALTER TABLE resource_words RENAME TO old_words",
    """CREATE TABLE resource_words AS SELECT number, identifier, version_key, moment, old.words
    FROM resources JOIN old_words AS old USING (number)""",
    "DROP TABLE old_words",
    "ALTER TABLE resource_words ADD PRIMARY KEY (number)",
    *(f"ALTER TABLE resource_words ALTER COLUMN {name} SET NOT NULL"
      for name in ("identifier", "version_key", "moment", "words")),
    # What was added last is gone through by each search, until it is this much (kB, of 4096).
    """CREATE INDEX ix_resource_words ON resource_words USING gin (words)
    WITH (gin_pending_list_limit = 1024)""",
    "ANALYZE resource_words",
)  # fmt: skip


def upgrade() -> None:
    """Add up what there is, and make PostgreSQL's table of the words anew."""
    op.create_table(
        "totals",
        *(sa.Column(name, sa.String(length), nullable=False)
          for name, length in (("ktype", 32), ("collection", 64))),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.Column("resources", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("ktype", "collection", "latest", name="pk_totals"),
    )  # fmt: skip
    op.execute(
        "INSERT INTO totals (ktype, collection, latest, resources)"
        " SELECT ktype, collection, latest, sum(resources) FROM tallies"
        " GROUP BY ktype, collection, latest"
    )
    op.create_index(OF_STREAM, "tallies", ["stream"])
    if op.get_bind().dialect.name == "postgresql":
        for statement in WORDS:
            op.execute(statement)


def downgrade() -> None:
    """Remove what was added."""
    if op.get_bind().dialect.name == "postgresql":
        for name in ("identifier", "version_key", "moment"):
            op.drop_column("resource_words", name)
        op.execute("ALTER INDEX ix_resource_words RESET (gin_pending_list_limit)")
    op.drop_index(OF_STREAM, "tallies")
    op.drop_table("totals")
