"""The REST service for streams and collections, and for what became of them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from vopub.model.resource import KM3ResourceCollection, KM3ResourceStream
from vopub.odc.answers import CollectionList, ErrorBody, GroupingHistory, StreamList, Written
from vopub.odc.api import (
    Body,
    Identifier,
    Reason,
    answer_json,
    check_address,
    documented,
    say_written,
)
from vopub.odc.conditions import TheCondition
from vopub.odc.downloads import TheStore
from vopub.odc.grouping_forms import FOR_PROGRAMS, Cursor, GroupingForm, grouping_in_form
from vopub.odc.guard import TheGrant, Who, need_token, parse_record
from vopub.odc.life_api import Why

router = APIRouter(
    prefix="/api", tags=["streams and collections"], responses={"default": {"model": ErrorBody}}
)
writes = [Depends(need_token)]
in_forms: dict[int | str, dict[str, Any]] = {
    200: {"content": {form.media_type: {} for form in FOR_PROGRAMS}}
}


@router.get("/streams", response_model=StreamList)
def list_streams(request: Request, store: TheStore) -> Response:
    """List all streams."""
    found = StreamList(streams=store.groupings.all(KM3ResourceStream))
    return answer_json(request, found.model_dump_json().encode())


@router.get("/streams/{identifier}", response_model=KM3ResourceStream, responses=in_forms)
def get_stream(
    identifier: Identifier, request: Request, store: TheStore, form: GroupingForm,
    cursor: Cursor = "",
) -> Response:  # fmt: skip
    """Return a stream: as JSON, or in the form that ``Accept`` or ``format`` asks.

    JSON-LD holds a page of its resources; ``Link`` headers lead to the next one.
    """
    return grouping_in_form(request, KM3ResourceStream, identifier, form, store, cursor)


@router.put(
    "/streams/{identifier}", openapi_extra=documented(KM3ResourceStream),
    responses={201: {"model": Written}},
)  # fmt: skip
def put_stream(
    identifier: Identifier, grant: TheGrant, body: Body, response: Response, store: TheStore,
    condition: TheCondition,
) -> Written:  # fmt: skip
    """Write a stream; 201 if it is new; conditions as for a resource."""
    grant.check_stream(identifier)
    record = parse_record(KM3ResourceStream, body)
    check_address("identifier", identifier, record.identifier)
    outcome = store.groupings.put(record, condition, who=grant.name, grant=grant)
    return say_written(identifier, record, outcome, response)


@router.delete("/streams/{identifier}", status_code=204)
def delete_stream(
    identifier: Identifier, reason: Reason, grant: TheGrant, store: TheStore,
    condition: TheCondition,
) -> None:  # fmt: skip
    """Withdraw a stream; asking for it gets 410 with the reason afterwards. Its elements stay."""
    grant.check_stream(identifier)
    store.groupings.withdraw(KM3ResourceStream, identifier, reason, condition, who=grant.name)


@router.get("/streams/{identifier}/history")
def history_of_stream(identifier: Identifier, store: TheStore) -> GroupingHistory:
    """Tell every change of a stream, also of one that was withdrawn: who, when, what differed."""
    return store.groupings.history(KM3ResourceStream, identifier)


@router.post("/streams/{identifier}/restore", dependencies=writes, status_code=204)
def restore_stream(identifier: Identifier, store: TheStore, who: Who, reason: Why = "") -> None:
    """Bring a withdrawn stream back as it was."""
    store.groupings.restore(KM3ResourceStream, identifier, reason, who=who)


@router.get("/collections", response_model=CollectionList)
def list_collections(request: Request, store: TheStore) -> Response:
    """List all collections."""
    found = CollectionList(collections=store.groupings.all(KM3ResourceCollection))
    return answer_json(request, found.model_dump_json().encode())


@router.get("/collections/{identifier}", response_model=KM3ResourceCollection, responses=in_forms)
def get_collection(
    identifier: Identifier, request: Request, store: TheStore, form: GroupingForm,
    cursor: Cursor = "",
) -> Response:  # fmt: skip
    """Return a collection: as JSON, or in the form that ``Accept`` or ``format`` asks.

    JSON-LD holds a page of its resources; ``Link`` headers lead to the next one.
    """
    return grouping_in_form(request, KM3ResourceCollection, identifier, form, store, cursor)


@router.put(
    "/collections/{identifier}", dependencies=writes,
    openapi_extra=documented(KM3ResourceCollection), responses={201: {"model": Written}},
)  # fmt: skip
def put_collection(
    identifier: Identifier, body: Body, response: Response, store: TheStore,
    condition: TheCondition, who: Who,
) -> Written:  # fmt: skip
    """Write a collection; 201 if it is new; conditions as for a resource."""
    record = parse_record(KM3ResourceCollection, body)
    check_address("identifier", identifier, record.identifier)
    outcome = store.groupings.put(record, condition, who=who)
    return say_written(identifier, record, outcome, response)


@router.delete("/collections/{identifier}", dependencies=writes, status_code=204)
def delete_collection(
    identifier: Identifier, reason: Reason, store: TheStore, condition: TheCondition, who: Who
) -> None:
    """Withdraw a collection; asking for it gets 410 with the reason. What belongs to it stays."""
    store.groupings.withdraw(KM3ResourceCollection, identifier, reason, condition, who=who)


@router.get("/collections/{identifier}/history")
def history_of_collection(identifier: Identifier, store: TheStore) -> GroupingHistory:
    """Tell every change of a collection, also of one that was withdrawn."""
    return store.groupings.history(KM3ResourceCollection, identifier)


@router.post("/collections/{identifier}/restore", dependencies=writes, status_code=204)
def restore_collection(identifier: Identifier, store: TheStore, who: Who, reason: Why = "") -> None:
    """Bring a withdrawn collection back as it was."""
    store.groupings.restore(KM3ResourceCollection, identifier, reason, who=who)
