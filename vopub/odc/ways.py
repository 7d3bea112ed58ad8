"""Which way the resources of a list are found, so that none reads much more than it shows.

A list is either gone through in its order, looking at each resource until a page is full, or the
few that can match are read and put in order. Databases guess which is shorter; here it is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, cached_property, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from vopub.odc import tallies, words
from vopub.odc.looking import planned_once
from vopub.odc.many import among_given, column_of, packed
from vopub.odc.rare import Terms, are_in_many, has_terms, have_more, terms_of
from vopub.odc.schema import RESOURCE, RESOURCES
from vopub.odc.search import (
    ENDS_SINCE,
    Query,
    Shape,
    beside_facets,
    facets,
    given,
    shape_of,
    without_time,
)

FEW = 5000
"""So many are read and put in order sooner than a long list is gone through."""
FOR_SURE = 20
"""PostgreSQL takes words for independent of each other, and is hardly wrong by more than this."""
MOST_STATEMENTS = 500
"""Of different forms, that are kept."""
MOST_COUNTED = 1000
"""More than this are not counted where counting means reading them."""


_UNTIL = RESOURCE.moment <= bindparam("until")
_LASTING = (RESOURCE.lasting == bindparam("lasting"), RESOURCE.moment >= bindparam("begins"))
_MORE = RESOURCES.alias("more").c
_NEXT = select(func.min(RESOURCE.lasting).label("lasting")).cte("steps", recursive=True)
# From each to the next one by an index: what lies between is not gone through.
_STEPS = _NEXT.union_all(
    select(
        select(func.min(_MORE.lasting)).where(_MORE.lasting > _NEXT.c.lasting).scalar_subquery()
    ).where(_NEXT.c.lasting.is_not(None))
)
_LASTINGS = planned_once(select(_STEPS.c.lasting).where(_STEPS.c.lasting.is_not(None)))


class Sought:
    """What is looked for in a transaction; what its pages and its count need is read once.

    Parameters
    ----------
    session
        A transaction that reads.
    query
        What is looked for.
    """

    def __init__(self, session: Session, query: Query) -> None:
        self.session = session
        self.query = query
        self.dialect = session.get_bind().dialect.name
        self.shape = shape_of(query)
        self.few = FEW
        self.counted: int | None = None
        """How many there are ``by_words``, if that is known without them."""

    @cached_property
    def by_words(self) -> list[int]:
        """The numbers of the first resources that have the words and are what facets ask for."""
        q, wanted = self.query.q, facets(self.query)
        if self.rare is not None:
            found = select(words.POSTGRESQL.c.number).where(*has_terms(self.rare))
        elif self.dialect == "postgresql":
            found = words.found(self.dialect, q, wanted)
        else:
            found = words.found(self.dialect, self._rarest_first(), wanted)
        return column_of(self.session, found.limit(self.most))

    @cached_property
    def rare(self) -> Terms | None:
        """What PostgreSQL looks for by rare words; None if there are none, or for SQLite."""
        if self.dialect != "postgresql":
            return None
        return terms_of(self.session, self.query.q, facets(self.query), self.few)

    @cached_property
    def most(self) -> int:
        """How many are looked for ``by_words``: one more than are few, or than are counted.

        The second, which is less, where there are many for sure.
        """
        asked = (self.session, self.query.q, facets(self.query), self.few * FOR_SURE)
        if self.dialect == "postgresql" and self.rare is None and have_more(*asked):
            return MOST_COUNTED + 1
        return max(self.few, MOST_COUNTED) + 1

    @property
    def has_few(self) -> bool:
        """Whether words are looked for that few resources have."""
        return bool(self.query.q) and self.number_by_words <= min(self.few, self.most - 1)

    @property
    def number_by_words(self) -> int:
        """How many there are ``by_words``."""
        return len(self.by_words) if self.counted is None else self.counted

    @property
    def planned_once(self) -> bool:
        """Whether the same plan is best whatever is asked: without words, by one facet at most."""
        shape = self.shape
        facets_asked = shape.ktype + shape.collection + shape.stream + shape.identifier
        in_range = shape.since or shape.until or shape.position
        return not (self.query.q or in_range or facets_asked > 1)

    @cached_property
    def total(self) -> int:
        """How many there are of what facets ask for."""
        return tallies.total(self.session, self.query)

    @cached_property
    def lastings(self) -> list[int]:
        """All that ``lasting`` returned for resources, each once, the least first."""
        return list(self.session.connection().scalars(_LASTINGS))

    def _rarest_first(self) -> str:
        """Return the words so that SQLite does less, which takes the first and looks for others."""
        parts = self.query.q.split()
        return " ".join(sorted(parts, key=self._is_in_many)) if len(parts) > 1 else self.query.q

    def _is_in_many(self, word: str) -> bool:
        connection = self.session.connection()
        beyond = words.found(self.dialect, word, ()).limit(1).offset(self.few)
        return are_in_many(
            connection, word, self.few, lambda: connection.scalar(beyond) is not None
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """How a part of a list is found; no resource is in two parts."""

    conditions: tuple[ColumnElement[bool], ...] = ()
    """Made once for all that ask for the same kind of things; they name their values."""
    few: bool = False
    """Whether few are left by an index; they are put in order afterwards."""
    values: Mapping[str, Any] = field(default_factory=dict)


def lasting(begin: datetime, end: datetime | None) -> int:
    """Return the smallest number for which data end before 2 to the power of it seconds passed."""
    seconds = (end - begin).total_seconds() if end else 0.0
    return int(max(seconds, 0.0)).bit_length()


def ways_of(sought: Sought, *, by_moment: bool) -> list[Way]:
    """Return the ways that together find what matches.

    Parameters
    ----------
    sought
        What is looked for.
    by_moment
        Whether the list is by when data begin, or its order does not matter.
    """
    query, shape, dialect = sought.query, sought.shape, sought.dialect
    held, values = _held(sought)
    if query.since is None and query.until is None:
        return [Way(held, sought.has_few, values)]
    if _is_narrow(sought):
        by_index = bool(query.stream or query.collection or query.ktype)  # have one with time
        in_time = _in_time(dialect, shape, hidden=not by_index)
        return [Way((*held, *in_time), sought.has_few, values)]
    ranges = _ranges(sought)
    if by_moment or _are_few(sought, ranges):
        ends = (ENDS_SINCE,) if shape.since else ()
        return [
            Way((*held, *each.conditions, *ends), not by_moment, {**values, **each.values})
            for each in ranges
        ]
    return [Way((*held, *_in_time(dialect, shape, hidden=True)), values=values)]


def in_order(dialect: str, column: ColumnElement[Any], *, few: bool) -> Any:
    """Return a column to order by; if few are to be ordered, no index of it is gone through."""
    return _hidden(dialect, column) if few else column


def _held(sought: Sought) -> tuple[tuple[ColumnElement[bool], ...], dict[str, Any]]:
    """Return the conditions beside time, and their values."""
    query, shape, dialect = sought.query, sought.shape, sought.dialect
    values = given(query)
    if sought.has_few:  # of these, the rest is true
        values["numbers"] = packed(dialect, sought.by_words)
        return (_among_numbers(dialect), *beside_facets(shape)), values
    if not query.q:
        return without_time(shape), values
    looked_for = words.looked_for(dialect, query.q, facets(query))
    looking = words.by_looking(dialect, tuple(looked_for))
    return (*without_time(shape), *looking), {**values, **looked_for}


def _is_narrow(sought: Sought) -> bool:
    """Return whether few fulfil the conditions beside time."""
    query = sought.query
    if sought.has_few or query.stream or query.identifier or query.position:
        return True
    by_facets = query.ktype or query.collection or query.latest or query.alone
    return bool(by_facets) and sought.total <= sought.few


@cache
def _among_numbers(dialect: str) -> ColumnElement[bool]:
    return among_given(dialect, RESOURCE.number, "numbers")


def _ranges(sought: Sought) -> list[Way]:
    """Return conditions that an index of when data begin can be entered with.

    What lasts longer can begin earlier: it is found by how long it lasts, in steps of two.
    """
    since, until = sought.query.since, (_UNTIL,) if sought.shape.until else ()
    if since is None:
        return [Way(until)]
    return [
        Way((*_LASTING, *until), values={"lasting": each, "begins": _before(since, each)})
        for each in sought.lastings
    ]


def _before(moment: datetime, power: int) -> datetime:
    try:
        return moment - timedelta(seconds=1 << power)
    except OverflowError:
        return datetime.min  # noqa: DTZ901 - moments of the store are UTC without a zone


def _are_few(sought: Sought, ranges: Sequence[Way]) -> bool:
    left = sought.few + 1
    for way in ranges:
        left -= number_of(
            sought, Way(way.conditions, values={**given(sought.query), **way.values}), left
        )
        if left <= 0:
            return False
    return True


def number_of(sought: Sought, way: Way, most: int) -> int:
    """Return how many resources are found in a way, at most so many."""
    counting = _counting(way.conditions, few=way.few, once=sought.planned_once)
    return sought.session.connection().scalar(counting, {**way.values, "most": most}) or 0


@lru_cache(maxsize=MOST_STATEMENTS)
def _counting(
    conditions: tuple[ColumnElement[bool], ...], *, few: bool, once: bool
) -> Select[Any]:  # fmt: skip
    chosen = select(RESOURCE.number).where(*conditions)
    if not few:
        # In the order of an index, PostgreSQL stops where it may, and does not collect all.
        chosen = chosen.order_by(RESOURCE.moment, RESOURCE.number)
    counting = select(func.count()).select_from(chosen.limit(bindparam("most")).subquery())
    return planned_once(counting) if once else counting


@cache
def _in_time(dialect: str, shape: Shape, *, hidden: bool) -> tuple[ColumnElement[bool], ...]:
    held: list[ColumnElement[bool]] = []
    if shape.until:
        moment = RESOURCE.moment
        held.append((_hidden(dialect, moment) if hidden else moment) <= bindparam("until"))
    if shape.since:
        held.append(ENDS_SINCE)
    return tuple(held)


@cache
def _hidden(dialect: str, column: ColumnElement[Any]) -> Any:
    """Return the column as SQLite's planner has to see it to leave its indices alone.

    PostgreSQL knows how many rows there are, and has no such sign.
    """
    if dialect != "sqlite":
        return column
    return UnaryExpression(column.expression, operator=custom_op("+"), type_=column.type)
