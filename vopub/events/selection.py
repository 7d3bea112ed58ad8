"""Selections as a publisher writes them: ``zenith > 90 deg and likelihood >= 40``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.units import Unit
from numpy.typing import NDArray

from vopub.errors import SelectionError, did_you_mean
from vopub.model.catalogue import known_parameters
from vopub.model.description import Cut
from vopub.model.event_table import Column
from vopub.model.parameter import Dtype, Parameter

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
GRAMMAR = "write <parameter> <operator> <number> <unit>, joined by 'and'"

_COMPARISON = re.compile(
    r"\s*(?P<name>\w+)\s*(?P<operator>[<>=!~]+)\s*"
    r"(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>[A-Za-z].*)?",
    re.ASCII | re.DOTALL,
)
_AND = re.compile(r"\band\b", re.ASCII)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One parameter compared with a number."""

    parameter: str
    operator: str
    number: float
    """In the unit that the catalogue gives the parameter; an ``int`` if it was written as one."""

    def apply(self, columns: Mapping[str, Column]) -> NDArray[np.bool_]:
        """Tell for which rows it holds; never for NaN."""
        values = columns[self.parameter]
        holds = np.asarray(OPERATORS[self.operator](values, self.number), dtype=bool)
        return holds & ~np.isnan(values) if values.dtype.kind == "f" else holds


@dataclass(frozen=True, slots=True)
class Selection:
    """Comparisons that all have to hold."""

    comparisons: tuple[Comparison, ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters it looks at, each once."""
        return tuple(dict.fromkeys(c.parameter for c in self.comparisons))

    def apply(self, columns: Mapping[str, Column]) -> NDArray[np.bool_]:
        """Tell which rows pass.

        Parameters
        ----------
        columns
            Values of at least `parameters`, in the units of the catalogue.
        """
        passed = [comparison.apply(columns) for comparison in self.comparisons]
        return np.asarray(np.logical_and.reduce(passed), dtype=bool)


def parse_selection(expression: str, *, where: object = None) -> Selection:
    """Read a selection; no file is needed for it.

    Parameters
    ----------
    expression
        Comparisons ``<parameter> <operator> <number> <unit>`` joined by ``and``; the operators are
        ``< <= > >= == !=``. The unit is any that converts to the parameter's, and must be there
        if the parameter has one.
    where
        File and place of the expression, for errors.

    Raises
    ------
    SelectionError
        If it cannot be read; names the part, and the nearest parameters for an unknown one.
    """
    parts = _AND.split(expression)
    return Selection(tuple(_Part(part, expression, where).comparison() for part in parts))


def parse_cuts(cuts: Sequence[Cut], *, where: object = None) -> tuple[Selection, ...]:
    """Read the selection of every cut.

    Raises
    ------
    SelectionError
        With all that cannot be read.
    """
    selections, errors = [], []
    for number, cut in enumerate(cuts):
        place = f"events.selection.{number}.keep"
        place = place if where is None else f"{where}: {place}"
        try:
            selections.append(parse_selection(cut.keep, where=place))
        except SelectionError as error:
            errors.append(error)
    if len(errors) > 1:
        raise SelectionError(" | ".join(map(str, errors)))
    if errors:
        raise errors[0]
    return tuple(selections)


@dataclass(frozen=True, slots=True)
class _Part:
    """One comparison as written, with what an error has to name."""

    text: str
    expression: str
    where: object

    def comparison(self) -> Comparison:
        match = _COMPARISON.fullmatch(self.text)
        if match is None:
            raise self._error(f"{self.text.strip()!r} is not a comparison", GRAMMAR)
        parameter = self._parameter(match["name"])
        if match["operator"] not in OPERATORS:
            hint = f"operators are {' '.join(OPERATORS)}"
            raise self._error(f"unknown operator {match['operator']!r}", hint)
        factor = self._factor(parameter, (match["unit"] or "").strip())
        return Comparison(parameter.name, match["operator"], self._number(match["number"], factor))

    def _parameter(self, name: str) -> Parameter:
        known = {n: p for n, p in known_parameters().items() if p.dtype is not Dtype.TEXT}
        if name not in known:
            raise self._error(f"unknown parameter {name!r}", did_you_mean(name, known))
        return known[name]

    def _factor(self, parameter: Parameter, unit: str) -> float:
        """Return what to multiply a number in ``unit`` with to have it in the parameter's."""
        if not parameter.unit:
            if unit:
                what = f"{unit!r} after a number of {parameter.name}, which has no unit"
                raise self._error(what, "leave it out")
            return 1
        if not unit:
            raise self._error(f"{parameter.name} needs a unit", f"it is in {parameter.unit}")
        return self._conversion(unit, parameter)

    def _conversion(self, unit: str, parameter: Parameter) -> float:
        if unit == parameter.unit:
            return 1
        try:
            given = Unit(unit, format="vounit", parse_strict="raise")
            return float(given.to(Unit(parameter.unit, format="vounit")))
        except (ValueError, TypeError) as error:
            hint = f"{parameter.name} is in {parameter.unit}"
            raise self._error(f"{unit!r} is not a unit of {parameter.name}", hint) from error

    def _number(self, text: str, factor: float) -> float:
        """Return the number; whole ones stay whole, since floats do not hold every nanosecond."""
        if factor == 1 and re.fullmatch(r"[-+]?\d+", text):
            return int(text)
        number = float(text) * factor
        if not np.isfinite(number):
            raise self._error(f"{text} is too large")
        return number

    def _error(self, what: str, hint: str = "") -> SelectionError:
        place = "" if self.text == self.expression else f", at {self.text.strip()!r}"
        return SelectionError(
            f"selection {self.expression!r}{place}: {what}", where=self.where, hint=hint
        )
