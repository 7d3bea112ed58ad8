"""What lists say about a record stands beside it, so that they need not read whole records."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column to each table and fill it from the records that are there."""
    _add("resources", "kid", _of_resource)
    _add("streams", "identifier", _of_stream)
    _add("collections", "identifier", lambda record: record)


def downgrade() -> None:
    """Remove the columns."""
    for table in ("resources", "streams", "collections"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("summary")


def _add(table: str, key: str, summary: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    with op.batch_alter_table(table) as batch:
        batch.add_column(sa.Column("summary", sa.Text(), nullable=False, server_default=""))
    rows = sa.table(table, sa.column(key), sa.column("record"), sa.column("summary"))
    connection = op.get_bind()
    keys = connection.scalars(sa.select(rows.c[key])).all()
    for each in keys:  # one record in memory at a time
        record = connection.scalar(sa.select(rows.c.record).where(rows.c[key] == each))
        text = json.dumps(summary(json.loads(record or "{}")), ensure_ascii=False)
        connection.execute(sa.update(rows).where(rows.c[key] == each).values(summary=text))
    with op.batch_alter_table(table) as batch:
        batch.alter_column("summary", existing_type=sa.Text(), server_default=None)


def _of_resource(record: dict[str, Any]) -> dict[str, Any]:
    publication = record["publication"]
    return {
        **{key: record[key] for key in ("kid", "identifier", "ktype", "simulated", "rows")},
        **{key: record[key] for key in ("collection", "stream")},
        **{key: publication[key] for key in ("title", "description", "version", "created")},
        "instrument": publication["instrument"] or publication["facility"],
        "services": list(dict.fromkeys(service["kind"] for service in record["services"])),
    }


def _of_stream(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "resources"}
