"""A parameter of an event: what a column of a published table means.

Everything written about a column, in any format or service, is rendered from here.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from vopub.model.adql import RESERVED_WORDS

NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""Lower-case identifiers of at most 63 characters, the limit of PostgreSQL."""


class Dtype(StrEnum):
    """The types a column can have, in the words of numpy; ``text`` is UTF-8 of any length."""

    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    TEXT = "text"

    @property
    def numpy(self) -> np.dtype[Any]:
        """The numpy dtype that columns in memory have; text is ``object`` holding ``str``."""
        return np.dtype(object) if self is Dtype.TEXT else np.dtype(self.value)

    @property
    def votable(self) -> str:
        """The datatype in VOTable 1.4, whose ``char`` is ASCII."""
        return _VOTABLE[self]

    @property
    def is_float(self) -> bool:
        """Whether NaN can stand for 'not available'."""
        return self in (Dtype.FLOAT32, Dtype.FLOAT64)


_VOTABLE = {
    Dtype.INT16: "short", Dtype.INT32: "int", Dtype.INT64: "long",
    Dtype.FLOAT32: "float", Dtype.FLOAT64: "double", Dtype.TEXT: "unicodeChar",
}  # fmt: skip


def check_name(name: str) -> str:
    """Return the name if a column may have it.

    Raises
    ------
    ValueError
        If it is not a lower-case identifier, or a reserved word of ADQL.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise ValueError(f"{name!r} is not a lower-case identifier (a-z, 0-9, _; at most 63)")
    if name in RESERVED_WORDS:
        raise ValueError(f"{name!r} is a reserved word of ADQL")
    return name


def check_unit(unit: str) -> str:
    """Return the unit if it is written as VOUnits 1.1 asks; empty means dimensionless."""
    # Imported here: it takes a quarter of a second, and much is done without a parameter.
    from astropy.units import Unit  # noqa: PLC0415

    if unit:
        try:
            Unit(unit, format="vounit", parse_strict="raise")
        except (ValueError, TypeError) as error:
            raise ValueError(f"{unit!r} is not a VOUnit: {error}") from error
    return unit


def check_ucd(ucd: str) -> str:
    """Return the UCD if it is made of words of the UCD1+ controlled vocabulary."""
    # Imported here, too.
    from astropy.io.votable.ucd import parse_ucd  # noqa: PLC0415

    try:
        parse_ucd(ucd, check_controlled_vocabulary=True)
    except ValueError as error:
        raise ValueError(f"{ucd!r} is not a UCD1+: {error}") from error
    return ucd


class Parameter(BaseModel):
    """One quantity of an event: name, type, unit, UCD, description, symbol, range."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: Annotated[str, AfterValidator(check_name)]
    """Name of the column, lower case."""
    dtype: Dtype
    """Type of the column."""
    unit: Annotated[str, AfterValidator(check_unit)] = ""
    """Unit as VOUnits 1.1 writes it; empty for dimensionless."""
    ucd: Annotated[str, AfterValidator(check_ucd)]
    """Unified Content Descriptor, UCD1+."""
    description: str = Field(min_length=10)
    """What it is, in a sentence: how measured, relative to what, errors with their containment."""
    symbol: str = ""
    """TeX symbol for plots and tables, e.g. ``\\delta``."""
    range: tuple[float, float] | None = None
    """Smallest and largest valid value, in ``unit``; values outside are malformed."""
    null: str = ""
    """When the value is not available (NaN) and why; empty if it always is available."""
    principal: bool = True
    """Whether a service shows it unless asked for everything."""
    truth: bool = False
    """Whether it is known of simulated events only: a true value or a weight."""

    @property
    def identifier(self) -> str:
        """Stable identifier of the parameter's meaning, independent of the resource."""
        return f"km3.parameter.{self.name}"

    @model_validator(mode="after")
    def _consistent(self) -> Parameter:
        if self.range is not None and self.range[0] > self.range[1]:
            raise ValueError(f"range {list(self.range)} ends before it begins")
        if self.null and not self.dtype.is_float:
            raise ValueError(f"a {self.dtype.value} column has no value for 'not available'")
        return self
