"""The pages for people: made on the server, complete without JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from vopub.model.ktype import Ktype
from vopub.model.resource import KM3OpenResource, KM3ResourceCollection, KM3ResourceStream
from vopub.odc import search
from vopub.odc.about import about
from vopub.odc.addresses import base_url
from vopub.odc.answers import ResourceSummary
from vopub.odc.api import Identifier, in_form
from vopub.odc.browse import PER_PAGE, Asked, Word, asked_by, facets_of, sorts_of
from vopub.odc.conditions import tagged
from vopub.odc.downloads import TheStore
from vopub.odc.drawing.subject import graph_of, subject_of
from vopub.odc.faults import NotFoundError
from vopub.odc.forms import FOR_PAGES, Form, Format, chosen
from vopub.odc.grouping_forms import GroupingPageForm, described_on_page, grouping_in_form
from vopub.odc.listing import MOST_WORDS, page_as_json
from vopub.odc.looking import of_one_moment
from vopub.odc.mappings.groupings import Parts
from vopub.odc.overview import (
    Shelf,
    map_of,
    newest_of,
    shelf_of,
    sizes_of,
    streams_of,
    timeline_of,
)
from vopub.odc.paging import Sort
from vopub.odc.pictures import pictures_of
from vopub.odc.rendering import render
from vopub.odc.signposting import header, links_of_page
from vopub.odc.sky_view import program_of, view_of
from vopub.odc.store import Store

NEWEST = 4
"""Resources on the front page."""
NEWEST_ELEMENTS = 10
"""Elements listed on the page of a stream."""

Words = Annotated[str, Query(max_length=MOST_WORDS)]

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
GET = ["GET", "HEAD"]


@router.api_route("/", methods=GET, response_model=None)
@of_one_moment
def front(
    request: Request, store: TheStore, q: Words = "", ktype: Ktype | str = ""
) -> str | Response:
    """Show what there is and how to start; what is searched for leads to the list."""
    if searched := {name: value for name, value in (("q", q), ("ktype", _kind(ktype))) if value}:
        return RedirectResponse(f"/resources?{urlencode(searched)}")
    tally = store.tally("ktype", search.Query(latest=True))
    return render(
        "front.html", base=base_url(request), newest=newest_of(store, NEWEST),
        kinds=[(kind, tally[kind.value]) for kind in Ktype if kind.value in tally],
        number_of_resources=sum(tally.values()),
        number_of_streams=len(store.groupings.all(KM3ResourceStream)),
        collections=store.groupings.all(KM3ResourceCollection),
    )  # fmt: skip


@router.api_route("/resources", methods=GET)
@of_one_moment
def resources(
    asked: Annotated[Asked, Depends(asked_by)], request: Request, store: TheStore,
    format: Format = None,  # noqa: A002
) -> Response:  # fmt: skip
    """Show the resources that match, and what the list can be narrowed by.

    Programs that ask for JSON get what ``/api/resources`` says of the latest versions that match.
    """
    headers = {"Vary": "Accept"}
    form = chosen(request.headers.get("accept", ""), format, (Form.HTML, Form.JSON))
    if form is not Form.HTML:
        text = page_as_json(store, asked.query, asked.sort, asked.cursor)
        return tagged(request, text.encode(), form.media_type, headers)
    page, count = store.counted_page(asked.query, asked.sort, asked.cursor, PER_PAGE)
    shown = render(
        "list.html", asked=asked, facets=facets_of(asked, store), sorts=sorts_of(asked),
        count=count,
        found=[ResourceSummary.model_validate_json(text) for text in page.summaries],
        earlier=asked.with_(cursor=page.earlier) if page.earlier else "",
        later=asked.with_(cursor=page.later) if page.later else "",
    )  # fmt: skip
    return HTMLResponse(shown, headers=headers)


@router.api_route("/resources/{name}", methods=GET)
@of_one_moment
def resource(
    name: str, request: Request, store: TheStore, format: Format = None  # noqa: A002
) -> Response:  # fmt: skip
    """Show a resource: a version by its ``kid``, or the latest one by the identifier."""
    record, newer = _record(store, name)
    form = chosen(request.headers.get("accept", ""), format, FOR_PAGES)
    if form is not Form.HTML:
        return in_form(request, record.kid, record.model_dump_json(), form, newer)
    base = base_url(request)
    headers = {**header(links_of_page(record, base, newer)), "Vary": "Accept"}
    shown, pictures = about(record, store, base, newer), pictures_of(request)
    subject = subject_of(record)
    graph = None if shown["graphs"] else graph_of(record)
    page = render(
        "resource.html", **shown, drawing=subject, graph=graph,
        no_drawing=pictures.reason(subject) if subject else "",
        no_graph=pictures.reason(graph) if graph else "",
        has_sky=view_of(record) is not None and program_of(request) is not None,
    )  # fmt: skip
    return HTMLResponse(page, headers=headers)


@router.api_route("/collections", methods=GET)
@of_one_moment
def collections(store: TheStore, after: Word = "") -> str:
    """Show all collections."""
    about = "What belongs to one analysis, one data set or one publication."
    found = store.groupings.all(KM3ResourceCollection)
    return _shelf("collection", shelf_of(found, after), store, about=about)


@router.api_route("/collections/{identifier}", methods=GET)
@of_one_moment
def collection(
    identifier: Identifier, request: Request, store: TheStore, form: GroupingPageForm
) -> Response:
    """Show a collection as a map of what is in it."""
    if form is not Form.HTML:
        return grouping_in_form(request, KM3ResourceCollection, identifier, form, store)
    record, base = store.groupings.get(KM3ResourceCollection, identifier), base_url(request)
    shown = map_of(record, store)
    members = [member.summary for _, found in shown["kinds"] for member in found]
    parts = Parts(members, [stream for stream, _ in shown["streams"]])
    described = described_on_page(record, parts, base)
    page = render("collection.html", record=record, base=base, **described.values, **shown)
    return HTMLResponse(page, headers=described.headers)


@router.api_route("/streams", methods=GET)
@of_one_moment
def streams(store: TheStore, collection: Word = "", after: Word = "") -> str:
    """Show all streams, or those of a collection."""
    found: Sequence[KM3ResourceStream]
    if collection:
        found = streams_of(store.groupings.get(KM3ResourceCollection, collection), store)
    else:
        found = store.groupings.all(KM3ResourceStream)
    about = "What grows by the minute: recordings and alerts that follow each other."
    return _shelf("stream", shelf_of(found, after), store, about=about, of=collection)


@router.api_route("/streams/{identifier}", methods=GET)
@of_one_moment
def stream(
    identifier: Identifier, request: Request, store: TheStore, form: GroupingPageForm
) -> Response:
    """Show a stream on an axis of time, and its newest elements."""
    if form is not Form.HTML:
        return grouping_in_form(request, KM3ResourceStream, identifier, form, store)
    record, base = store.groupings.get(KM3ResourceStream, identifier), base_url(request)
    query = search.Query(stream=identifier, latest=True)
    newest = store.page(query, Sort.LATEST_DATA, "", NEWEST_ELEMENTS)
    members = [ResourceSummary.model_validate_json(text) for text in newest.summaries]
    members = members or store.named(record.resources[-NEWEST_ELEMENTS:][::-1])
    described = described_on_page(record, Parts(members), base)
    shown = timeline_of(record, store)
    values = {**described.values, **shown, "members": members}
    page = render("stream.html", record=record, base=base, **values)
    return HTMLResponse(page, headers=described.headers)


def _shelf(kind: str, shelf: Shelf, store: Store, *, about: str, of: str = "") -> str:
    """Show a piece of the list of streams or of collections; ``of`` is whose streams they are."""
    counts = sizes_of(kind, shelf.groupings, store)
    return render("groupings.html", kind=kind, of=of, shelf=shelf, counts=counts, about=about)


def _kind(name: str) -> str:
    """Return the name of a kind of content, and nothing for other names."""
    return name if name in set(Ktype) else ""


def _record(store: Store, name: str) -> tuple[KM3OpenResource, UUID | None]:
    """Return a resource, and the ``kid`` of its next version."""
    try:
        kid = UUID(name)
    except ValueError:
        if len(name) > 100:
            raise NotFoundError("there is no such resource") from None
        return store.latest(name), None
    found = store.life.present(kid)
    return KM3OpenResource.model_validate_json(found.record), found.replaced_by
