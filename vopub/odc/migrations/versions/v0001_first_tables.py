"""The first tables: resources, their files, streams, collections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    _make_resources()
    _make_files()
    for table in ("streams", "collections"):
        op.create_table(
            table,
            sa.Column("identifier", sa.String(64), nullable=False),
            sa.Column("record", sa.Text(), nullable=False),
            sa.Column("written", sa.DateTime(), nullable=False),
            sa.PrimaryKeyConstraint("identifier", name=f"pk_{table}"),
        )


def downgrade() -> None:
    """Remove all tables."""
    for table in ("published_files", "uploads", "resources", "streams", "collections"):
        op.drop_table(table)


def _make_resources() -> None:
    op.create_table(
        "resources",
        sa.Column("kid", sa.String(36), nullable=False),
        sa.Column("identifier", sa.String(64), nullable=False),
        sa.Column("version_key", sa.String(128), nullable=False),
        sa.Column("ktype", sa.String(32), nullable=False),
        sa.Column("collection", sa.String(64), nullable=False),
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("written", sa.DateTime(), nullable=False),
        sa.Column("withdrawn", sa.DateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kid", name="pk_resources"),
    )
    for column in ("identifier", "ktype", "collection", "stream"):
        op.create_index(f"ix_resources_{column}", "resources", [column])


def _make_files() -> None:
    op.create_table(
        "uploads",
        sa.Column("kid", sa.String(36), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("written", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("kid", "name", "sha256", name="pk_uploads"),
    )
    op.create_table(
        "published_files",
        sa.Column("kid", sa.String(36), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("kid", "name", name="pk_published_files"),
        sa.ForeignKeyConstraint(
            ["kid"], ["resources.kid"], ondelete="CASCADE",
            name="fk_published_files_kid_resources",
        ),
        sa.ForeignKeyConstraint(
            ["kid", "name", "sha256"], ["uploads.kid", "uploads.name", "uploads.sha256"],
            name="fk_published_files_kid_uploads",
        ),
    )  # fmt: skip
