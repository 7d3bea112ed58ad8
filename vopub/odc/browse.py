"""What somebody who browses asked for, and the addresses that ask for a little more or less."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query

from vopub.model.ktype import Ktype
from vopub.model.resource import ID_PATTERN, KM3ResourceCollection
from vopub.odc import search
from vopub.odc.faults import RefusedError
from vopub.odc.listing import MOST_WORDS
from vopub.odc.paging import LONGEST_CURSOR, Sort
from vopub.odc.store import Store

PER_PAGE = 20
MOST_CHOICES = 12
SORTS: Mapping[Sort, str] = {
    Sort.IDENTIFIER: "identifier", Sort.NEWEST: "newest",
    Sort.LATEST_DATA: "latest data", Sort.EARLIEST_DATA: "earliest data",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose."""

    text: str
    address: str
    count: int | None = None
    """How many resources there would be; None if that is not known at once."""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """A way to narrow a list."""

    title: str
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of a list says, as text; empty is 'anything'."""

    q: str
    ktype: str
    collection: str
    stream: str
    since: str
    until: str
    ra: str
    dec: str
    sort: Sort
    cursor: str
    query: search.Query

    @property
    def narrowed(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.chips)

    @property
    def given(self) -> dict[str, str]:
        """What is in the address, without the place in the list."""
        sort = "" if self.sort is Sort.IDENTIFIER else self.sort.value
        values = {
            "q": self.q, "ktype": self.ktype, "collection": self.collection,
            "stream": self.stream, "from": self.since, "until": self.until, "ra": self.ra,
            "dec": self.dec, "sort": sort,
        }  # fmt: skip
        return {name: value for name, value in values.items() if value}

    def with_(self, **changes: str) -> str:
        """Return the address of the list with some things changed; empty takes one away."""
        given = {**self.given, **changes}
        values = {name: value for name, value in given.items() if value}
        return f"/resources?{urlencode(values)}" if values else "/resources"

    def kept(self, *without: str) -> list[tuple[str, str]]:
        """Return what a form has to keep that asks for other things."""
        return [pair for pair in self.given.items() if pair[0] not in without]

    @property
    def chips(self) -> list[Choice]:
        """What is asked for, each with the address without it."""
        position = f"covers {self.ra}°, {self.dec}°" if self.ra else ""
        title = Ktype(self.ktype).entry.title if self.ktype else ""
        texts = {
            "q": f"“{self.q}”" if self.q else "", "ktype": title,
            "collection": f"collection {self.collection}" if self.collection else "",
            "stream": f"stream {self.stream}" if self.stream else "",
            "from": f"from {self.since}" if self.since else "",
            "until": f"until {self.until}" if self.until else "",
        }  # fmt: skip
        chips = [Choice(text, self.with_(**{name: ""})) for name, text in texts.items() if text]
        return [*chips, *([Choice(position, self.with_(ra="", dec=""))] if position else [])]


Word = Annotated[str, Query(pattern=rf"^({ID_PATTERN})?$")]
Day = Annotated[str, Query(max_length=40)]
Degrees = Annotated[str, Query(max_length=20)]


async def asked_by(
    q: Annotated[str, Query(max_length=MOST_WORDS)] = "", ktype: Ktype | str = "",
    collection: Word = "", stream: Word = "", since: Annotated[Day, Query(alias="from")] = "",
    until: Day = "", ra: Degrees = "", dec: Degrees = "", sort: Sort = Sort.IDENTIFIER,
    cursor: Annotated[str, Query(max_length=LONGEST_CURSOR)] = "",
) -> Asked:  # fmt: skip
    """Return what the address of a list says.

    Raises
    ------
    RefusedError
        If a day or a position is none.
    """
    kind = Ktype(ktype) if ktype in set(Ktype) else None
    query = search.Query(
        q=q, ktype=kind, collection=collection, stream=stream, latest=True,
        since=_day(since, time.min), until=_day(until, time.max), position=_position(ra, dec),
    )  # fmt: skip
    return Asked(
        q, kind.value if kind else "", collection, stream, since, until, ra, dec, sort, cursor,
        query,
    )  # fmt: skip


def facets_of(asked: Asked, store: Store) -> list[Facet]:
    """Return what a list can be narrowed by; what is chosen already leads back."""
    return [
        Facet("Kind", _choices(asked, store, "ktype", {k.value: k.entry.title for k in Ktype})),
        Facet("Collection", _choices(asked, store, "collection", _titles(store))),
    ]


def sorts_of(asked: Asked) -> list[Choice]:
    """Return the orders in which a list can be."""
    return [
        Choice(text, asked.with_(sort=sort.value), chosen=sort is asked.sort)
        for sort, text in SORTS.items()
    ]


def _titles(store: Store) -> dict[str, str]:
    return {each.identifier: each.title for each in store.groupings.all(KM3ResourceCollection)}


def _choices(asked: Asked, store: Store, facet: str, titles: Mapping[str, str]) -> list[Choice]:
    """Return the choices of a facet, with numbers if nothing but facets is asked for."""
    chosen = asked.given.get(facet, "")
    others = {name: asked.given.get(name, "") for name in ("ktype", "collection", "stream")}
    others[facet] = ""
    kind = Ktype(others["ktype"]) if others["ktype"] else None
    query = search.Query(
        ktype=kind, collection=others["collection"], stream=others["stream"], latest=True
    )
    exact = not (asked.q or asked.since or asked.until or asked.ra)
    gone = store.groupings.withdrawn(KM3ResourceCollection) if facet == "collection" else ()
    tally = {
        name: count for name, count in store.tally(facet, query).items()
        if name and (name == chosen or name not in gone)
    }  # fmt: skip
    most = sorted(tally, key=lambda name: (name != chosen, -tally[name], name))[:MOST_CHOICES]
    return [
        Choice(
            titles.get(name, name), asked.with_(**{facet: "" if name == chosen else name}),
            tally[name] if exact else None, chosen=name == chosen,
        )
        for name in sorted(most, key=lambda name: titles.get(name, name))
    ]  # fmt: skip


def _day(text: str, at: time) -> datetime | None:
    """Return the beginning or the end of a day in UTC, or a time, as the database has them."""
    if not text:
        return None
    try:
        if len(text) == len("2026-11-22"):
            return datetime.combine(date.fromisoformat(text), at)
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        hint = "write it as 2021-02-24"
        raise RefusedError(f"{text!r} is not a day", hint=hint) from None


def _position(ra: str, dec: str) -> tuple[float, float] | None:
    if not (ra or dec):
        return None
    try:
        position = float(ra), float(dec)
    except ValueError:
        position = (math.nan, math.nan)
    if not (0 <= position[0] <= 360 and -90 <= position[1] <= 90):
        hint = "right ascension from 0 to 360 and declination from -90 to 90, both in degrees"
        raise RefusedError(f"{ra!r}, {dec!r} is not a position", hint=hint)
    return position
