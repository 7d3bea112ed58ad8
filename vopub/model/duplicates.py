"""What is done with an event that comes again."""

from __future__ import annotations

from enum import StrEnum


class Duplicates(StrEnum):
    """What is done with an event that comes again."""

    ERROR = "error"
    """Nothing is made."""
    FIRST = "first"
    """The first is kept, in the order of the inputs; the others are counted as repeated."""
    KEEP = "keep"
    """All are kept: identifiers are then not unique."""
