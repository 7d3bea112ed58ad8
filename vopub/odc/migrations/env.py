"""Run by Alembic: applies the steps over the connection it is given."""

from __future__ import annotations

from alembic import context

from vopub.odc.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
context.run_migrations()
