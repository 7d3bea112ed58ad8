"""Rows of a table as Arrow, on their way from a file to a part on disk and on to a format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from vopub.events.lazy import Lazy
from vopub.model.event_table import Column, EventTable
from vopub.model.parameter import Dtype, Parameter

_TYPES = {d: pa.string() if d is Dtype.TEXT else pa.from_numpy_dtype(d.numpy) for d in Dtype}


def schema_of(parameters: Sequence[Parameter]) -> Any:
    """Return the schema of rows; NaN stays NaN."""
    return pa.schema([(p.name, _TYPES[p.dtype]) for p in parameters])


def table_of(
    parameters: Sequence[Parameter], numbers: Mapping[str, Column], names: pa.StringArray
) -> EventTable:
    """Return a table of numbers and of the names of events, which is the only text there is.

    Parameters
    ----------
    parameters
        The columns in order.
    numbers
        Those that hold numbers, of the type that their parameter says.
    names
        The names of the events.
    """
    columns = [numbers.get(p.name, names) for p in parameters]
    schema = schema_of(parameters)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
    return table_of_batch(parameters, pa.record_batch(arrays, schema=schema))


def table_of_batch(parameters: Sequence[Parameter], batch: Any) -> EventTable:
    """Return a record batch of Arrow as a table; its texts become ``str`` when they are needed."""
    described = tuple(parameters)
    pairs = zip(described, batch.columns, strict=True)
    columns = Lazy({p.name: partial(_column, p, column) for p, column in pairs})
    return EventTable(described, columns, batch)


def _column(parameter: Parameter, values: Any) -> Column:
    column: Column = values.to_numpy(zero_copy_only=parameter.dtype is not Dtype.TEXT)
    return np.asarray(column, dtype=parameter.dtype.numpy)
