"""Pages of a list that stay right while resources are added.

A page ends with a cursor that says after which resource the next one begins. Whatever is added or
taken away meanwhile, nothing that was there all the time is shown twice or left out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import KeyedColumnElement

from vopub.odc import words
from vopub.odc.faults import RefusedError
from vopub.odc.looking import planned_once
from vopub.odc.rare import has
from vopub.odc.schema import RESOURCE, RESOURCES
from vopub.odc.search import Query, conditions, facets, given
from vopub.odc.ways import (
    MOST_COUNTED,
    MOST_STATEMENTS,
    Sought,
    Way,
    in_order,
    number_of,
    ways_of,
)

LONGEST_CURSOR = 400


class Sort(StrEnum):
    """In which order a list is."""

    IDENTIFIER = "identifier"
    """By identifier, the newest version first."""
    NEWEST = "newest"
    """What was registered last comes first."""
    OLDEST = "oldest"
    """What was registered first comes first."""
    LATEST_DATA = "latest-data"
    """By when the data begin, the latest first."""
    EARLIEST_DATA = "earliest-data"
    """By when the data begin, the earliest first."""
    CHANGED = "changed"
    """By when the record was written last, the earliest first: for whoever harvests."""


@dataclass(frozen=True, slots=True)
class _Key:
    column: KeyedColumnElement[Any]
    descending: bool = False

    def turned(self) -> _Key:
        return replace(self, descending=not self.descending)

    def order(self, column: Any) -> ColumnElement[Any]:
        """Return the order by the column, as it is given."""
        ordered: ColumnElement[Any] = column.desc() if self.descending else column.asc()
        return ordered

    def beyond(self, value: Any) -> ColumnElement[bool]:
        found: ColumnElement[bool]
        found = self.column < value if self.descending else self.column > value
        return found

    def not_before(self, value: Any) -> ColumnElement[bool]:
        found: ColumnElement[bool]
        found = self.column <= value if self.descending else self.column >= value
        return found


_NUMBER = _Key(RESOURCE.number)
_KEYS: dict[Sort, tuple[_Key, ...]] = {
    Sort.IDENTIFIER: (
        _Key(RESOURCE.identifier), _Key(RESOURCE.version_key, descending=True),
        _NUMBER.turned(),
    ),
    Sort.NEWEST: (_NUMBER.turned(),),
    Sort.OLDEST: (_NUMBER,),
    Sort.LATEST_DATA: (_Key(RESOURCE.moment, descending=True), _NUMBER.turned()),
    Sort.EARLIEST_DATA: (_Key(RESOURCE.moment), _NUMBER),
    Sort.CHANGED: (_Key(RESOURCE.written), _Key(RESOURCE.kid)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a list."""

    summaries: tuple[str, ...]
    """A ``ResourceSummary`` as JSON for each resource, in order; put together without parsing."""
    later: str
    """Cursor of the page after this one; empty on the last."""
    earlier: str
    """Cursor of the page before this one; empty on the first."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many resources match."""

    number: int
    exact: bool = True
    """If not, there are more than ``number``."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What a cursor says: a resource of the list, and which way the page goes from there."""

    values: tuple[Any, ...]
    backwards: bool


def page_of(sought: Sought, sort: Sort, cursor: str, limit: int) -> Page:
    """Return a page of the list of what matches; ``query.limit`` and ``offset`` do not count.

    Raises
    ------
    RefusedError
        If the cursor is not one of this list.
    """
    place = _read(cursor, sort) if cursor else None
    backwards = place is not None and place.backwards
    keys = tuple(key.turned() for key in _KEYS[sort]) if backwards else _KEYS[sort]
    rows = _some(sought, keys, () if place is None else place.values, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows = rows[::-1]
    before = more if backwards else place is not None
    later = place is not None if backwards else more
    return Page(
        tuple(row[0] for row in rows),
        later=_write(rows[-1][1:], sort) if rows and later else "",
        earlier=_write(rows[0][1:], sort, backwards=True) if rows and before else "",
    )


def count_of(sought: Sought) -> Count:
    """Return how many match; exactly, unless there are many and each had to be looked at."""
    query = sought.query
    if any((query.identifier, query.since, query.until, query.position)):
        return _counted(sought)
    if query.q:  # the index of words knows the rest, and nothing that was withdrawn
        found = sought.number_by_words
        return Count(min(found, MOST_COUNTED), found <= MOST_COUNTED)
    return Count(sought.total)


def _counted(sought: Sought) -> Count:
    """Count what has to be looked at, until it is more than is counted."""
    left = MOST_COUNTED + 1
    for way in ways_of(sought, by_moment=True):
        left -= number_of(sought, way, left)
    return Count(min(MOST_COUNTED + 1 - left, MOST_COUNTED), left > 0)


def exact_count_of(session: Session, query: Query) -> int:
    """Return how many match, also if each has to be looked at."""
    sought = Sought(session, query)
    count = count_of(sought)
    if count.exact:
        return count.number
    found = words.found(sought.dialect, query.q, facets(query))
    if any((query.identifier, query.since, query.until, query.position)):
        by_words = (RESOURCE.number.in_(found),) if query.q else ()
        found = select(RESOURCE.number).where(*conditions(sought.shape), *by_words)
    counting = select(func.count()).select_from(found.subquery())
    return session.connection().scalar(counting, given(query)) or 0


def piece_of(session: Session, query: Query) -> list[str]:
    """Return the summaries from ``query.offset`` on, at most ``query.limit``, by identifier."""
    rows = _some(Sought(session, query), _KEYS[Sort.IDENTIFIER], (), query.limit, query.offset)
    return [row[0] for row in rows]


def _some(
    sought: Sought, keys: tuple[_Key, ...], values: Sequence[Any], number: int, offset: int = 0
) -> Sequence[Sequence[Any]]:
    """Return the summary and the keys of so many that match, in order.

    With ``values``, they come after the resource that has these keys.
    """
    if (few := _with_rare_words(sought, keys, values, number, offset)) is not None:
        return few
    ways = ways_of(sought, by_moment=keys[0].column is RESOURCE.moment)
    if len(ways) == 1:
        return _found(sought, ways[0], keys, values, number, offset)
    rows: list[Sequence[Any]] = []
    for way in ways:
        rows += _found(sought, way, keys, values, offset + number, 0)
    for place, key in reversed(list(enumerate(keys, 1))):
        rows.sort(key=itemgetter(place), reverse=key.descending)
    return rows[offset : offset + number]


def _with_rare_words(
    sought: Sought, keys: tuple[_Key, ...], values: Sequence[Any], number: int, offset: int
) -> Sequence[Sequence[Any]] | None:
    """Return the same of what rare words find; None if there are none, or more is asked for.

    How many there are is noted on the way.
    """
    query, known = sought.query, words.POSTGRESQL.c
    beside = query.identifier or query.alone or query.position or query.since or query.until
    if not query.q or beside or not all(key.column.key in known for key in keys):
        return None
    if (rare := sought.rare) is None:
        return None
    statement = _of_rare_words(keys, others=bool(rare.others), going_on=bool(values))
    asked = {**rare._asdict(), **_numbered(values), "most": sought.most, "number": number,
             "offset": offset}  # fmt: skip
    rows = sought.session.connection().execute(statement, asked).all()
    sought.counted = rows[0].counted
    if sought.counted > sought.few:
        return None
    return [row[:-1] for row in rows if row.summary is not None]


@cache
def _of_rare_words(keys: tuple[_Key, ...], *, others: bool, going_on: bool) -> Select[Any]:
    """Return the selection of the summaries, the keys, and how many there are.

    There is one row at least, without a summary if there are none.
    """
    kept = [column for column in words.POSTGRESQL.c if column.key != "words"]
    held = has(bindparam("rare"), bindparam("others") if others else None)
    found = select(*kept).where(*held).limit(bindparam("most")).cte("found")
    here = [replace(key, column=found.c[key.column.key]) for key in keys]
    shown = (
        select(found).where(*(_after(here) if going_on else ()))
        .order_by(*(key.order(key.column) for key in here))
        .limit(bindparam("number")).offset(bindparam("offset")).subquery("shown")
    )  # fmt: skip
    counted = select(func.count().label("counted")).select_from(found).subquery("all_of_them")
    with_summary = shown.join(RESOURCES, shown.c.number == RESOURCE.number)
    columns = [shown.c[key.column.key] for key in keys]
    return planned_once(
        select(RESOURCE.summary, *columns, counted.c.counted)
        .select_from(counted.outerjoin(with_summary, true()))
        .order_by(*(key.order(column) for key, column in zip(keys, columns, strict=True)))
    )


def _found(
    sought: Sought, way: Way, keys: tuple[_Key, ...], values: Sequence[Any], number: int,
    offset: int,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Return the summaries and keys that one way finds."""
    chosen = _chosen(
        sought.dialect, way.conditions, keys, few=way.few, going_on=bool(values),
        once=sought.planned_once,
    )  # fmt: skip
    asked = {**way.values, **_numbered(values), "number": number, "offset": offset}
    return sought.session.connection().execute(chosen, asked).all()


@lru_cache(maxsize=MOST_STATEMENTS)
def _chosen(
    dialect: str, conditions: tuple[ColumnElement[bool], ...], keys: tuple[_Key, ...], *,
    few: bool, going_on: bool, once: bool,
) -> Select[Any]:  # fmt: skip
    """Return the selection of what fulfils the conditions, after the values if it goes on."""
    columns = [key.column for key in keys]
    order = [key.order(in_order(dialect, key.column, few=few)) for key in keys]
    after = _after(keys) if going_on else ()
    number, offset = bindparam("number", type_=Integer), bindparam("offset", type_=Integer)
    if not few:
        chosen = select(RESOURCE.summary, *columns).where(*conditions, *after)
        chosen = chosen.order_by(*order).limit(number).offset(offset)
        return planned_once(chosen) if once else chosen
    # What is put in order is in an index; only what is shown is read beside it.
    known = select(*dict.fromkeys([RESOURCE.number, *columns])).where(*conditions, *after)
    shown = known.order_by(*order).limit(number).offset(offset).subquery("shown")
    ordered = [key.order(shown.c[key.column.key]) for key in keys]
    summaries = select(RESOURCE.summary, *(shown.c[key.column.key] for key in keys))
    joined = summaries.join(shown, shown.c.number == RESOURCE.number)
    joined = joined.order_by(*ordered)
    return planned_once(joined) if once else joined


def _numbered(values: Sequence[Any]) -> dict[str, Any]:
    """Return the values of a cursor by the names that ``_after`` gives them."""
    return {f"value_{place}": value for place, value in enumerate(values)}


def _after(keys: Sequence[_Key]) -> list[ColumnElement[bool]]:
    """Return that a resource comes after the one with the values of a cursor.

    That the first key is not before says nothing new, but lets the database begin at the place.
    """
    values = [bindparam(f"value_{n}", type_=key.column.type) for n, key in enumerate(keys)]
    ways = []
    for number, (key, value) in enumerate(zip(keys, values, strict=True)):
        equal = [k.column == v for k, v in zip(keys[:number], values[:number], strict=True)]
        ways.append(and_(*equal, key.beyond(value)))
    return [keys[0].not_before(values[0]), or_(*ways)]


def _write(values: Sequence[Any], sort: Sort, *, backwards: bool = False) -> str:
    plain = [v.isoformat() if isinstance(v, datetime) else v for v in values]
    text = json.dumps([sort.value, backwards, *plain], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str, sort: Sort) -> _Place:
    try:
        backwards, *values = _unpack(cursor, sort)
        keys = _KEYS[sort]
        read = tuple(_value(key, value) for key, value in zip(keys, values, strict=True))
    except (ValueError, TypeError, RecursionError) as error:
        hint = "take the cursor of an answer, and keep the order of the list as it was"
        raise RefusedError("this is not a cursor of this list", hint=hint) from error
    return _Place(read, backwards)


def _unpack(cursor: str, sort: Sort) -> list[Any]:
    if len(cursor) > LONGEST_CURSOR:
        raise ValueError("too long")
    text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    order, backwards, *values = json.loads(text)
    if order != sort.value or not isinstance(backwards, bool):
        raise ValueError("of another list")
    return [backwards, *values]


def _value(key: _Key, value: object) -> Any:
    """Return a value of a cursor in the type of its column."""
    wanted = key.column.type.python_type
    if wanted is datetime and isinstance(value, str):
        return datetime.fromisoformat(value)
    if type(value) is not wanted or (isinstance(value, int) and abs(value) >= 1 << 63):
        raise ValueError(f"{value!r} is not of the list")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("holds what no text does")
    return value
