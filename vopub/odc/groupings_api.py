"""The REST service for streams and collections, and for what became of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from vopub.model.resource import ID_PATTERN, KM3ResourceCollection, KM3ResourceStream
from vopub.odc.addresses import base_url
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
from vopub.odc.conditions import TheCondition, tagged
from vopub.odc.downloads import TheStore
from vopub.odc.grouping_forms import (
    FOR_PROGRAMS,
    Cursor,
    GroupingForm,
    grouping_in_form,
    linkset_in_answer,
)
from vopub.odc.groupings import Grouping, GroupingPage, noun
from vopub.odc.guard import TheGrant, Who, need_token, parse_record
from vopub.odc.life_api import Why
from vopub.odc.looking import of_one_moment
from vopub.odc.signposting import LINKSET, Link, header
from vopub.odc.tokens import Grant

MOST_LISTED = 200
"""Streams or collections in an answer that has a limit."""

writes = [Depends(need_token)]
in_forms: dict[int | str, dict[str, Any]] = {
    200: {"content": {form.media_type: {} for form in FOR_PROGRAMS}}
}


Limit = Annotated[
    int | None,
    Query(ge=1, le=MOST_LISTED, description="Most of them in an answer; all if it is not given."),
]
After = Annotated[
    str,
    Query(
        pattern=rf"^({ID_PATTERN})?$",
        description="``later`` of the page before: the list goes on after this identifier.",
    ),
]


@dataclass(frozen=True)
class Routes(Generic[Grouping]):
    """What differs between the routes of streams and those of collections."""

    kind: type[Grouping]
    whole: Callable[[tuple[Grouping, ...]], BaseModel]
    """Makes the answer that lists them all."""
    list_model: type[BaseModel]
    check: Callable[[Grant, str], None]
    """Lets a token write the one with this identifier; raises ForbiddenError."""
    early: bool
    """Whether every token that may write one may write all, so that others are sent away before
    anything is read of what they send."""
    of_deleting: str
    of_history: str

    @property
    def one(self) -> str:
        """``stream`` or ``collection``."""
        return noun(self.kind)

    @property
    def place(self) -> str:
        """The address of one of them."""
        return f"/{self.one}s/{{identifier}}"


def page_in_answer(request: Request, name: str, page: GroupingPage, limit: int | None) -> Response:
    """Return a page of a list, the records as they are kept: JSON, put together as text."""
    head = json.dumps({"total": page.total, "later": page.later}).removesuffix("}")
    body = f'{head}, "{name}": [{",".join(page.records)}]}}'.encode()
    asked = urlencode({"limit": limit, "cursor": page.later})
    address = f"{base_url(request)}/api/{name}?{asked}"
    links = header([Link("next", address, "application/json")]) if page.later else {}
    return tagged(request, body, "application/json", links)


def _add_routes(router: APIRouter, routes: Routes[Grouping]) -> None:
    _add_reading(router, routes)
    _add_writing(router, routes)


def _add_reading(router: APIRouter, routes: Routes[Grouping]) -> None:
    kind, one = routes.kind, routes.one

    @router.get(
        f"/{one}s", name=f"list_{one}s", response_model=routes.list_model,
        description=(
            f"List all {one}s by identifier; with ``limit``, a page of them.\n\n"
            "``Link`` headers lead to the next page."
        ),
    )  # fmt: skip
    def list_all(
        request: Request, store: TheStore, limit: Limit = None, cursor: After = ""
    ) -> Response:  # fmt: skip
        if limit is None and not cursor:
            found = store.groupings.all(kind)
            return answer_json(request, routes.whole(found).model_dump_json().encode())
        return page_in_answer(request, f"{one}s", store.groupings.page(kind, cursor, limit), limit)

    @router.get(
        routes.place, name=f"get_{one}", response_model=kind, responses=in_forms,
        description=(
            f"Return a {one}: as JSON, or in the form that ``Accept`` or ``format`` asks.\n\n"
            "Forms other than JSON hold a page of what belongs to it; ``Link`` headers lead to the "
            "next one."
        ),
    )  # fmt: skip
    @of_one_moment
    def get(
        identifier: Identifier, request: Request, store: TheStore, form: GroupingForm,
        cursor: Cursor = "",
    ) -> Response:  # fmt: skip
        return grouping_in_form(request, kind, identifier, form, store, cursor)

    @router.get(
        f"{routes.place}/linkset", name=f"linkset_of_{one}", response_class=Response,
        responses={200: {"content": {LINKSET: {}}}},
        description=(
            f"Return the links between the page, the forms and the parts of a {one} (RFC 9264), "
            "a page of them; ``Link`` headers lead to the next one."
        ),
    )  # fmt: skip
    @of_one_moment
    def linkset(
        identifier: Identifier, request: Request, store: TheStore, cursor: Cursor = ""
    ) -> Response:
        return linkset_in_answer(request, kind, identifier, store, cursor)

    @router.get(f"{routes.place}/history", name=f"history_of_{one}", description=routes.of_history)
    def history(identifier: Identifier, store: TheStore) -> GroupingHistory:
        return store.groupings.history(kind, identifier)


def _add_writing(router: APIRouter, routes: Routes[Grouping]) -> None:
    kind, one = routes.kind, routes.one
    first = writes if routes.early else []

    @router.put(
        routes.place, name=f"put_{one}", dependencies=first, openapi_extra=documented(kind),
        responses={201: {"model": Written}},
        description=f"Write a {one}; 201 if it is new; conditions as for a resource.",
    )  # fmt: skip
    def put(
        identifier: Identifier, grant: TheGrant, body: Body, response: Response, store: TheStore,
        condition: TheCondition,
    ) -> Written:  # fmt: skip
        routes.check(grant, identifier)
        record = parse_record(kind, body)
        check_address("identifier", identifier, record.identifier)
        outcome = store.groupings.put(record, condition, who=grant.name, grant=grant)
        return say_written(identifier, record, outcome, response)

    @router.delete(
        routes.place, name=f"delete_{one}", dependencies=first, status_code=204,
        description=routes.of_deleting,
    )  # fmt: skip
    def delete(
        identifier: Identifier, reason: Reason, grant: TheGrant, store: TheStore,
        condition: TheCondition,
    ) -> None:  # fmt: skip
        routes.check(grant, identifier)
        store.groupings.withdraw(kind, identifier, reason, condition, who=grant.name)

    @router.post(
        f"{routes.place}/restore", name=f"restore_{one}", dependencies=writes, status_code=204,
        description=f"Bring a withdrawn {one} back as it was.",
    )  # fmt: skip
    def restore(identifier: Identifier, store: TheStore, who: Who, reason: Why = "") -> None:
        store.groupings.restore(kind, identifier, reason, who=who)


STREAMS = Routes(
    KM3ResourceStream, lambda found: StreamList(streams=found, total=len(found)), StreamList,
    check=Grant.check_stream, early=False,
    of_deleting=(
        "Withdraw a stream; asking for it gets 410 with the reason afterwards. Its elements stay."
    ),
    of_history=(
        "Tell every change of a stream, also of one that was withdrawn: who, when, what differed."
    ),
)  # fmt: skip
COLLECTIONS = Routes(
    KM3ResourceCollection,
    lambda found: CollectionList(collections=found, total=len(found)), CollectionList,
    check=lambda grant, _: grant.check_everything(), early=True,
    of_deleting=(
        "Withdraw a collection; asking for it gets 410 with the reason. What belongs to it stays."
    ),
    of_history="Tell every change of a collection, also of one that was withdrawn.",
)  # fmt: skip

router = APIRouter(
    prefix="/api", tags=["streams and collections"], responses={"default": {"model": ErrorBody}}
)
_add_routes(router, STREAMS)
_add_routes(router, COLLECTIONS)
