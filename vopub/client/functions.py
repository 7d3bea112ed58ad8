"""Functions and look-up tables: values at the points that one asks for.

Both are JSON files of the resource; what their numbers mean stands in its parameters: ``xvalue`` (a
function), ``xaxis`` and ``yaxis`` (a table), ``returnvalue``. The names are those of KM3NeT's
openkm3; ``vopub.model.functions`` says what the files hold.
"""

from __future__ import annotations

import warnings
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ValidationError

from vopub.client.objects import KM3Object
from vopub.client.records import ParameterEntry, first_problem
from vopub.errors import FileError, UsageError
from vopub.files import cannot
from vopub.model.functions import FunctionData, LookUpData

if TYPE_CHECKING:
    import pandas as pd

JSON = "application/json"
Floats = NDArray[np.float64]


class RangeWarning(UserWarning):
    """A value outside the range that a function or a table was made for."""


Content = TypeVar("Content", bound=BaseModel)


class Function(KM3Object):
    """A function of one value."""

    @property
    def data(self) -> list[float]:
        """The coefficients, of ascending powers for a polynomial."""
        return list(self._content.coefficients)

    @property
    def functiontype(self) -> str:
        """Its kind: ``polynomial``."""
        return self._content.functiontype

    def evaluate(self, xvalue: Any, *, quantities: bool = False) -> Any:
        """Return its value.

        Parameters
        ----------
        xvalue
            A number or an array in the unit that ``show_paraminfo`` names, or a quantity.
        quantities
            Whether to return a quantity of astropy.

        Returns
        -------
        float, array or Quantity
            Of the shape of ``xvalue``; NaN where it is out of range, with a ``RangeWarning``.
        """
        meant = _parameter(self, "xvalue")
        x, inside = in_range("x", xvalue, meant, meant.range or (-np.inf, np.inf))
        value = np.where(inside, polynomial.polyval(x, self._content.coefficients), np.nan)
        return _result(value, _parameter(self, "returnvalue"), quantities=quantities)

    @cached_property
    def _content(self) -> FunctionData:
        return _content(self, FunctionData)


class LookUpTable(KM3Object):
    """Values on a grid of one or two axes."""

    @property
    def data(self) -> dict[Any, dict[float, float]]:
        """The values: for each place on ``yaxis`` those along ``xaxis``.

        ``pandas.DataFrame.from_dict`` takes it, and ``get_dataframe`` gives the same. A table of
        one axis has ``returnvalue`` in the place of ``yaxis``.
        """
        content = self._content
        values = np.asarray(content.values, dtype=float)
        rows = _middles(content.xaxis, len(values)).tolist()
        if content.yaxis is None:
            return {"returnvalue": dict(zip(rows, values.tolist(), strict=True))}
        columns = _middles(content.yaxis, values.shape[1]).tolist()
        return {
            place: dict(zip(rows, along, strict=True))
            for place, along in zip(columns, values.T.tolist(), strict=True)
        }

    @property
    def axes(self) -> tuple[tuple[float, ...], ...]:
        """The axes as the file has them: points, or edges of bins."""
        content = self._content
        return (content.xaxis,) if content.yaxis is None else (content.xaxis, content.yaxis)

    def lookup(self, xvalue: Any, yvalue: Any = None, *, quantities: bool = False) -> Any:
        """Return the value at a place of the grid.

        Parameters
        ----------
        xvalue, yvalue
            Numbers or arrays in the units that ``show_paraminfo`` names, or quantities;
            ``yvalue`` for a table of two axes only.
        quantities
            Whether to return a quantity of astropy.

        Returns
        -------
        float, array or Quantity
            NaN where a value is out of range, with a ``RangeWarning``.

        Raises
        ------
        UsageError
            If the table has another number of axes.
        """
        content = self._content
        if (yvalue is None) != (content.yaxis is None):
            axes = "one axis" if content.yaxis is None else "two axes"
            raise UsageError(f"{self.identifier} has {axes}", hint="see show_paraminfo()")
        values = np.asarray(content.values, dtype=float)
        given = [("x", xvalue, content.xaxis), ("y", yvalue, content.yaxis)]
        places, inside = [], np.ones((), dtype=bool)
        for size, (name, value, axis) in zip(values.shape, given, strict=False):
            meant = _parameter(self, f"{name}axis")
            numbers = np.asarray(axis, dtype=float)
            x, fits = in_range(name, value, meant, _limits(meant, numbers, size))
            places.append(_nearest(numbers, size, x))
            inside = inside & fits
        found = np.where(inside, values[tuple(np.broadcast_arrays(*places))], np.nan)
        return _result(found, _parameter(self, "returnvalue"), quantities=quantities)

    def get_dataframe(self) -> pd.DataFrame:
        """Return the grid: a row per ``xaxis``, a column per ``yaxis``.

        For an axis of bins, row or column are named by the middle of the bin.
        """
        import pandas as pd  # noqa: PLC0415 - takes a second

        values = np.asarray(self._content.values, dtype=float)
        rows = pd.Index(_middles(self._content.xaxis, len(values)), name="xaxis")
        if self._content.yaxis is None:
            return pd.DataFrame({"returnvalue": values}, index=rows)
        columns = pd.Index(_middles(self._content.yaxis, values.shape[1]), name="yaxis")
        return pd.DataFrame(values, index=rows, columns=columns)

    @cached_property
    def _content(self) -> LookUpData:
        return _content(self, LookUpData)


def in_range(
    name: str, value: Any, parameter: ParameterEntry, limits: tuple[float, float]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return values in the unit of a parameter, and which of them are within the limits.

    Warns
    -----
    RangeWarning
        Naming the first that is not.
    """
    numbers = _numbers(value, parameter)
    low, high = limits
    inside = (numbers >= low) & (numbers <= high)
    if not inside.all():
        first = np.atleast_1d(numbers)[~np.atleast_1d(inside)][0]
        text = f"{name} value {first:g} out of range. Range is [{low:g}, {high:g}]"
        warnings.warn(text, RangeWarning, stacklevel=3)
    return numbers, np.asarray(inside)


def _numbers(value: ArrayLike, parameter: ParameterEntry) -> Floats:
    if hasattr(value, "to_value"):
        from vopub.client.reading import unit_of  # noqa: PLC0415 - takes a second

        value = value.to_value(unit_of(parameter) or "")
    return np.asarray(value, dtype=float)


def _result(value: Floats, parameter: ParameterEntry, *, quantities: bool) -> Any:
    if not quantities:
        return value if value.ndim else float(value)
    from astropy.units import Quantity  # noqa: PLC0415 - takes half a second

    from vopub.client.reading import unit_of  # noqa: PLC0415

    return Quantity(value, unit_of(parameter))


def _limits(parameter: ParameterEntry, axis: Floats, size: int) -> tuple[float, float]:
    """Return how far an axis goes: to its outer edges, or as far as the record says.

    The points of a grid do not say how far the outer ones reach.
    """
    low, high = parameter.range or (axis[0], axis[-1])
    return (max(low, axis[0]), min(high, axis[-1])) if len(axis) > size else (low, high)


def _nearest(axis: Floats, size: int, values: Floats) -> NDArray[np.intp]:
    """Return the index of the bin that holds each value, or of the nearest point."""
    edges = axis[1:-1] if len(axis) > size else (axis[1:] + axis[:-1]) / 2
    return np.searchsorted(edges, values, side="right")


def _middles(axis: tuple[float, ...], size: int) -> Floats:
    numbers = np.asarray(axis)
    return (numbers[1:] + numbers[:-1]) / 2 if len(axis) > size else numbers


def _parameter(resource: KM3Object, name: str) -> ParameterEntry:
    known = {parameter.name: parameter for parameter in resource.record.parameters}
    return known.get(name, ParameterEntry(name=name))


def _content(resource: KM3Object, kind: type[Content]) -> Content:
    """Return the first JSON file of data in its form."""
    found = [f for f in resource.every_file if f.kind == JSON and f.role == "data"]
    if not found:
        raise UsageError(f"{resource.identifier} has no file of data that can be read")
    path: Path = resource.path(found[0].name)
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise cannot("read", path, error) from error
    except ValidationError as error:
        what = f"{found[0].name} is no {kind.__name__}: {first_problem(error)}"
        raise FileError(what, where=resource.page, hint="tell the publisher") from error
