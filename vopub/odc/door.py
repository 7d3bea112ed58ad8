"""What a record has to keep to be let in, beyond the form that its schema asks for.

Records from before a rule was made stay as they are and can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from vopub.errors import Problem
from vopub.model.resource import (
    ID_PATTERN,
    Coverage,
    KM3OpenResource,
    KM3ResourceCollection,
    KM3ResourceStream,
)
from vopub.odc import sky

EDGES = ('"0001-01-01T', '"9999-12-31T')
"""How moments begin in JSON that may not be ones in UTC."""
BEFORE_RULES = ("1.0", "1.1")
"""Schemas of records that do not say what a kind of content asks for."""
POLES = (-90.0, 90.0)
"""Degrees."""
_SHOWN = 60


def problems_of(record: KM3OpenResource, text: str) -> list[Problem]:
    """Return everything that a record must not say.

    Parameters
    ----------
    record
        The record.
    text
        The same as JSON.
    """
    problems = [
        *_not_identifiers([("collection", record.collection), ("stream", record.stream)]),
        *_coverage(record.coverage),
    ]
    if any(edge in text for edge in EDGES):
        problems += _never_in_utc(record.model_dump())
    return problems


def problems_of_times(record: KM3OpenResource) -> Iterator[Problem]:
    """Yield a problem for each detail that is a time and is not written as the schema asks.

    Schemas before 1.2 said nothing about it.
    """
    if record.schema_version in BEFORE_RULES:
        return
    for name in record.ktype.entry.times_otherwise(record.details):
        what = f"{_short(str(record.details[name]))} is not written as RFC 3339 has it"
        yield Problem(f"details.{name}", what, "write it as 2020-09-29T07:57:13+00:00")


def problems_of_grouping(record: KM3ResourceStream | KM3ResourceCollection) -> list[Problem]:
    """Return everything that a stream or a collection must not say."""
    if isinstance(record, KM3ResourceStream):
        return list(_not_identifiers([("collection", record.collection)]))
    named = ((f"streams.{place}", name) for place, name in enumerate(record.streams))
    return list(_not_identifiers(named, empty=False))


def _not_identifiers(named: Iterable[tuple[str, str]], *, empty: bool = True) -> Iterator[Problem]:
    hint = "write it as <topic><yy>_<nn>[_<product>], e.g. samples26_01"
    for place, value in named:
        if not (_is_identifier(value) or (empty and not value)):
            yield Problem(place, f"{_short(value)} is not an identifier", hint)


@lru_cache(maxsize=1000)  # the elements of a stream have the same
def _is_identifier(value: str) -> bool:
    return re.fullmatch(ID_PATTERN, value) is not None


def _coverage(coverage: Coverage) -> Iterator[Problem]:
    if coverage.spatial and (what := sky.problem_of(coverage.spatial)):
        hint = "write a MOC in its ASCII form, e.g. 3/1-5 17"
        yield Problem("coverage.spatial", f"{_short(coverage.spatial)}: {what}", hint)
    span = coverage.temporal
    if span is not None and span.stop < span.start:
        what = f"{span.stop.isoformat()} is before start, {span.start.isoformat()}"
        yield Problem("coverage.temporal.stop", what)
    if coverage.energy is not None and not 0 <= coverage.energy[0] <= coverage.energy[1]:
        what = f"{list(coverage.energy)} is not a smallest and a largest energy in GeV"
        yield Problem("coverage.energy", what)
    if coverage.declination is not None and not _is_band(coverage.declination):
        what = f"{list(coverage.declination)} is not a smallest and a largest declination"
        yield Problem("coverage.declination", what, "write degrees from -90 to 90")


def _is_band(declination: tuple[float, float]) -> bool:
    return POLES[0] <= declination[0] <= declination[1] <= POLES[1]


def _never_in_utc(content: Any, place: str = "") -> Iterator[Problem]:
    if isinstance(content, dict):
        parts: Iterable[tuple[Any, Any]] = content.items()
    elif isinstance(content, list | tuple):
        parts = enumerate(content)
    else:
        if isinstance(content, datetime) and not _is_in_utc(content):
            yield Problem(place, f"{content.isoformat()} is in UTC no time of the years 1 to 9999")
        return
    for key, value in parts:
        yield from _never_in_utc(value, f"{place}.{key}" if place else str(key))


def _is_in_utc(moment: datetime) -> bool:
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


def _short(value: str) -> str:
    return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")
