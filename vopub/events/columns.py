"""Values to columns as their parameters describe them: unit, type, range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from astropy.units import Unit, UnitConversionError
from numpy.typing import NDArray

from vopub.errors import DescriptionError, Problem
from vopub.events.quantities import Defect, Defects
from vopub.model.catalogue import known_parameters
from vopub.model.event_table import Column
from vopub.model.parameter import Dtype, Parameter
from vopub.model.summaries import is_summary


def check_convertible(parameters: Iterable[Parameter]) -> None:
    """Check that a resource's own unit and type of its columns can be had from the catalogue's.

    Raises
    ------
    DescriptionError
        With every column for which they cannot.
    """
    problems = [problem for parameter in parameters for problem in _problems(parameter)]
    if problems:
        raise DescriptionError(problems)


def checked(parameter: Parameter, values: Column) -> tuple[Column, list[Defect]]:
    """Return values in the unit and type of a column, and what is wrong with them.

    What does not fit an integer column becomes 0 there and what is too large for a float column
    infinite; both are among the defects.

    Parameters
    ----------
    parameter
        The column.
    values
        In the unit of the catalogue, or that of the parameter itself if the catalogue lacks it.
    """
    if parameter.dtype is Dtype.TEXT:
        return values, []
    numbers = _in_unit(parameter, values)
    if parameter.dtype.is_float:
        with np.errstate(over="ignore"):
            column = numbers.astype(parameter.dtype.numpy, copy=False)
        sound = _all_within(column, *_float_limits(parameter))
    else:
        column, sound = _as_integers(parameter, numbers)
    if sound:
        return column, []
    return column, [(what, bad) for what, bad in _defects(parameter, numbers, column) if bad.any()]


def as_column(parameter: Parameter, values: Column) -> Column:
    """Return values in the unit and type of a column; see `checked`."""
    return checked(parameter, values)[0]


def value_defects(parameter: Parameter, values: Column) -> Defects:
    """Yield what is wrong with values for a column, and where it is; see `checked`."""
    yield from checked(parameter, values)[1]


def _defects(parameter: Parameter, numbers: Column, column: Column) -> Defects:
    name, dtype = parameter.name, parameter.dtype
    if dtype.is_float:
        if not parameter.null:
            yield f"{name} is not a number", np.isnan(column)
        yield f"{name} is infinite", np.isinf(column)
    else:
        yield f"{name} is not a whole number", ~_is_whole(numbers)
        yield f"{name} does not fit {dtype.value}", ~_is_within(numbers, np.iinfo(dtype.numpy))
    if parameter.range is not None:
        low, high = parameter.range
        text = f"{name} is outside {low:g} to {high:g} {parameter.unit}".rstrip()
        yield text, (column < low) | (column > high)


def _float_limits(parameter: Parameter) -> tuple[float, float]:
    if parameter.range is not None:
        return parameter.range
    limits = np.finfo(parameter.dtype.numpy)
    return float(limits.min), float(limits.max)


def _all_within(values: Column, low: float, high: float) -> bool:
    """Tell in two passes whether nothing can be wrong; a NaN makes it false."""
    return not len(values) or bool(values.min() >= low and values.max() <= high)


def _as_integers(parameter: Parameter, numbers: Column) -> tuple[Column, bool]:
    dtype = parameter.dtype.numpy
    limits = np.iinfo(dtype)
    if np.can_cast(numbers.dtype, dtype) or (
        numbers.dtype.kind in "iu" and _all_within(numbers, limits.min, limits.max)
    ):
        sound = parameter.range is None or _all_within(numbers, *parameter.range)
        return numbers.astype(dtype, copy=False), sound
    fits = _is_whole(numbers) & _is_within(numbers, limits)
    return np.where(fits, numbers, 0).astype(dtype), False


def _problems(parameter: Parameter) -> Iterator[Problem]:
    known = known_parameters().get(parameter.name)
    place = f"events.overrides.{parameter.name}"
    if is_summary(parameter.name) and parameter.dtype is Dtype.TEXT:
        yield Problem(f"{place}.dtype", "summaries are numbers and cannot become text")
    if known is None:
        return  # a summary in the unit that is said, or derived: then its formula is checked
    if (known.dtype is Dtype.TEXT) != (parameter.dtype is Dtype.TEXT):
        what = f"{known.dtype.value} values cannot become {parameter.dtype.value}"
        yield Problem(f"{place}.dtype", what)
    try:
        _factor(parameter)
    except UnitConversionError:
        what = f"{parameter.unit!r} does not measure the same as {known.unit!r}"
        yield Problem(f"{place}.unit", what, "the values are known in the latter")


def _factor(parameter: Parameter) -> float:
    """Return what to multiply values in the catalogue's unit with."""
    known = known_parameters().get(parameter.name)
    if known is None or parameter.unit == known.unit:
        return 1.0
    return float(Unit(known.unit, format="vounit").to(Unit(parameter.unit, format="vounit")))


def _in_unit(parameter: Parameter, values: Column) -> Column:
    factor = _factor(parameter)
    return values if factor == 1.0 else values * factor


def _is_whole(numbers: Column) -> NDArray[np.bool_]:
    if numbers.dtype.kind != "f":
        return np.ones(len(numbers), dtype=bool)
    return np.asarray(np.isfinite(numbers) & (np.rint(numbers) == numbers), dtype=bool)


def _is_within(numbers: Column, limits: np.iinfo[np.signedinteger]) -> NDArray[np.bool_]:
    # The largest 64-bit integer is no float, the number after it is.
    inside = (numbers >= int(limits.min)) & (numbers < int(limits.max) + 1)
    return np.asarray(inside, dtype=bool)
