"""What a formula is made of once it was read: arithmetic on arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np
from astropy.units import UnitBase, dimensionless_unscaled, rad

from vopub.model.event_table import Column

ANGLE: UnitBase = rad

Kind = Literal["alike", "product", "ratio", "root", "same", "number", "angle", "power", "choice"]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a function or operator treats units, and what it computes.

    The units of its values: ``alike`` all measure the same, ``number`` none, ``angle`` an angle;
    ``product``, ``ratio``, ``root``, ``same``: any, of which that of the result is made.
    """

    kind: Kind
    compute: Callable[..., Any]
    arguments: int = 1
    gives: UnitBase | None = dimensionless_unscaled
    """The unit of the result, if it does not follow from those of the values."""
    gives_first: bool = False
    """Whether the result has the unit of the first value."""


def _compared(compare: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """Return 1 where it holds, 0 where not, and NaN where a value is not available."""
    unknown = np.isnan(left) | np.isnan(right)
    return np.where(unknown, np.nan, compare(left, right))


def _chosen(condition: Any, left: Any, right: Any) -> Any:
    return np.where(np.isnan(condition), np.nan, np.where(condition == 1, left, right))


FUNCTIONS: Mapping[str, Rule] = {
    "+": Rule("alike", np.add, 2, gives_first=True),
    "-": Rule("alike", np.subtract, 2, gives_first=True),
    "*": Rule("product", np.multiply, 2),
    "/": Rule("ratio", np.divide, 2),
    "**": Rule("power", np.power, 2),
    "u-": Rule("same", np.negative),
    "<": Rule("alike", partial(_compared, np.less), 2, gives=None),
    "<=": Rule("alike", partial(_compared, np.less_equal), 2, gives=None),
    ">": Rule("alike", partial(_compared, np.greater), 2, gives=None),
    ">=": Rule("alike", partial(_compared, np.greater_equal), 2, gives=None),
    "==": Rule("alike", partial(_compared, np.equal), 2, gives=None),
    "!=": Rule("alike", partial(_compared, np.not_equal), 2, gives=None),
    "abs": Rule("same", np.abs),
    "sqrt": Rule("root", np.sqrt),
    "exp": Rule("number", np.exp),
    "log": Rule("number", np.log),
    "log10": Rule("number", np.log10),
    "sin": Rule("angle", np.sin),
    "cos": Rule("angle", np.cos),
    "tan": Rule("angle", np.tan),
    "arcsin": Rule("number", np.arcsin, gives=ANGLE),
    "arccos": Rule("number", np.arccos, gives=ANGLE),
    "arctan": Rule("number", np.arctan, gives=ANGLE),
    "arctan2": Rule("alike", np.arctan2, 2, gives=ANGLE),
    "minimum": Rule("alike", np.minimum, 2, gives_first=True),
    "maximum": Rule("alike", np.maximum, 2, gives_first=True),
    "where": Rule("choice", _chosen, 3, gives_first=True),
}
"""By name; operators by their sign, ``u-`` the one of a single value. A comparison gives a truth
value, which has no unit and may be unknown."""


class Node(Protocol):
    """A part of a formula."""

    def value(self, values: Mapping[str, Column]) -> Any:
        """Return its value for events: an array, or a number that holds for all."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number."""

    number: float

    def value(self, values: Mapping[str, Column]) -> np.float64:  # noqa: ARG002
        """Return the number."""
        return np.float64(self.number)


@dataclass(frozen=True, slots=True)
class Load:
    """The values of a parameter."""

    name: str

    def value(self, values: Mapping[str, Column]) -> Column:
        """Return them as floats, since whole numbers of a limited size would wrap around."""
        return np.asarray(values[self.name], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Apply:
    """A function or operator with the values it is applied to."""

    name: str
    """A key of `FUNCTIONS`."""
    parts: tuple[Node, ...]

    def value(self, values: Mapping[str, Column]) -> Any:
        """Return what it gives."""
        parts = [part.value(values) for part in self.parts]
        return FUNCTIONS[self.name].compute(*parts)
