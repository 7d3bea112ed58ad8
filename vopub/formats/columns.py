"""Columns of an event table as arrays of Arrow and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from vopub.errors import FileError
from vopub.model.event_table import Column, EventTable
from vopub.model.parameter import Dtype, Parameter

RESTORE = "take the file from its publication again"
"""What to do about a file that is not as it was published."""
ARROW_TYPES = {d: pa.string() if d is Dtype.TEXT else pa.from_numpy_dtype(d.numpy) for d in Dtype}


def arrow_schema(parameters: Sequence[Parameter]) -> Any:
    """Return the Arrow schema of a table; only floats can be not available."""
    return pa.schema(
        [pa.field(p.name, ARROW_TYPES[p.dtype], nullable=p.dtype.is_float) for p in parameters]
    )


def arrow_table(table: EventTable, schema: Any) -> Any:
    """Return a table as Arrow's; NaN becomes null."""
    arrays = [_arrow_column(table, field) for field in schema]
    return pa.table(arrays, schema=schema)


def _arrow_column(table: EventTable, field: Any) -> Any:
    if table.arrow is not None and pa.types.is_string(field.type):
        return table.arrow.column(field.name).cast(field.type)
    return pa.array(table[field.name], field.type, from_pandas=True)


def event_table(arrow: Any, parameters: tuple[Parameter, ...], where: object) -> EventTable:
    """Return a table of Arrow as ours; null becomes NaN.

    Raises
    ------
    FileError
        If a value is missing where the type has no NaN.
    """
    return EventTable(parameters, {p.name: _column(p, arrow[p.name], where) for p in parameters})


def _column(parameter: Parameter, values: Any, where: object) -> Column:
    if values.null_count and not parameter.dtype.is_float:
        row = values.is_null().index(True).as_py() + 1
        what = f"row {row}, column {parameter.name}: no value, but a {parameter.dtype} needs one"
        raise FileError(what, where=where, hint=RESTORE)
    column: Column = values.to_numpy().astype(parameter.dtype.numpy, copy=False)
    return column
