"""The catalogue of known parameters, so that each is described once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from vopub.errors import DescriptionError, Problem, did_you_mean
from vopub.model.parameter import Parameter
from vopub.model.summaries import is_summary, summary

FILES = ("parameters.toml", "fit_parameters.toml")
"""Where they are described."""


@cache
def known_parameters() -> Mapping[str, Parameter]:
    """Return every known parameter by name."""
    entries = {name: entry for file in FILES for name, entry in _entries(file).items()}
    return MappingProxyType(
        {name: Parameter.model_validate({"name": name, **entry}) for name, entry in entries.items()}
    )


def _entries(file: str) -> dict[str, Any]:
    return tomllib.loads(files("vopub.model").joinpath(file).read_text(encoding="utf-8"))


def parameter(name: str, overrides: Mapping[str, Any] | None = None) -> Parameter:
    """Return a known parameter, or a summary that files give, with what differs in one resource.

    Raises
    ------
    DescriptionError
        If the catalogue has no such name.
    pydantic.ValidationError
        If an override makes the parameter invalid.
    """
    known = known_parameters()
    if is_summary(name):
        return summary(name, overrides)
    if name not in known:
        raise DescriptionError(
            [Problem(name, f"unknown parameter {name!r}", did_you_mean(name, known))]
        )
    if not overrides:
        return known[name]
    return Parameter.model_validate({**known[name].model_dump(), **overrides})
