"""The pages for people: made on the server, complete without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from vopub.model.ktype import Ktype
from vopub.model.resource import (
    FileReference,
    FileRole,
    KM3OpenResource,
    KM3ResourceCollection,
    KM3ResourceStream,
)
from vopub.odc import search
from vopub.odc.addresses import base_url
from vopub.odc.answers import ResourceSummary
from vopub.odc.api import Identifier, in_form
from vopub.odc.citation import bibtex, citation
from vopub.odc.downloads import TheStore
from vopub.odc.faults import NotFoundError
from vopub.odc.forms import FOR_PAGES, Form, Format, chosen
from vopub.odc.listing import MOST_OFFSET, MOST_WORDS
from vopub.odc.recipes import Recipe, download_recipe, file_recipes, service_recipes
from vopub.odc.rendering import render
from vopub.odc.signposting import header, links_of_page
from vopub.odc.store import Store

PER_PAGE = 20

Words = Annotated[str, Query(max_length=MOST_WORDS)]
Offset = Annotated[int, Query(ge=0, le=MOST_OFFSET)]

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
GET = ["GET", "HEAD"]


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A file as its row on a page shows it."""

    reference: FileReference
    url: str
    recipes: list[Recipe]


@router.api_route("/", methods=GET)
def front(store: TheStore, q: Words = "", ktype: str = "", offset: Offset = 0) -> str:
    """Show the search box and what matches; no ``ktype`` means all."""
    chosen = Ktype(ktype) if ktype in set(Ktype) else None
    there = store.count_by_ktype()
    found = store.find(search.Query(q=q, ktype=chosen, latest=True, limit=PER_PAGE, offset=offset))
    return render(
        "list.html", found=found, q=q, chosen=chosen, searched=bool(q or chosen),
        ktypes=[kind for kind in Ktype if kind in there],
        collections=store.groupings(KM3ResourceCollection),
        streams=store.groupings(KM3ResourceStream),
        earlier=_turn(q, chosen, offset - PER_PAGE) if offset else "",
        later=_turn(q, chosen, offset + PER_PAGE) if offset + PER_PAGE < found.total else "",
    )  # fmt: skip


@router.api_route("/resources", methods=GET)
def resources() -> RedirectResponse:
    """Lead to the list."""
    return RedirectResponse("/")


@router.api_route("/resources/{name}", methods=GET)
def resource(
    name: str,
    request: Request,
    store: TheStore,
    format: Format = None,  # noqa: A002
) -> Response:
    """Show a resource: a version by its ``kid``, or the latest one by the identifier."""
    record = _record(store, name)
    form = chosen(request.headers.get("accept", ""), format, FOR_PAGES)
    if form is not Form.HTML:
        return in_form(request, record.kid, record.model_dump_json(), form)
    base = base_url(request)
    headers = {**header(links_of_page(record, base)), "Vary": "Accept"}
    return HTMLResponse(render("resource.html", **_about(record, store, base)), headers=headers)


@router.api_route("/collections/{identifier}", methods=GET)
def collection(identifier: Identifier, store: TheStore) -> str:
    """Show a collection, with what names it and what it names."""
    record = store.get_grouping(KM3ResourceCollection, identifier)
    members = store.find(search.Query(collection=identifier, latest=True, limit=200)).resources
    streams = [s for s in store.groupings(KM3ResourceStream) if _belongs(s, record)]
    return render(
        "grouping.html", kind="collection", record=record, streams=streams,
        members=_together(store.named(record.resources), members),
    )  # fmt: skip


@router.api_route("/streams/{identifier}", methods=GET)
def stream(identifier: Identifier, store: TheStore) -> str:
    """Show a stream and its elements."""
    record = store.get_grouping(KM3ResourceStream, identifier)
    members = store.find(search.Query(stream=identifier, latest=True, limit=200)).resources
    return render(
        "grouping.html", kind="stream", record=record, streams=[],
        members=_together(store.named(record.resources), members),
    )  # fmt: skip


def _record(store: Store, name: str) -> KM3OpenResource:
    try:
        kid = UUID(name)
    except ValueError:
        if len(name) > 100:
            raise NotFoundError("there is no such resource") from None
        return store.latest(name)
    return store.get_resource(kid)


def _about(record: KM3OpenResource, store: Store, base: str) -> dict[str, Any]:
    """Return everything that the page of a resource shows."""
    address = f"{base}/resources/{record.kid}"
    files = [_offered(record, file, base) for file in record.files]
    versions = store.find(search.Query(identifier=record.identifier, limit=50)).resources
    pictures = [f for f in files if f.reference.media_type.startswith("image/")]
    return {
        "record": record,
        "address": address,
        "citation": citation(record, address),
        "bibtex": bibtex(record, address),
        "files": files,
        "previews": [f for f in pictures if f.reference.role is FileRole.PREVIEW],
        "services": [(service, service_recipes(service)) for service in record.services],
        "versions": versions,
        "is_latest": versions[0].kid == record.kid if versions else True,
        "entities": {e.identifier: e for e in record.provenance.entities}
        if record.provenance
        else {},
        "has_collection": store.knows(KM3ResourceCollection, record.collection),
        "has_stream": store.knows(KM3ResourceStream, record.stream),
    }


def _offered(record: KM3OpenResource, file: FileReference, base: str) -> OfferedFile:
    path = f"/files/{record.kid}/{file.name}"
    recipes = file_recipes(file, base + path)
    if file.role is FileRole.DATA:
        recipes = [*recipes, download_recipe(base + path, file)]
    return OfferedFile(file, path, recipes)


def _belongs(stream: KM3ResourceStream, collection: KM3ResourceCollection) -> bool:
    named = stream.identifier in collection.streams
    return named or stream.collection == collection.identifier


def _together(*lists: list[ResourceSummary] | tuple[ResourceSummary, ...]) -> list[ResourceSummary]:
    """Return the members of all lists, each once, in the order they come."""
    return list({summary.kid: summary for members in lists for summary in members}.values())


def _turn(q: str, ktype: Ktype | None, offset: int) -> str:
    given = {"q": q, "ktype": ktype.value if ktype else "", "offset": max(offset, 0)}
    return "/?" + urlencode({name: value for name, value in given.items() if value})
