"""The time as the database keeps it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the time as the database keeps it: UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)
