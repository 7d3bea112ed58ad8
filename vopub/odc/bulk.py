"""Writing thousands of records in one request."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from vopub.model.resource import KM3OpenResource
from vopub.odc.answers import ErrorBody, Outcome
from vopub.odc.conditions import Condition
from vopub.odc.downloads import TheStore
from vopub.odc.faults import WrongPlaceError
from vopub.odc.guard import TheGrant, body_of, parse_record

MOST_RECORDS = 3000
MOST_BYTES = 32 << 20
"""Largest body: as many records as are allowed, of 11 kB each; events with provenance
have 9. In memory a record takes a dozen times as much."""


async def many_bodies(request: Request) -> bytes:
    """Read the body of a request that writes many records."""
    return await body_of(request, MOST_BYTES)


async def without_conditions(request: Request) -> None:
    """Refuse the headers of conditions, which speak of one record.

    Raises
    ------
    WrongPlaceError
        If there is one: leaving it out of account would undo the changes of others.
    """
    for name in ("If-Match", "If-None-Match"):
        if name in request.headers:
            hint = 'name the entity tag of each record in the body: "if_match": {"<kid>": "<tag>"}'
            raise WrongPlaceError(f"{name} speaks of one record, not of many", hint=hint)


Body = Annotated[bytes, Depends(many_bodies)]

router = APIRouter(prefix="/api", responses={"default": {"model": ErrorBody}})


class ManyResources(BaseModel):
    """Records to be written together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resources: tuple[KM3OpenResource, ...] = Field(max_length=MOST_RECORDS)
    if_match: dict[UUID, str] = {}
    """By ``kid``, the entity tag that a record must have now, ``*`` if it must only be there."""

    @model_validator(mode="after")
    def _of_these(self) -> ManyResources:
        strange = self.if_match.keys() - {record.kid for record in self.resources}
        if strange:
            raise ValueError(f"if_match names {min(strange)}, which is not among the resources")
        return self


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
        "if_match": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}  # fmt: skip
"""What the OpenAPI document says of the body, which is read after the token was checked."""


@router.put(
    "/resources", tags=["resources"], dependencies=[Depends(without_conditions)],
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": SCHEMA}}}
    },
)  # fmt: skip
def put_resources(grant: TheGrant, body: Body, store: TheStore) -> ManyWritten:
    """Write up to 3,000 records, all or none of them; equal ones change nothing.

    With ``if_match``, nothing is written if somebody else changed one of the records since.
    """
    many = parse_record(ManyResources, body, lambda many: many.resources)
    conditions = {kid: Condition(match=tag) for kid, tag in many.if_match.items()}
    outcomes = store.put_resources(many.resources, conditions, who=grant.name, grant=grant)
    return ManyWritten(outcomes=tuple(outcomes))
