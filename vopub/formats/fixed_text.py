"""Text in fields of fixed width, which every reader of HDF5 and FITS tables knows.

Fields grow in steps, so that a table seldom has to be written anew for a longer text.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vopub.errors import TableError
from vopub.model.event_table import Column

LEAST_WIDTH = 16
"""Bytes of the narrowest field; wider ones are twice as wide, and so on."""
MOST_WIDTH = 1 << 12
"""Bytes of the widest field: what every row of the table takes, and is held in memory in blocks."""


def encoded(column: Column, name: str, where: object, encoding: str = "utf-8") -> NDArray[Any]:
    """Return texts in fields of the width of the longest.

    Raises
    ------
    TableError
        If a text is longer than the widest field.
    """
    texts = [text.encode(encoding) for text in column]
    longest = max(texts, key=len, default=b"")
    if len(longest) > MOST_WIDTH:
        start = longest[:20].decode(encoding, errors="ignore")
        raise TableError(
            f"column {name}: {start!r}... has {len(longest)} bytes, at most {MOST_WIDTH} fit",
            where=where,
            hint="shorten it, or choose formats with text of any length: csv, parquet, votable",
        )
    return np.array(texts, dtype=f"S{max(1, len(longest))}")


def decoded(fields: NDArray[Any], encoding: str = "utf-8") -> Column:
    """Return the texts of fields.

    Raises
    ------
    UnicodeDecodeError
        If a field holds something else.
    """
    # one call for all of them: NUL is in no text
    joined = b"\0".join(fields.tolist()).decode(encoding)
    column = np.empty(len(fields), dtype=object)
    if len(fields):
        column[:] = joined.split("\0")
    return column


def width_of(longest: int) -> int:
    """Return the width of the field for texts of so many bytes."""
    return max(LEAST_WIDTH, 1 << (longest - 1).bit_length())
