"""Tables as they are published, to pandas and astropy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vopub.client.records import FileEntry, ParameterEntry, RemoteEntry
from vopub.errors import FileError

if TYPE_CHECKING:
    from astropy.table import Table

CSV = "text/csv"
NUMBERS = ("int16", "int32", "int64", "float32", "float64")


def table_file(
    files: Sequence[FileEntry | RemoteEntry],
) -> FileEntry | RemoteEntry | None:
    """Return the file of a resource that a table is read from; None if there is none."""
    found = (file for file in files if file.kind == CSV and file.role == "data")
    return next(found, None)


def read_frame(path: Path, parameters: Sequence[ParameterEntry]) -> pd.DataFrame:
    """Read a CSV file as vopub writes it: every column in the type that the record says.

    An empty field is NaN in a column of floating-point numbers and empty text in one of text.

    Raises
    ------
    FileError
        If it does not hold what the record describes.
    """
    types = {p.name: p.dtype if p.dtype in NUMBERS else "object" for p in parameters}
    try:
        frame = pd.read_csv(
            path, encoding="utf-8", keep_default_na=not types,
            dtype=types or None, skip_blank_lines=len(types) != 1,
            na_values={name: [""] for name, kind in types.items() if kind.startswith("float")},
        )  # fmt: skip
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise FileError(f"is not the table of the record: {error}", where=path) from error
    if types and list(frame.columns) != list(types):
        what = f"has the columns {list(frame.columns)}, the record says {list(types)}"
        raise FileError(what, where=path)
    return frame


def as_table(
    frame: pd.DataFrame, parameters: Sequence[ParameterEntry], *, quantities: bool
) -> Table:
    """Return a table of astropy with units and descriptions.

    Parameters
    ----------
    frame
        The columns.
    parameters
        What they mean.
    quantities
        Whether columns with a unit are quantities (``QTable``) or carry it as an attribute.
    """
    from astropy.table import Column, QTable, Table  # noqa: PLC0415 - takes half a second

    known = {p.name: p for p in parameters}
    table = Table()
    for name in frame.columns:
        meant = known.get(str(name), ParameterEntry(name=str(name)))
        column = Column(_values(frame[name]), unit=unit_of(meant), description=meant.description)
        table.add_column(column, name=str(name))
    return QTable(table) if quantities else table


def unit_of(parameter: ParameterEntry) -> Any:
    """Return a unit of astropy; None for what has none. One that is unknown keeps its name."""
    from astropy.units import Unit  # noqa: PLC0415 - takes half a second

    if not parameter.unit:
        return None
    return Unit(parameter.unit, format="vounit", parse_strict="silent")


def _values(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    values = column.to_numpy()
    return values.astype(str) if values.dtype.kind == "O" else values
