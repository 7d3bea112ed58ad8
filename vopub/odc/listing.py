"""The list of resources: filters, orders, and pages that stay right while resources are added."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from vopub.errors import Problem
from vopub.model.ktype import Ktype
from vopub.model.resource import ID_PATTERN
from vopub.odc import search
from vopub.odc.answers import ErrorBody, PartialList, ResourceList, ResourceSummary
from vopub.odc.conditions import tagged
from vopub.odc.downloads import TheStore
from vopub.odc.faults import RefusedError
from vopub.odc.looking import of_one_moment
from vopub.odc.moment import utc
from vopub.odc.paging import LONGEST_CURSOR, Sort
from vopub.odc.store import Store

MOST_WORDS = 200
"""Longest search, in characters."""
MOST_OFFSET = 1_000_000_000
LONGEST_FIELDS = 500
"""Characters."""
FIELDS = tuple(ResourceSummary.model_fields)
"""What a list says of a resource."""

router = APIRouter(prefix="/api", responses={"default": {"model": ErrorBody}})


class Wanted(BaseModel):
    """Which resources to list; everything given must hold."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    q: str = Field("", max_length=MOST_WORDS)
    """Words that all occur in title, description, identifier, instrument, subjects or names of
    parameters; ``hydro*`` stands for all that begin so."""
    ktype: Ktype | None = None
    collection: str = Field("", pattern=rf"^({ID_PATTERN})?$")
    stream: str = Field("", pattern=rf"^({ID_PATTERN})?$")
    identifier: str = Field("", pattern=rf"^({ID_PATTERN})?$")
    latest: bool = False
    """Whether to leave out older versions."""
    since: AwareDatetime | None = None
    """Leave out whose data end before."""
    until: AwareDatetime | None = None
    """Leave out whose data begin after."""
    ra: float | None = Field(None, ge=0, le=360)
    """With ``dec``: a position (ICRS, degrees) that must be covered."""
    dec: float | None = Field(None, ge=-90, le=90)
    sort: Sort = Sort.IDENTIFIER
    cursor: str = Field("", max_length=LONGEST_CURSOR)
    """``later`` or ``earlier`` of another page of the same list; not with ``offset``."""
    limit: int = Field(50, ge=1, le=200)
    fields: str = Field("", max_length=LONGEST_FIELDS)
    """What to say of each resource, with commas: ``kid,title``; everything if empty."""
    offset: int = Field(0, ge=0, le=MOST_OFFSET)
    """For short lists by identifier, in no other order and without ``cursor``, which costs the same
    anywhere and misses nothing."""

    def query(self) -> search.Query:
        """Return the query of the store.

        Raises
        ------
        RefusedError
            If half a position is given, or an offset into another list than that by identifier.
        """
        if (self.ra is None) != (self.dec is None):
            problem = Problem("ra, dec", "one is given without the other")
            raise RefusedError("a position has two coordinates", [problem])
        position = None if self.ra is None or self.dec is None else (self.ra, self.dec)
        if problems := self._beside_offset():
            raise RefusedError(
                "an offset counts from the beginning of a list by identifier", problems
            )
        names = {"q", "ktype", "collection", "stream", "identifier", "latest", "limit", "offset"}
        return search.Query(
            **self.model_dump(include=names), since=self.since and utc(self.since),
            until=self.until and utc(self.until), position=position,
        )  # fmt: skip

    def _beside_offset(self) -> list[Problem]:
        """Return what is given that an offset has nothing to do with."""
        if not self.offset:
            return []
        problems = []
        if self.sort is not Sort.IDENTIFIER:
            what = f"{self.sort.value!r} is an order that offset={self.offset} does not count in"
            problems.append(Problem("sort", what, "leave offset out, and follow 'later'"))
        if self.cursor:
            what = f"says where the page begins, and so does offset={self.offset}"
            problems.append(Problem("cursor", what, "leave offset out"))
        return problems

    def chosen(self) -> frozenset[str]:
        """Return the names of the fields that are asked for.

        Raises
        ------
        RefusedError
            If a list says nothing that is called so.
        """
        names = [name.strip() for name in self.fields.split(",") if name.strip()]
        problems = [
            Problem("fields", f"there is no field {name!r}", _nearest(name))
            for name in names if name not in FIELDS
        ]  # fmt: skip
        if problems:
            raise RefusedError("a list does not say that of a resource", problems)
        return frozenset(names or FIELDS)


@router.get("/resources", tags=["resources"], response_model=ResourceList | PartialList)
@of_one_moment
def list_resources(
    wanted: Annotated[Wanted, Query()], request: Request, store: TheStore
) -> Response:
    """List the resources that match; ``later`` is the cursor of the next page.

    With ``fields``, only these are said of each.
    """
    query, chosen = wanted.query(), wanted.chosen()
    if wanted.offset:
        return _json(request, store.find(query).model_dump_json(include=_within(chosen)))
    return _json(request, page_as_json(store, query, wanted.sort, wanted.cursor, chosen))


def page_as_json(
    store: Store, query: search.Query, sort: Sort, cursor: str,
    chosen: frozenset[str] = frozenset(FIELDS),
) -> str:  # fmt: skip
    """Return a page of what matches, of ``query.limit`` resources, as JSON.

    Parameters
    ----------
    store, query, sort
        Which resources of what, and in which order.
    cursor
        Of the page; empty for the first.
    chosen
        What to say of each.

    Raises
    ------
    RefusedError
        If the cursor is not one of this list.
    """
    page, count = store.counted_page(query, sort, cursor, query.limit)
    # The summaries are JSON already: they are put together as text.
    head = {"total": count.number, "exact": count.exact, "limit": query.limit, "offset": 0,
            "later": page.later, "earlier": page.earlier}  # fmt: skip
    text = json.dumps(head).removesuffix("}")
    said = page.summaries if len(chosen) == len(FIELDS) else _only(chosen, page.summaries)
    return f'{text}, "resources": [{",".join(said)}]}}'


def _nearest(name: str) -> str:
    close = get_close_matches(name, FIELDS, n=1)
    return f"do you mean {close[0]}?" if close else f"there are {', '.join(FIELDS)}"


def _within(chosen: frozenset[str]) -> dict[str, Any]:
    """Return what pydantic is to write of a list of which some fields of each are asked for."""
    whole = dict.fromkeys(ResourceList.model_fields, True)
    return {**whole, "resources": {"__all__": set(chosen)}}


def _only(chosen: frozenset[str], summaries: Iterable[str]) -> list[str]:
    said = (json.loads(summary) for summary in summaries)
    return [
        json.dumps({name: value for name, value in each.items() if name in chosen})
        for each in said
    ]  # fmt: skip


def _json(request: Request, text: str) -> Response:
    return tagged(request, text.encode(), "application/json")
