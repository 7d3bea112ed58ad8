"""Which resources a list holds, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from vopub.model.ktype import Ktype
from vopub.odc import sky, words
from vopub.odc.schema import NO_STREAM, RESOURCE, SkyRow


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


def conditions(query: Query) -> list[ColumnElement[bool]]:
    """Return what must hold of a resource, except for the words."""
    held = without_time(query)
    if query.until is not None:
        held.append(RESOURCE.moment <= query.until)
    if query.since is not None:
        held.append(ends_from(query.since))
    return held


def ends_from(moment: datetime) -> ColumnElement[bool]:
    """Return that the data of a resource do not end before some time."""
    return func.coalesce(RESOURCE.ends, RESOURCE.moment) >= moment


def without_time(query: Query) -> list[ColumnElement[bool]]:
    """Return what must hold of a resource, except for the words and when its data were taken."""
    wanted: dict[ColumnElement[Any], Any] = {
        RESOURCE.ktype: query.ktype and query.ktype.value,
        RESOURCE.collection: query.collection,
        RESOURCE.stream: query.stream,
        RESOURCE.latest: query.latest,
    }
    held = [column == value for column, value in wanted.items() if value]
    return [RESOURCE.withdrawn.is_(None), *held, *beside_facets(query)]


def beside_facets(query: Query) -> list[ColumnElement[bool]]:
    """Return what must hold of a resource of which the index of words knows words and facets."""
    held: list[Any] = []
    if query.identifier:
        held.append(RESOURCE.identifier == query.identifier)
    if query.alone:
        held.append(NO_STREAM)
    if query.position is not None:
        held.append(RESOURCE.number.in_(_covering(sky.cell_of(*query.position))))
    return held


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


def _covering(cell: int) -> Select[Any]:
    return select(SkyRow.number).where(SkyRow.first <= cell, SkyRow.stop > cell)
