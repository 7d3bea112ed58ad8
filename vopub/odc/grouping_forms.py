"""The forms in which a stream or a collection is handed out, and what they say belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response
from markupsafe import Markup

from vopub.model.resource import KM3ResourceStream
from vopub.odc import search
from vopub.odc.about import as_script
from vopub.odc.addresses import base_url
from vopub.odc.answers import ResourceSummary
from vopub.odc.conditions import tagged
from vopub.odc.forms import Form, Format, as_json, chosen
from vopub.odc.grouping_links import links_of_form, links_of_grouping, linkset_of_grouping
from vopub.odc.mappings.datacite_groupings import datacite_grouping
from vopub.odc.mappings.groupings import (
    Grouping,
    Parts,
    address_of_grouping,
    dcat_grouping,
    path_of,
    schema_org_grouping,
)
from vopub.odc.origins import origin_of
from vopub.odc.overview import streams_of
from vopub.odc.paging import LONGEST_CURSOR, Sort
from vopub.odc.signposting import LINKSET, Link, header
from vopub.odc.store import Store

MOST_PARTS = 100
"""Resources in a document; the next ones are on the next page."""
MOST_STREAMS = 1000
"""Streams in the document of a collection."""
FOR_PROGRAMS = (Form.JSON, Form.JSON_LD, Form.DCAT, Form.DATACITE)
FOR_PAGES = (Form.HTML, *FOR_PROGRAMS)
"""What the address of a page is offered in; the first is the default."""


async def _for_programs(request: Request, format: Format = None) -> Form:  # noqa: A002
    """Return the form that a program asked for."""
    return chosen(request.headers.get("accept", ""), format, FOR_PROGRAMS)


async def _for_pages(request: Request, format: Format = None) -> Form:  # noqa: A002
    """Return the form that somebody asked for at the address of a page."""
    return chosen(request.headers.get("accept", ""), format, FOR_PAGES)


GroupingPageForm = Annotated[Form, Depends(_for_pages)]
GroupingForm = Annotated[Form, Depends(_for_programs)]
Cursor = Annotated[
    str,
    Query(
        max_length=LONGEST_CURSOR,
        description="Which page of its resources to give; from the link to the next page.",
    ),
]


def grouping_in_form(
    request: Request, kind: type[Grouping], identifier: str, form: Form, store: Store,
    cursor: str = "",
) -> Response:  # fmt: skip
    """Return a stream or a collection in a form for programs, under its entity tag.

    Raises
    ------
    NotFoundError, GoneError, RefusedError
        If there is none, or it was withdrawn; if the cursor is none.
    """
    text = store.groupings.get_json(kind, identifier)
    base, path = base_url(request), path_of(kind, identifier)
    body, later = text.encode(), ""
    if form is not Form.JSON:
        record = kind.model_validate_json(text)
        parts = parts_of(record, store, f"{base}/api/{path}?format={form.value}", cursor)
        body, later = _written(form, record, parts, base, store), parts.later
    links = header(links_of_form(path, form, base, later))
    return tagged(request, body, form.media_type, {**links, "Vary": "Accept"})


def linkset_in_answer(
    request: Request, kind: type[Grouping], identifier: str, store: Store, cursor: str = ""
) -> Response:
    """Return the links of a stream or a collection, with a page of its parts, under its tag.

    Raises
    ------
    NotFoundError, GoneError, RefusedError
        As ``grouping_in_form``.
    """
    record = kind.model_validate_json(store.groupings.get_json(kind, identifier))
    base = base_url(request)
    parts = parts_of(record, store, f"{base}/api/{path_of(kind, identifier)}/linkset", cursor)
    body = linkset_of_grouping(record, parts, base, FOR_PROGRAMS)
    later = [Link("next", parts.later, LINKSET)] if parts.later else []
    return tagged(request, body, LINKSET, header(later) if later else {})


def _written(form: Form, record: Grouping, parts: Parts, base: str, store: Store) -> bytes:
    if form is Form.DATACITE:
        first = parts if parts.is_first else parts_of(record, store, "")
        return datacite_grouping(record, parts, base, origin_of(record, first, store))
    write = dcat_grouping if form is Form.DCAT else schema_org_grouping
    return as_json(write(record, parts, base))


@dataclass(frozen=True, slots=True)
class OnPage:
    """What the page of a stream or a collection says to programs."""

    values: dict[str, Any]
    """For its template."""
    headers: dict[str, str]


def described_on_page(record: Grouping, parts: Parts, base: str) -> OnPage:
    """Return what the page of a stream or a collection, on which parts are shown, tells programs.

    Those shown are enough for search engines, which find the others by the sitemap.
    """
    node = schema_org_grouping(record, parts, base)
    values = {
        "structured": Markup(as_script(node)),  # noqa: S704 - made safe there
        "address": address_of_grouping(record, base),
        "program": f"/api/{path_of(type(record), record.identifier)}",
        "forms": FOR_PROGRAMS,
    }
    links = links_of_grouping(record, parts, base, FOR_PROGRAMS)
    return OnPage(values, {**header(links), "Vary": "Accept"})


def parts_of(record: Grouping, store: Store, address: str, cursor: str = "") -> Parts:
    """Return a page of what belongs to a stream or a collection: the latest version of each.

    Parameters
    ----------
    record, store
        What it belongs to, and where it is.
    address
        Of the document, to whose query the cursor is added.
    cursor
        Of the page before; empty for the first, which also has what only the stream or the
        collection itself names, and the streams.

    Raises
    ------
    RefusedError
        If the cursor is none.
    """
    if isinstance(record, KM3ResourceStream):
        query, sort = search.Query(stream=record.identifier, latest=True), Sort.LATEST_DATA
    else:
        query, sort = search.Query(collection=record.identifier, latest=True), Sort.IDENTIFIER
    page, count = store.counted_page(query, sort, cursor, MOST_PARTS)
    found = [ResourceSummary.model_validate_json(text) for text in page.summaries]
    named = _only_named(record, store)
    is_known = count.exact and len(record.resources) <= max(MOST_PARTS, count.number)
    later = _with_cursor(address, page.later) if page.later else ""
    here = _with_cursor(address, cursor) if cursor else address
    return Parts(
        resources=found if cursor else [*named, *found],
        streams=() if cursor else _streams(record, store),
        total=count.number + len(named) if is_known else None,
        here=here if cursor or later else "", later=later, is_first=not cursor,
    )  # fmt: skip


def _with_cursor(address: str, cursor: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'cursor': cursor})}"


def _only_named(record: Grouping, store: Store) -> list[ResourceSummary]:
    """Return the last resources that it names and that do not name it."""
    is_stream = isinstance(record, KM3ResourceStream)
    return [
        summary
        for summary in store.named(dict.fromkeys(record.resources[-MOST_PARTS:]))
        if (summary.stream if is_stream else summary.collection) != record.identifier
    ]


def _streams(record: Grouping, store: Store) -> list[KM3ResourceStream]:
    if isinstance(record, KM3ResourceStream):
        return []
    return streams_of(record, store)[:MOST_STREAMS]
