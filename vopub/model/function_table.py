"""Tables of functions: values in bins, or at points, of some axes, as response functions are."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel, ConfigDict

from vopub.model.parameter import Parameter

LOWER, UPPER = "_min", "_max"
"""What names of columns with the edges of bins end with."""


class FunctionTable(BaseModel):
    """A table of functions that goes with events, with its rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the table, beside that of the events."""
    title: str
    description: str
    parameters: tuple[Parameter, ...]
    """The columns; all of them numbers, and none without a value."""
    lines: tuple[str, ...]
    """The rows as CSV without a header."""

    @property
    def binned(self) -> tuple[str, ...]:
        """What the values are functions of: ``energy`` if bins are ``energy_min``, ``energy_max``.

        Examples
        --------
        >>> table.binned  # doctest: +SKIP
        ('energy', 'dec')
        """
        names = [parameter.name for parameter in self.parameters]
        lower = (name.removesuffix(LOWER) for name in names if name.endswith(LOWER))
        return tuple(name for name in lower if f"{name}{UPPER}" in names)

    @property
    def edges(self) -> tuple[str, ...]:
        """Names of the columns that hold edges of bins."""
        return tuple(f"{name}{end}" for name in self.binned for end in (LOWER, UPPER))

    def bins_of(self, parameters: Collection[Parameter]) -> tuple[str, ...]:
        """Return which quantities of other rows, in the same unit, lie in the bins of this."""
        units = {parameter.name: parameter.unit for parameter in self.parameters}
        others = {parameter.name: parameter.unit for parameter in parameters}
        return tuple(
            name for name in self.binned
            if name in others and others[name] == units[f"{name}{LOWER}"]
        )  # fmt: skip
