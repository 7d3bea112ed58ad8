"""What pages show at a glance: the newest, a stream over time, a collection as a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from vopub.model.ktype import Ktype
from vopub.model.resource import KM3ResourceCollection, KM3ResourceStream, TimeSpan
from vopub.odc import search
from vopub.odc.answers import ResourceSummary
from vopub.odc.looking import planned_once
from vopub.odc.many import column_in_one, in_one
from vopub.odc.paging import Sort
from vopub.odc.schema import RESOURCE, ResourceRow
from vopub.odc.store import Store
from vopub.odc.timeline import draw_timeline, share, utc

MOST_DRAWN = 20_000
"""Elements of a stream that its axis of time counts."""
MOST_MEMBERS = 200
"""Members on the map of a collection, and streams on it."""
MOST_LISTED = 200
"""Streams or collections on one page of their list."""
LOOKED_THROUGH = 60
"""Resources looked through for the newest, of which one stream may be very many."""


@dataclass(frozen=True, slots=True)
class Member:
    """A resource on the map of a collection."""

    summary: ResourceSummary
    span: TimeSpan | None
    bar: tuple[float, float] | None
    """Where its time begins and how long it is, of 1000."""


def newest_of(store: Store, number: int) -> list[ResourceSummary]:
    """Return the resources registered last; of each stream only the latest."""
    page = store.page(search.Query(latest=True), Sort.NEWEST, "", LOOKED_THROUGH)
    found: dict[str, ResourceSummary] = {}
    for text in page.summaries:
        summary = ResourceSummary.model_validate_json(text)
        found.setdefault(summary.stream or summary.identifier, summary)
    return list(found.values())[:number]


def timeline_of(stream: KM3ResourceStream, store: Store) -> dict[str, Any]:
    """Return the axis of time of a stream, and what stands below it."""
    query = search.Query(stream=stream.identifier, latest=True)
    total = store.count(query).number
    with store.reading() as session:
        moments = _moments(session, stream.identifier)
    if not moments:
        return {"timeline": None, "total": max(total, len(stream.resources))}
    return {
        "timeline": draw_timeline(moments, stream.identifier), "total": total,
        "counted": len(moments), "first": utc(moments[0]), "last": utc(moments[-1]),
    }  # fmt: skip


def _moments(session: Session, stream: str) -> list[datetime]:
    """Return when the data of the latest elements begin, in order."""
    chosen = _moments_of_stream(session.get_bind().dialect.name)
    found = column_in_one(session, chosen, {"stream": stream})[::-1]
    return [datetime.fromisoformat(m) if isinstance(m, str) else m for m in found]


@cache
def _moments_of_stream(dialect: str) -> Select[Any]:
    held = (
        RESOURCE.stream == bindparam("stream"), RESOURCE.withdrawn.is_(None),
        RESOURCE.latest.is_(True),
    )  # fmt: skip
    rows = select(RESOURCE.moment).where(*held).order_by(RESOURCE.moment.desc())
    return planned_once(in_one(dialect, rows.limit(MOST_DRAWN)))


def map_of(collection: KM3ResourceCollection, store: Store) -> dict[str, Any]:
    """Return what belongs to a collection, by kind, with the time of each on a common axis."""
    summaries, total = _members(collection, store)
    spans = _spans(store, summaries)
    axis = _axis(list(spans.values()))
    kinds = [
        (kind, [_member(s, spans, axis) for s in summaries if s.ktype is kind]) for kind in Ktype
    ]
    streams = streams_of(collection, store)
    counts = sizes_of("stream", streams[:MOST_MEMBERS], store)
    return {
        "kinds": [(kind, members) for kind, members in kinds if members],
        "streams": [
            (s, counts.get(s.identifier, 0) or len(s.resources)) for s in streams[:MOST_MEMBERS]
        ],
        "number_of_streams": len(streams),
        "axis": axis, "total": total, "more": total > len(summaries),
    }  # fmt: skip


def streams_of(collection: KM3ResourceCollection, store: Store) -> list[KM3ResourceStream]:
    """Return the streams that a collection names, or that name it."""
    return [s for s in store.groupings.all(KM3ResourceStream) if _belongs(s, collection)]


def sizes_of(
    facet: str, groupings: Sequence[KM3ResourceStream | KM3ResourceCollection], store: Store
) -> dict[str, int]:
    """Return how many resources there are in each of some streams or collections that has any.

    ``facet`` is ``stream`` or ``collection``.
    """
    names = [each.identifier for each in groupings]
    return store.tally(facet, search.Query(latest=True), names)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A piece of the list of all streams or collections, by identifier."""

    groupings: Sequence[KM3ResourceStream | KM3ResourceCollection]
    total: int
    after: str
    """Where the next piece begins; empty if this is the last."""


def shelf_of(groupings: Sequence[KM3ResourceStream | KM3ResourceCollection], after: str) -> Shelf:
    """Return the piece of a list after an identifier."""
    left = [each for each in groupings if each.identifier > after]
    shown = left[:MOST_LISTED]
    return Shelf(shown, len(groupings), shown[-1].identifier if len(left) > len(shown) else "")


def _members(collection: KM3ResourceCollection, store: Store) -> tuple[list[ResourceSummary], int]:
    """Return the resources of a collection that are no elements of a stream, and how many."""
    query = search.Query(collection=collection.identifier, latest=True)
    page = store.page(replace(query, alone=True), Sort.IDENTIFIER, "", MOST_MEMBERS)
    found = [ResourceSummary.model_validate_json(text) for text in page.summaries]
    together = {s.kid: s for s in [*store.named(collection.resources[:MOST_MEMBERS]), *found]}
    shown = [s for s in together.values() if not s.stream]
    return shown, max(store.count(query).number, len(together))


def _spans(store: Store, summaries: Sequence[ResourceSummary]) -> dict[str, TimeSpan]:
    """Return the time that the data of each observation cover, if it says so."""
    kids = [str(summary.kid) for summary in summaries if not summary.simulated]
    rows = select(ResourceRow.kid, ResourceRow.moment, ResourceRow.ends).where(
        ResourceRow.kid.in_(kids), ResourceRow.ends.is_not(None)
    )
    with store.reading() as session:
        return {
            kid: TimeSpan(start=utc(begins), stop=utc(ends))
            for kid, begins, ends in session.execute(rows)
            if ends is not None
        }


def _axis(spans: Sequence[TimeSpan]) -> TimeSpan | None:
    if not spans:
        return None
    start, stop = min(span.start for span in spans), max(span.stop for span in spans)
    return TimeSpan(start=start, stop=stop) if stop > start else None


def _member(
    summary: ResourceSummary, spans: dict[str, TimeSpan], axis: TimeSpan | None
) -> Member:  # fmt: skip
    span = spans.get(str(summary.kid))
    if span is None or axis is None:
        return Member(summary, None, None)
    begin, end = (share(moment, axis.start, axis.stop) * 1000 for moment in (span.start, span.stop))
    width = max(end - begin, 12.0)  # wide enough to be seen
    return Member(summary, span, (round(min(begin, 1000 - width), 1), round(width, 1)))


def _belongs(stream: KM3ResourceStream, collection: KM3ResourceCollection) -> bool:
    named = stream.identifier in collection.streams
    return named or stream.collection == collection.identifier
