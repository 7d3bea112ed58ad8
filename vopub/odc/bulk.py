"""Writing thousands of records in one request."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from vopub.model.resource import KM3OpenResource
from vopub.odc.answers import ErrorBody, Outcome
from vopub.odc.downloads import TheStore
from vopub.odc.guard import TheGrant, parse_record, record_body

MOST_RECORDS = 10_000

Body = Annotated[bytes, Depends(record_body)]

router = APIRouter(prefix="/api", responses={"default": {"model": ErrorBody}})


class ManyResources(BaseModel):
    """Records to be written together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resources: tuple[KM3OpenResource, ...] = Field(max_length=MOST_RECORDS)


class ManyWritten(BaseModel):
    """What was done with each record, in the order they came."""

    outcomes: tuple[Outcome, ...]


SCHEMA = {
    "type": "object", "required": ["resources"], "additionalProperties": False,
    "properties": {
        "resources": {
            "type": "array", "maxItems": MOST_RECORDS,
            "items": {"$ref": "#/components/schemas/KM3OpenResource"},
        },
    },
}  # fmt: skip
"""What the OpenAPI document says of the body, which is read after the token was checked."""


@router.put(
    "/resources", tags=["resources"],
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": SCHEMA}}}
    },
)  # fmt: skip
def put_resources(grant: TheGrant, body: Body, store: TheStore) -> ManyWritten:
    """Write up to 10,000 records, all or none of them; equal ones change nothing."""
    records = parse_record(ManyResources, body).resources
    return ManyWritten(outcomes=tuple(store.put_resources(records, who=grant.name, grant=grant)))
