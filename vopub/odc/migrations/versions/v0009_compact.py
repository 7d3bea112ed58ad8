"""What is written with each record lies closer together, so that less is written.

Changes name their resource by its number, which grows, instead of by its ``kid``, which is random.
Versions are ordered by keys of some ten characters instead of 98. The elements of a stream are
found in the order of their identifiers without reading all of them.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, String

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WHOLE = BigInteger().with_variant(sa.Integer(), "sqlite")
LONG = String(128).with_variant(String(128, collation="C"), "postgresql")
IN_ORDER = "ix_resources_in_order"
OF_STREAM = "ix_resources_stream_identifier"


def upgrade() -> None:
    """Let changes have numbers, shorten the keys, add the index."""
    op.drop_index("ix_changes_kid", "changes")
    _exchange("resource", WHOLE, "kid", of="number", by="kid")
    op.create_index("ix_changes_resource", "changes", ["resource", "number"])
    _replace_keys(_shorter)
    op.create_index(OF_STREAM, "resources", ["stream", "identifier"])


def downgrade() -> None:
    """Make everything as it was."""
    op.drop_index(OF_STREAM, "resources")
    _replace_keys(_longer)
    op.drop_index("ix_changes_resource", "changes")
    _exchange("kid", String(36), "resource", of="kid", by="number")
    op.create_index("ix_changes_kid", "changes", ["kid", "number"])


def _exchange(new: str, kind: BigInteger | String, old: str, *, of: str, by: str) -> None:
    """Let changes name their resource by another of its columns."""
    with op.batch_alter_table("changes") as batch:
        batch.add_column(sa.Column(new, kind, nullable=True))
    changes = sa.table("changes", sa.column(new), sa.column(old))
    resources = sa.table("resources", sa.column(of), sa.column(by))
    named = sa.select(resources.c[of]).where(resources.c[by] == changes.c[old])
    op.execute(sa.update(changes).values({new: named.scalar_subquery()}))
    with op.batch_alter_table("changes") as batch:
        batch.alter_column(new, existing_type=kind, nullable=False)
        batch.drop_column(old)


def _replace_keys(make: Callable[[str], str]) -> None:
    """Write the key of each version in another form."""
    connection = op.get_bind()
    op.drop_index(IN_ORDER, "resources")
    resources = sa.table("resources", sa.column("version_key"))
    keys = connection.scalars(sa.select(resources.c.version_key).distinct()).all()
    forms = op.create_table(
        "version_keys", sa.Column("old", LONG, primary_key=True), sa.Column("new", LONG)
    )
    op.bulk_insert(forms, [{"old": key, "new": make(key)} for key in keys])
    named = sa.select(forms.c.new).where(forms.c.old == resources.c.version_key)
    op.execute(sa.update(resources).values(version_key=named.scalar_subquery()))
    op.drop_table("version_keys")
    op.create_index(IN_ORDER, "resources", ["identifier", "version_key", "number"])


def _shorter(key: str) -> str:
    """Return a key whose parts say how many digits follow, from one whose parts are filled up."""
    parts = [part.lstrip("0") for part in key.split(".")]
    return ".".join(f"{len(part):02}{part}" for part in parts)


def _longer(key: str) -> str:
    return ".".join(f"{part[2:]:0>32}" for part in key.split("."))
