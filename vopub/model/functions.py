"""Files of functions and look-up tables: JSON in a form that is vopub's own.

::

    {"functiontype": "polynomial", "coefficients": [6720.96, 70.914, -0.613972]}

    {"xaxis": [-90, 0, 90], "yaxis": [1.5, 2.0], "values": [[1, 2], [3, 4]]}

An axis holds one number per value, and the nearest counts, or one more, and they are the edges of
bins. ``values[i][j]`` belongs to ``xaxis[i]`` and ``yaxis[j]``; without ``yaxis``, ``values[i]``.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

Axis = Annotated[tuple[FiniteFloat, ...], Field(min_length=1)]


class FunctionData(BaseModel):
    """The file of a function."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    functiontype: Literal["polynomial"]
    coefficients: Axis
    """Of ascending powers."""


class LookUpData(BaseModel):
    """The file of a look-up table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    xaxis: Axis
    yaxis: Axis | None = None
    values: tuple[float | tuple[float, ...], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fitting(self) -> LookUpData:
        axes = [self.xaxis] if self.yaxis is None else [self.xaxis, self.yaxis]
        widths = {len(row) if isinstance(row, tuple) else 0 for row in self.values}
        if len(widths) != 1 or (0 in widths) != (self.yaxis is None):
            raise ValueError("the rows of values are not as long as each other, or have no axis")
        for axis, size in zip(axes, (len(self.values), *widths), strict=False):
            if len(axis) not in (size, size + 1):
                raise ValueError(f"an axis of {len(axis)} numbers does not fit {size} values")
            if any(later <= earlier for earlier, later in pairwise(axis)):
                raise ValueError("an axis does not ascend")
        return self
