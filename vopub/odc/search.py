"""Which resources a list holds, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, DateTime, bindparam, func, select, true

from vopub.model.ktype import Ktype
from vopub.odc import sky, words
from vopub.odc.schema import NO_STREAM, RESOURCE, WHOLE, Base, SkyRow

_SKY = Base.metadata.tables[SkyRow.__tablename__].c


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for; everything given must hold."""

    q: str = ""
    """Words that all occur in title, description, identifier, instrument, subjects or names of
    parameters; ``hydro*`` stands for all that begin so."""
    ktype: Ktype | None = None
    collection: str = ""
    stream: str = ""
    alone: bool = False
    """Whether to leave out elements of streams."""
    identifier: str = ""
    latest: bool = False
    """Whether to leave out older versions."""
    since: datetime | None = None
    """Leave out whose data end before; UTC without a zone."""
    until: datetime | None = None
    """Leave out whose data begin after; UTC without a zone."""
    position: tuple[float, float] | None = None
    """Right ascension and declination (ICRS, degrees) that must be covered."""
    limit: int = 50
    offset: int = 0
    """For ``Store.find``; ``Store.page`` has cursors, whose cost does not grow with the place."""


EVERYTHING = Query()


def searchable(record: Mapping[str, Any]) -> list[str]:
    """Return the texts of a record, as it is in JSON, that a search looks through."""
    publication = record["publication"]
    names = (parameter["name"] for parameter in record.get("parameters") or ())
    parts = (record["identifier"], publication["title"], publication["description"], *names)
    subjects = publication.get("subjects") or ()
    return [*parts, publication.get("instrument") or "", *subjects]


@lru_cache(maxsize=1000)
def version_key(version: str) -> str:
    """Return a version such as ``1.10`` in a form whose order as text is that of versions.

    Each part says first of how many digits it is: ``011.0210.00``.
    """
    parts = [part.lstrip("0") for part in version.split(".")]
    return ".".join(f"{len(part):02}{part}" for part in [*parts, "", ""][:3])


class Shape(NamedTuple):
    """What a query asks for, whatever it asks of it: statements are made once for each."""

    ktype: bool
    collection: bool
    stream: bool
    alone: bool
    identifier: bool
    latest: bool
    since: bool
    until: bool
    position: bool


def shape_of(query: Query) -> Shape:
    """Return what a query asks for beside words."""
    return Shape(*(bool(getattr(query, name)) for name in Shape._fields))


def given(query: Query) -> dict[str, Any]:
    """Return the values that the conditions below name."""
    return {
        "ktype": query.ktype and query.ktype.value, "collection": query.collection,
        "stream": query.stream, "identifier": query.identifier, "since": query.since,
        "until": query.until, "cell": query.position and sky.cell_of(*query.position),
    }  # fmt: skip


@cache
def conditions(shape: Shape) -> tuple[ColumnElement[bool], ...]:
    """Return what must hold of a resource, except for the words."""
    until = (RESOURCE.moment <= bindparam("until"),) if shape.until else ()
    return (*without_time(shape), *until, *((ENDS_SINCE,) if shape.since else ()))


ENDS_SINCE: ColumnElement[bool] = func.coalesce(RESOURCE.ends, RESOURCE.moment) >= bindparam(
    "since", type_=DateTime
)
"""That the data of a resource do not end before some time."""


@cache
def without_time(shape: Shape) -> tuple[ColumnElement[bool], ...]:
    """Return what must hold of a resource, except for the words and when its data were taken."""
    facets: dict[Column[Any], bool] = {
        RESOURCE.ktype: shape.ktype, RESOURCE.collection: shape.collection,
        RESOURCE.stream: shape.stream,
    }  # fmt: skip
    held = [column == bindparam(column.key) for column, asked in facets.items() if asked]
    if shape.latest:
        held.append(RESOURCE.latest == true())
    return (RESOURCE.withdrawn.is_(None), *held, *beside_facets(shape))


@cache
def beside_facets(shape: Shape) -> tuple[ColumnElement[bool], ...]:
    """Return what must hold of a resource of which the index of words knows words and facets."""
    held: list[Any] = []
    if shape.identifier:
        held.append(RESOURCE.identifier == bindparam("identifier"))
    if shape.alone:
        held.append(NO_STREAM)
    if shape.position:
        cell = bindparam("cell", type_=WHOLE)
        held.append(RESOURCE.number.in_(select(_SKY.number).where(_SKY.first <= cell,
                                                                  _SKY.stop > cell)))  # fmt: skip
    return tuple(held)


def facets(query: Query) -> list[str]:
    """Return the words that stand for what a query asks for beside its own."""
    asked = {
        "ktype": query.ktype.value if query.ktype else "",
        "collection": query.collection, "stream": query.stream,
        "latest": "yes" if query.latest else "",
    }  # fmt: skip
    return [words.facet(name, value) for name, value in asked.items() if value]


IN_ORDER = (
    RESOURCE.identifier, RESOURCE.version_key.desc(), RESOURCE.number.desc()
)  # fmt: skip
"""By identifier, the newest version first."""
