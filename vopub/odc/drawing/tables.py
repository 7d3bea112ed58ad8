"""From files of numbers to charts: functions, look-up tables, bins, responses, spectra."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import polynomial

from vopub.model.functions import FunctionData, LookUpData
from vopub.odc.drawing.charts import Area, Areas, Chart, Floats, Line, Lines, UndrawableError
from vopub.odc.drawing.columns import votable_frame
from vopub.odc.drawing.subject import CSV, JSON, PARQUET, VOTABLE, Labels, Task

if TYPE_CHECKING:
    import pandas as pd

MOST_LINES = 6
POINTS = 400
"""Where a function is evaluated."""
EDGES = (("_min", "_max"), ("_lo", "_hi"), ("_low", "_high"), ("_start", "_stop"))
"""How the names of two columns end that hold the edges of a bin."""
Columns = dict[str, Floats]


def function_chart(path: Path, task: Task) -> Chart:
    """Draw a function over the range of its parameter; over -1 to 1 if that has none."""
    content = FunctionData.model_validate_json(path.read_bytes())
    known = task.labels.parameters.get("xvalue")
    low, high = known.range if known is not None and known.range is not None else (-1.0, 1.0)
    x = np.linspace(low, high, POINTS)
    line = Line("", x, polynomial.polyval(x, np.asarray(content.coefficients)))
    return Lines(task.labels.of("xvalue"), task.labels.of("returnvalue"), [line])


def lookup_chart(path: Path, task: Task) -> Chart:
    """Draw a look-up table: of one axis as steps, of two in colours."""
    content = LookUpData.model_validate_json(path.read_bytes())
    values = np.asarray(content.values, dtype=float)
    x, value = task.labels.of("xaxis"), task.labels.of("returnvalue")
    columns = edges_of(np.asarray(content.xaxis, dtype=float), len(values))
    if content.yaxis is None:
        return Lines(x, value, [Line("", columns, values)])
    rows = edges_of(np.asarray(content.yaxis, dtype=float), values.shape[1])
    return Areas(x, task.labels.of("yaxis"), value, [Area(columns, rows, values.T)])


def edges_of(axis: Floats, size: int) -> Floats:
    """Return the edges of the cells of an axis: its own, or halfway between its points."""
    if len(axis) == size + 1:
        return axis
    if size == 1:
        return np.array([axis[0] - 0.5, axis[0] + 0.5])
    middles: Floats = (axis[1:] + axis[:-1]) / 2
    ends = axis[0] - (middles[0] - axis[0]), axis[-1] + (axis[-1] - middles[-1])
    return np.array([ends[0], *middles, ends[1]])


def bins_chart(path: Path, task: Task) -> Chart:
    """Draw what stands in bins: one pair of edges as a histogram, two in colours.

    Without edges, the first column is the axis and the others are curves.
    """
    columns = numbers_of(path, task.media_type)
    pairs = [pair for name in columns if (pair := _pair(name, columns))]
    others = [name for name in columns if not any(name in pair for pair in pairs)]
    if not pairs:
        return _curves(columns, others, task.labels)
    if not others:
        raise UndrawableError("it has edges of bins, and no values")
    if len(pairs) == 1:
        return _histogram(columns, pairs[0], others, task.labels)
    return _grid(columns, pairs, others[0], task.labels)


def spectra_chart(path: Path, task: Task) -> Chart:
    """Draw spectral statistics over frequency, or over the number of the bin if none is told."""
    columns = numbers_of(path, task.media_type)
    names = [name for name in columns if not name.lower().startswith("freq")]
    if not names:
        raise UndrawableError("it has no column of numbers but frequencies")
    frequency = next((name for name in columns if name not in names), "")
    x = columns[frequency] if frequency else np.arange(len(columns[names[0]]), dtype=float)
    label = task.labels.of(frequency) if frequency else "Number of the bin of frequency"
    return Lines(label, task.labels.of(names[0]), _lines(x, columns, names, task.labels))


def numbers_of(path: Path, media_type: str) -> Columns:
    """Read the columns of numbers of a table, in order."""
    frame = _frame(path, media_type).select_dtypes("number")
    if frame.empty:
        raise UndrawableError("it has no numbers in columns")
    return {str(name): frame[name].to_numpy(dtype=float, na_value=np.nan) for name in frame}


def _frame(path: Path, media_type: str) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - takes half a second

    if media_type == CSV:
        return pd.read_csv(path)
    if media_type == PARQUET:
        return pd.read_parquet(path)
    if media_type == JSON:
        return pd.DataFrame(json.loads(path.read_bytes()))
    if media_type == VOTABLE:
        return votable_frame(path)
    from astropy.table import Table  # noqa: PLC0415 - takes half a second

    table = Table.read(path, format="fits")
    flat = [name for name in table.colnames if table[name].ndim == 1]
    frame: pd.DataFrame = table[flat].to_pandas()
    return frame


def _pair(low: str, columns: Columns) -> tuple[str, str] | None:
    for first, last in EDGES:
        high = low[: -len(first)] + (last if low.islower() else last.upper())
        if low.lower().endswith(first) and high in columns:
            return low, high
    return None


def _curves(columns: Columns, names: Sequence[str], labels: Labels) -> Chart:
    if len(names) < 2:
        raise UndrawableError("it has a single column of numbers")
    x, *others = names
    if not np.all(np.diff(columns[x]) > 0):
        raise UndrawableError(f"its first column, {x}, does not ascend")
    return Lines(labels.of(x), labels.of(others[0]), _lines(columns[x], columns, others, labels))


def _lines(x: Floats, columns: Columns, names: Sequence[str], labels: Labels) -> list[Line]:
    """Return the columns that have the unit of the first."""
    same = [name for name in names if labels.unit(name) == labels.unit(names[0])]
    return [Line(name, x, columns[name]) for name in same[:MOST_LINES]]


def _histogram(
    columns: Columns, pair: tuple[str, str], names: Sequence[str], labels: Labels
) -> Chart:
    low, high = (columns[name] for name in pair)
    if not (np.all(np.diff(low) > 0) and np.allclose(low[1:], high[:-1])):
        raise UndrawableError("its bins do not follow each other")
    edges = np.append(low, high[-1])
    return Lines(labels.of(pair[0]), labels.of(names[0]), _lines(edges, columns, names, labels))


def _grid(
    columns: Columns, pairs: Sequence[tuple[str, str]], name: str, labels: Labels
) -> Chart:  # fmt: skip
    """Return the cells of a table that has a row for each of them.

    Of more than two dimensions, the first two are shown, and the mean over the others.
    """
    sides = [np.unique(np.concatenate([columns[low], columns[high]])) for low, high in pairs]
    shape = [len(side) - 1 for side in sides]
    if math.prod(shape) > 4 * len(columns[name]):
        raise UndrawableError("its bins are no grid")
    lows = zip(sides, pairs, strict=True)
    places = [np.searchsorted(side, columns[low]) for side, (low, _) in lows]
    values = np.full(shape, np.nan)
    values[tuple(places)] = columns[name]
    x, y, *others = (labels.of(low) for low, _ in pairs)
    what = ", mean over ".join([labels.of(name), *others])
    return Areas(x, y, what, [Area(sides[0], sides[1], _mean_over_others(values).T)])


def _mean_over_others(values: Floats) -> Floats:
    """Return the means over all dimensions but the first two, of the cells that have a value."""
    flat = values.reshape(*values.shape[:2], -1)
    number = np.sum(~np.isnan(flat), axis=2)
    means: Floats = np.full(number.shape, np.nan)
    np.divide(np.nansum(flat, axis=2), number, out=means, where=number > 0)
    return means
