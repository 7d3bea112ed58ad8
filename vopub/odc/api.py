"""The REST service for records."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel

from vopub import __version__
from vopub.errors import Problem
from vopub.model.ktype import Ktype
from vopub.model.resource import ID_PATTERN, KM3OpenResource
from vopub.odc.addresses import base_url
from vopub.odc.answers import (
    Catalog,
    ErrorBody,
    Health,
    KtypeInfo,
    Outcome,
    Written,
)
from vopub.odc.conditions import TheCondition, tag_from, tag_of, tagged, unchanged
from vopub.odc.downloads import TheStore
from vopub.odc.faults import RefusedError
from vopub.odc.forms import FOR_PROGRAMS, Form, TheForm, write
from vopub.odc.guard import TheGrant, parse_record, record_body
from vopub.odc.looking import of_one_moment
from vopub.odc.signposting import LINKSET, header, links_of_record, linkset

Body = Annotated[bytes, Depends(record_body)]
Identifier = Annotated[str, Path(pattern=rf"^{ID_PATTERN}$")]
Reason = Annotated[
    str, Query(max_length=500, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$", description="Why.")
]
"""What people read where the record was: never blank, and no byte that PostgreSQL cannot bear."""
StreamName = Annotated[str, Query(pattern=rf"^({ID_PATTERN})?$")]

router = APIRouter(prefix="/api", responses={"default": {"model": ErrorBody}})


def documented(kind: type[BaseModel]) -> dict[str, Any]:
    """Say in the OpenAPI document what a body holds that is read without FastAPI's help.

    It is read by hand so that the token is checked before the first byte is.
    """
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.get("/health", tags=["service"])
def health(store: TheStore) -> Health:
    """Tell that the service runs and reaches its database."""
    store.check()
    return Health(status="ok", version=__version__)


@router.get("/ktypes", tags=["service"])
def ktypes(store: TheStore) -> list[KtypeInfo]:
    """List the kinds of content, and how many resources there are of each."""
    counts = store.count_by_ktype()
    return [
        KtypeInfo(ktype=ktype, description=ktype.description, resources=counts.get(ktype, 0))
        for ktype in Ktype
    ]


@router.get("/catalog", tags=["service"], response_model=Catalog)
def catalog(request: Request, store: TheStore, stream: StreamName = "") -> Response:
    """Return everything there is in short, in one answer; with ``stream``, its elements."""
    if stream:
        return answer_json(request, store.make_catalog(stream))
    if (digest := store.catalog.digest()) and (same := unchanged(request, tag_from(digest))):
        return same
    return answer_json(request, store.catalog.body())


@router.get(
    "/resources/{kid}", tags=["resources"], response_model=KM3OpenResource,
    responses={200: {"content": {form.media_type: {} for form in FOR_PROGRAMS}}},
)  # fmt: skip
@of_one_moment
def get_resource(kid: UUID, request: Request, store: TheStore, form: TheForm) -> Response:
    """Return the record of a resource: as JSON, or in the form that ``Accept`` or ``format`` asks.

    ``Link`` headers lead to its page, its files and its other forms (FAIR Signposting).
    """
    found = store.life.present(kid)
    return in_form(request, kid, found.record, form, found.replaced_by)


@router.get("/resources/{kid}/linkset", tags=["resources"], response_class=Response)
@of_one_moment
def get_linkset(kid: UUID, request: Request, store: TheStore) -> Response:
    """Return the links between page, files and forms of a resource (RFC 9264)."""
    found = store.life.present(kid)
    record = KM3OpenResource.model_validate_json(found.record)
    body = linkset(record, base_url(request), found.replaced_by)
    return tagged(request, body, LINKSET)


@router.put(
    "/resources/{kid}", tags=["resources"],
    openapi_extra=documented(KM3OpenResource), responses={201: {"model": Written}},
)  # fmt: skip
def put_resource(
    kid: UUID, grant: TheGrant, body: Body, response: Response, store: TheStore,
    condition: TheCondition,
) -> Written:  # fmt: skip
    """Write the record of a resource, after its files were uploaded; 201 if it is new.

    With ``If-Match`` and the entity tag of what was read, a change that somebody else made since is
    not undone: the answer is 412. ``If-None-Match: *`` writes only what is not there yet.
    """
    record = parse_record(KM3OpenResource, body)
    check_address("kid", str(kid), str(record.kid))
    outcome = store.put_resource(record, condition, who=grant.name, grant=grant)
    return say_written(str(kid), record, outcome, response)


@router.delete("/resources/{kid}", tags=["resources"], status_code=204)
def delete_resource(
    kid: UUID, reason: Reason, grant: TheGrant, store: TheStore, condition: TheCondition
) -> None:
    """Withdraw a resource; asking for it or its files gets 410 with the reason afterwards."""
    store.withdraw(kid, reason, condition, who=grant.name, grant=grant)


def in_form(
    request: Request, kid: UUID, text: str, form: Form, replaced_by: UUID | None
) -> Response:
    """Return a record, given as JSON, in a form for programs, under its entity tag.

    ``replaced_by`` is the ``kid`` of the next version; None if it is the newest.
    """
    base = base_url(request)
    body = text.encode()
    if form is not Form.JSON:
        record = KM3OpenResource.model_validate_json(text)
        body = write(form, record, base, replaced_by)
    headers = {**header(links_of_record(kid, base, replaced_by)), "Vary": "Accept"}
    return tagged(request, body, form.media_type, headers)


def answer_json(request: Request, body: bytes) -> Response:
    """Return JSON under an entity tag, and without a body to who has it already."""
    return tagged(request, body, "application/json")


def check_address(field: str, address: str, record: str) -> None:
    """Refuse a record that was sent to the address of another; raises RefusedError."""
    if address != record:
        problem = Problem(field, f"is {record!r}, the address says {address!r}")
        raise RefusedError("the record belongs to another address", [problem])


def say_written(
    identifier: str, record: BaseModel, outcome: Outcome, response: Response
) -> Written:
    """Return what was done with a record, and set the status that says whether it is new."""
    response.status_code = 201 if outcome is Outcome.CREATED else 200
    tag = tag_of(record.model_dump_json().encode())
    return Written(identifier=identifier, outcome=outcome, etag=tag)
