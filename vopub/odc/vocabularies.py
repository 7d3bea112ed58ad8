"""What records are made of, for people and programs: schemas, the words of ktype, mappings."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse

from vopub.model.ktype import Vocabulary, vocabulary
from vopub.odc import schemas
from vopub.odc.addresses import base_url
from vopub.odc.answers import ErrorBody
from vopub.odc.faults import NotFoundError
from vopub.odc.mappings.table import Table, table
from vopub.odc.rendering import render

LASTING = {"Cache-Control": "public, max-age=3600"}
VERSION = r"^[0-9]{1,4}(\.[0-9]{1,4})?$"
FILE = r"^[a-z]{1,20}(\.[a-z0-9-]{1,20})?(\.example)?\.json$"

pages = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
router = APIRouter(tags=["vocabularies"], responses={"default": {"model": ErrorBody}})
GET = ["GET", "HEAD"]


@pages.api_route("/ktypes", methods=GET)
def ktypes_page() -> str:
    """Show the words of ``ktype`` and what each asks of a record."""
    return render("ktypes.html", vocabulary=vocabulary())


@pages.api_route("/fields", methods=GET)
def fields_page() -> str:
    """Show which field of a record goes where in the words of others."""
    return render("fields.html", table=table(), schemas=schemas.listed())


@pages.api_route("/schemas", methods=GET)
def schemas_page() -> str:
    """Lead to the schemas: they stand on the page of fields."""
    return fields_page()


@router.get("/api/vocabularies/ktypes")
def ktype_vocabulary(response: Response) -> Vocabulary:
    """Return the vocabulary of ``ktype``."""
    response.headers.update(LASTING)
    return vocabulary()


@router.get("/api/vocabularies/fields")
def fields_table(response: Response) -> Table:
    """Return the table of which field goes where."""
    response.headers.update(LASTING)
    return table()


@router.get("/schemas/{version}/{name}", response_class=Response)
def schema(
    version: Annotated[str, Path(pattern=VERSION)], name: Annotated[str, Path(pattern=FILE)],
    request: Request,
) -> Response:  # fmt: skip
    """Return a JSON Schema, or its example: ``/schemas/1/resource.json``."""
    text = schemas.published(version, name.removesuffix(".json"))
    if text is None:
        there = ", ".join(f"/schemas/{path}" for path in schemas.listed())
        raise NotFoundError("there is no such schema", hint=f"there are {there}")
    example = name.endswith(".example.json")
    body = text.replace('"$id": "/schemas/', f'"$id": "{base_url(request)}/schemas/')
    media_type = "application/json" if example else schemas.MEDIA_TYPE
    return Response(body, headers=LASTING, media_type=media_type)
