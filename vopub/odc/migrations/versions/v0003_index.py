"""What lists of a million resources need: an order that does not change, tallies, words, the sky.

The columns are filled by ``vopub.odc.index`` when the store is opened.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OLD_INDEXES = ("identifier", "ktype", "collection", "stream")
INDEXES = {
    "in_order": ("identifier", "version_key", "number"),
    "moment": ("moment", "number"),
    "written": ("written", "kid"),
    "stream_moment": ("stream", "moment", "number"),
    **{f"{facet}_{order}": (facet, order) for facet in ("ktype", "collection")
       for order in ("identifier", "moment", "number")},
}  # fmt: skip
WORDS = {
    "sqlite": [
        """CREATE VIRTUAL TABLE resource_words USING fts5(words, content='', detail=none,
        columnsize=0, tokenize="ascii tokenchars '_=~'", prefix='3 4 6')""",
    ],
    "postgresql": [
        "CREATE TABLE resource_words (number BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
        "CREATE INDEX ix_resource_words ON resource_words USING gin (words)",
    ],
}


def upgrade() -> None:
    """Add the columns, number the resources in the order they were written, add the tables."""
    _add_columns()
    for name in OLD_INDEXES:
        op.drop_index(f"ix_resources_{name}", "resources")
    if op.get_bind().dialect.name == "postgresql":
        _order_by_bytes()
    op.create_index("ix_resources_number", "resources", ["number"], unique=True)
    for name, columns in INDEXES.items():
        op.create_index(f"ix_resources_{name}", "resources", columns)
    _make_tables()
    for statement in WORDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Remove what was added."""
    for table in ("resource_words", "tallies", "sky", "facts"):
        op.drop_table(table)
    for name in ("number", *INDEXES):
        op.drop_index(f"ix_resources_{name}", "resources")
    with op.batch_alter_table("resources") as batch:
        for column in ("number", "latest", "moment", "ends"):
            batch.drop_column(column)
    for name in OLD_INDEXES:
        op.create_index(f"ix_resources_{name}", "resources", [name])


def _add_columns() -> None:
    with op.batch_alter_table("resources") as batch:
        batch.add_column(sa.Column("number", WHOLE, nullable=False, server_default="0"))
        batch.add_column(
            sa.Column("latest", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch.add_column(
            sa.Column("moment", sa.DateTime(), nullable=False, server_default="1970-01-01 00:00:00")
        )
        batch.add_column(sa.Column("ends", sa.DateTime(), nullable=True))
    rows = sa.table("resources", *(sa.column(name) for name in ("kid", "number", "written")))
    connection = op.get_bind()
    kids = connection.scalars(sa.select(rows.c.kid).order_by(rows.c.written, rows.c.kid)).all()
    numbers = [{"key": kid, "place": place} for place, kid in enumerate(kids, 1)]
    if numbers:
        change = sa.update(rows).where(rows.c.kid == sa.bindparam("key"))
        connection.execute(change.values(number=sa.bindparam("place")), numbers)
    with op.batch_alter_table("resources") as batch:
        for name, kind in (("number", WHOLE), ("latest", sa.Boolean()), ("moment", sa.DateTime())):
            batch.alter_column(name, existing_type=kind, server_default=None)


def _order_by_bytes() -> None:
    for name, length in (("identifier", 64), ("version_key", 128)):
        op.alter_column("resources", name, type_=sa.String(length, collation="C"))
    for table in ("uploads", "published_files"):
        op.alter_column(table, "size", type_=sa.BigInteger())


def _make_tables() -> None:
    op.create_table(
        "tallies",
        *(sa.Column(name, sa.String(length), nullable=False)
          for name, length in (("ktype", 32), ("collection", 64), ("stream", 64))),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.Column("resources", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("ktype", "collection", "stream", "latest", name="pk_tallies"),
    )  # fmt: skip
    op.create_table(
        "sky",
        *(sa.Column(name, WHOLE, nullable=False, autoincrement=False)
          for name in ("number", "first", "stop")),
        sa.PrimaryKeyConstraint("number", "first", name="pk_sky"),
    )  # fmt: skip
    op.create_table(
        "facts",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_facts"),
    )
