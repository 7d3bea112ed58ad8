"""The REST service for what became of a resource."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from vopub.odc.answers import ErrorBody, History, Versions
from vopub.odc.downloads import TheStore
from vopub.odc.guard import Who, need_token

Why = Annotated[str, Query(max_length=500, pattern=r"^[^\x00]*$")]

router = APIRouter(
    prefix="/api/resources/{kid}", tags=["resources"], responses={"default": {"model": ErrorBody}}
)


@router.get("/history")
def history(kid: UUID, store: TheStore) -> History:
    """Tell every change of a resource, also of one that was withdrawn: who, when, what differed."""
    return store.life.history(kid)


@router.get("/versions")
def versions(kid: UUID, store: TheStore) -> Versions:
    """List all versions of a resource, also those that were withdrawn, and what replaced each."""
    return store.life.versions(kid)


@router.post("/restore", dependencies=[Depends(need_token)], status_code=204)
def restore(kid: UUID, store: TheStore, who: Who, reason: Why = "") -> None:
    """Bring a withdrawn resource back as it was."""
    store.life.restore(kid, reason, who=who)
