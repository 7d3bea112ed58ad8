"""Which way the resources of a list are found, so that none reads much more than it shows.

A list is either gone through in its order, looking at each resource until a page is full, or the
few that can match are read and put in order. Databases guess which is shorter; here it is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from vopub.odc import tallies, words
from vopub.odc.many import among, column_of
from vopub.odc.rare import Terms, has_terms, have_more, terms_of
from vopub.odc.schema import RESOURCE, RESOURCES
from vopub.odc.search import Query, beside_facets, ends_from, facets, without_time

FEW = 5000
"""So many are read and put in order sooner than a long list is gone through."""
FOR_SURE = 20
"""PostgreSQL takes words for independent of each other, and is hardly wrong by more than this."""
MOST_COUNTED = 1000
"""More than this are not counted where counting means reading them."""


_MORE = RESOURCES.alias("more").c
_NEXT = select(func.min(RESOURCE.lasting).label("lasting")).cte("steps", recursive=True)
# From each to the next one by an index: what lies between is not gone through.
_STEPS = _NEXT.union_all(
    select(
        select(func.min(_MORE.lasting)).where(_MORE.lasting > _NEXT.c.lasting).scalar_subquery()
    ).where(_NEXT.c.lasting.is_not(None))
)
_LASTINGS = select(_STEPS.c.lasting).where(_STEPS.c.lasting.is_not(None))


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

    @cached_property
    def lastings(self) -> list[int]:
        """All that ``lasting`` returned for resources, each once, the least first."""
        return list(self.session.connection().scalars(_LASTINGS))

    def _rarest_first(self) -> str:
        """Return the words so that SQLite does less, which takes the first and looks for others."""
        parts = self.query.q.split()
        return " ".join(sorted(parts, key=self._is_in_many)) if len(parts) > 1 else self.query.q

    def _is_in_many(self, word: str) -> bool:
        found = words.found(self.dialect, word, ())
        return self.session.connection().scalar(found.limit(1).offset(self.few)) is not None


@dataclass(frozen=True, slots=True)
class Way:
    """How a part of a list is found; no resource is in two parts."""

    conditions: list[ColumnElement[bool]] = field(default_factory=list)
    few: bool = False
    """Whether few are left by an index; they are put in order afterwards."""


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
    session, query = sought.session, sought.query
    held, narrow = _held(sought)
    if query.since is None and query.until is None:
        return [Way(held, few=sought.has_few)]
    if narrow:
        by_index = bool(query.stream or query.collection or query.ktype)  # have one with time
        in_time = _in_time(session, query, hidden=not by_index)
        return [Way([*held, *in_time], few=sought.has_few)]
    ranges = list(_ranges(sought, query))
    if by_moment or _are_few(session, ranges):
        ends = [] if query.since is None else [ends_from(query.since)]
        return [Way([*held, *each, *ends], few=not by_moment) for each in ranges]
    return [Way([*held, *_in_time(session, query, hidden=True)])]


def in_order(session: Session, way: Way, column: ColumnElement[Any]) -> Any:
    """Return a column to order by; if few are to be ordered, no index of it is gone through."""
    return _hidden(session, column) if way.few else column


def _held(sought: Sought) -> tuple[list[ColumnElement[bool]], bool]:
    """Return the conditions beside time, and whether few fulfil them."""
    session, query = sought.session, sought.query
    if sought.has_few:  # of these, the rest is true
        found = among(session, RESOURCE.number, sought.by_words)
        return [found, *beside_facets(query)], True
    held = without_time(query)
    if query.q and sought.dialect == "sqlite":
        # SQLite would read all that have the words before it sorts them; it is quicker to go
        # through the list and to look at each.
        held += words.by_looking(query.q)
    elif query.q:
        held.append(words.matching(sought.dialect, query.q, facets(query)))
    narrow = bool(query.stream or query.identifier or query.position)
    if not narrow and (query.ktype or query.collection or query.latest or query.alone):
        narrow = tallies.total(session, query) <= FEW
    return held, narrow


def _ranges(sought: Sought, query: Query) -> Iterator[list[ColumnElement[bool]]]:
    """Yield conditions that an index of when data begin can be entered with.

    What lasts longer can begin earlier: it is found by how long it lasts, in steps of two.
    """
    until = [] if query.until is None else [RESOURCE.moment <= query.until]
    if query.since is None:
        yield until
        return
    for longest in sought.lastings:
        begins = RESOURCE.moment >= _before(query.since, longest)
        yield [RESOURCE.lasting == longest, begins, *until]


def _before(moment: datetime, power: int) -> datetime:
    try:
        return moment - timedelta(seconds=1 << power)
    except OverflowError:
        return datetime.min  # noqa: DTZ901 - moments of the store are UTC without a zone


def _are_few(session: Session, ranges: list[list[ColumnElement[bool]]]) -> bool:
    left = FEW + 1
    for conditions in ranges:
        chosen = select(RESOURCE.number).where(*conditions)
        chosen = chosen.order_by(RESOURCE.moment, RESOURCE.number)  # as in an index
        left -= _count(session, chosen, left)
        if left <= 0:
            return False
    return True


def _count(session: Session, chosen: Select[Any], most: int) -> int:
    some = chosen.limit(most).subquery()
    return session.connection().scalar(select(func.count()).select_from(some)) or 0


def _in_time(session: Session, query: Query, *, hidden: bool) -> list[ColumnElement[bool]]:
    held: list[ColumnElement[bool]] = []
    if query.until is not None:
        moment = RESOURCE.moment
        held.append((_hidden(session, moment) if hidden else moment) <= query.until)
    if query.since is not None:
        held.append(ends_from(query.since))
    return held


def _hidden(session: Session, column: ColumnElement[Any]) -> Any:
    """Return the column as SQLite's planner has to see it to leave its indices alone.

    PostgreSQL knows how many rows there are, and has no such sign.
    """
    if session.get_bind().dialect.name != "sqlite":
        return column
    return UnaryExpression(column.expression, operator=custom_op("+"), type_=column.type)
