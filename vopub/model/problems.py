"""What pydantic finds wrong, in our words: with the place, the value and the nearest valid name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from vopub.errors import Problem, did_you_mean


def problem_of(detail: ErrorDetails, model: type[BaseModel], prefix: str = "") -> Problem:
    """Return one problem.

    Parameters
    ----------
    detail
        What pydantic says.
    model
        What was checked; its keys are proposed in place of an unknown one.
    prefix
        Place of the model in the file.
    """
    location = detail["loc"]
    steps = [str(step) for step in location if step != "[key]"]
    place = ".".join(filter(None, [prefix, *steps]))
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        valid = _keys_at(model, location[:-1])
        return Problem(place, "unknown key", did_you_mean(str(location[-1]), valid))
    if detail["type"] == "missing":
        return Problem(place, "is missing")
    hint = ""
    if detail["type"] in ("enum", "literal_error"):
        hint = _near_choice(detail)
    given = detail.get("input")
    shown = (
        ""
        if isinstance(given, Mapping | BaseModel) or repr(given) in message
        else f" (got {given!r})"
    )
    return Problem(place, message + shown, hint)


def _near_choice(detail: ErrorDetails) -> str:
    expected = str(detail.get("ctx", {}).get("expected", ""))
    choices = [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]
    close = difflib.get_close_matches(str(detail.get("input")), choices, n=2)
    return f"did you mean {' or '.join(close)}?" if close else ""


def _keys_at(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """Return the keys valid at a place in the description."""
    named = False
    for step in location:
        if isinstance(step, int) or named:
            named = False
            continue
        field = model.model_fields.get(step)
        inner = None if field is None else _model_in(field.annotation)
        if field is None or inner is None:
            return []
        named = get_origin(field.annotation) is dict
        model = inner
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
