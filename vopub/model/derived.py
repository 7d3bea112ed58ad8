"""Parameters that a resource describes itself, and what differs where events are simulated."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from vopub.model.catalogue import known_parameters
from vopub.model.parameter import (
    NAME_PATTERN,
    Dtype,
    Parameter,
    check_name,
    check_ucd,
    check_unit,
)
from vopub.model.summaries import is_summary

NEED_TIME = ("ra", "dec")
"""What needs the time of day beside the direction."""
NO_TIME_OF_DAY = "The simulated event has no time of day: its time is before 2005 or in the future."
"""Why simulated events may have no position on the sky."""


def check_new_parameter(name: str) -> str:
    """Return the name if a parameter of a resource's own may have it."""
    if name in known_parameters():
        raise ValueError(f"{name!r} is a known parameter already; choose another name")
    if is_summary(name):
        raise ValueError(f"{name!r} is a name that files give; choose another name")
    return check_name(name)


class DerivedParameter(BaseModel):
    """One ``[events.derived.<name>]``: a parameter computed from others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    formula: str = Field(min_length=1)
    """Arithmetic on parameters, with units: ``log10(energy / (1 GeV))``."""
    dtype: Dtype = Dtype.FLOAT64
    unit: Annotated[str, AfterValidator(check_unit)] = ""
    ucd: Annotated[str, AfterValidator(check_ucd)]
    description: str = Field(min_length=10)
    symbol: str = ""
    range: tuple[float, float] | None = None
    null: str = ""
    principal: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> DerivedParameter:
        if self.dtype is Dtype.TEXT:
            raise ValueError("a formula gives numbers, so dtype cannot be text")
        self.parameter("derived")
        return self

    @property
    def names(self) -> frozenset[str]:
        """Every name in the formula, of parameters and of anything else."""
        return frozenset(NAME_PATTERN.findall(self.formula))

    def parameter(self, name: str, *, truth: bool = False) -> Parameter:
        """Return it as a parameter; what its values are computed from is in the description."""
        content = self.model_dump(exclude={"formula"})
        content["description"] = f"{self.description.rstrip()} Computed as {self.formula.strip()}."
        return Parameter.model_validate({"name": name, "truth": truth, **content})


def of_simulated(described: Parameter) -> Parameter:
    """Return a parameter as simulated events have it: positions need a time that can be."""
    if described.name not in NEED_TIME or described.null:
        return described
    return described.model_copy(update={"null": NO_TIME_OF_DAY})
