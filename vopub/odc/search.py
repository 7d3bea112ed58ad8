"""Which resources a list holds, and in which order."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from vopub.model.ktype import Ktype
from vopub.model.resource import KM3OpenResource
from vopub.odc.schema import ResourceRow


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for; everything given must hold."""

    q: str = ""
    """Words that all occur in title, description, identifier or names of parameters."""
    ktype: Ktype | None = None
    collection: str = ""
    stream: str = ""
    identifier: str = ""
    latest: bool = False
    """Whether to leave out older versions."""
    limit: int = 50
    offset: int = 0


def searchable(record: KM3OpenResource) -> str:
    """Return the text of a record that a search looks through."""
    publication = record.publication
    names = (parameter.name for parameter in record.parameters)
    parts = (record.identifier, publication.title, publication.description, *names)
    return fold(" ".join([*parts, publication.instrument, *publication.subjects]))


def fold(text: str) -> str:
    """Return text in the form in which words are compared: without case, composed, no NUL."""
    return unicodedata.normalize("NFKC", text).casefold().replace("\0", " ")


def version_key(version: str) -> str:
    """Return a version such as ``1.10`` in a form whose order as text is that of versions."""
    parts = [part.lstrip("0") for part in version.split(".")]
    return ".".join(f"{part:0>32}" for part in [*parts, "", ""][:3])


def matching(query: Query) -> Select[Any]:
    """Return the selection of the ``kid`` of every resource that matches."""
    chosen = select(ResourceRow.kid).where(ResourceRow.withdrawn.is_(None))
    wanted = {
        ResourceRow.ktype: query.ktype and query.ktype.value,
        ResourceRow.collection: query.collection,
        ResourceRow.stream: query.stream,
        ResourceRow.identifier: query.identifier,
    }
    chosen = chosen.where(*(column == value for column, value in wanted.items() if value))
    for word in fold(query.q).split():
        chosen = chosen.where(ResourceRow.words.contains(word, autoescape=True))
    return chosen.where(ResourceRow.kid.in_(_latest())) if query.latest else chosen


def ordered(query: Query, column: InstrumentedAttribute[str]) -> Select[Any]:
    """Return the selection of a column of all that match: by identifier, newest version first."""
    return (
        select(column)
        .where(ResourceRow.kid.in_(matching(query)))
        .order_by(*IN_ORDER)
        .limit(query.limit)
        .offset(query.offset)
    )


_NEWEST_FIRST = (ResourceRow.version_key.desc(), ResourceRow.written.desc(), ResourceRow.kid)
IN_ORDER = (ResourceRow.identifier, *_NEWEST_FIRST)
"""By identifier, the newest version first."""


def _latest() -> Select[Any]:
    place = func.row_number().over(
        partition_by=ResourceRow.identifier, order_by=list(_NEWEST_FIRST)
    )
    ranked = (
        select(ResourceRow.kid, place.label("place"))
        .where(ResourceRow.withdrawn.is_(None))
        .subquery()
    )
    return select(ranked.c.kid).where(ranked.c.place == 1)
