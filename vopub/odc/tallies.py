"""How many resources there are, by kind, collection and stream: sums of numbers that are kept.

A page asks for several of them; the statements are made once for whatever is asked by.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from vopub.odc.looking import planned_once
from vopub.odc.schema import Base, TallyRow, TotalRow
from vopub.odc.search import Query

_BY_STREAM = Base.metadata.tables[TallyRow.__tablename__].c
_OF_ALL = Base.metadata.tables[TotalRow.__tablename__].c


def total(session: Session, query: Query) -> int:
    """Return how many match; of the query, what ``by_facet`` heeds counts."""
    asked = _asked(query)
    statement = _statement(tuple(asked), "", within=False)
    return int(session.connection().scalar(statement, asked) or 0)


def by_facet(
    session: Session, facet: str, query: Query, names: Collection[str] | None = None
) -> dict[str, int]:
    """Return how many resources there are of each kind, or in each collection or stream.

    Parameters
    ----------
    session
        A transaction that reads.
    facet
        ``ktype``, ``collection`` or ``stream``.
    query
        Of which ``ktype``, ``collection``, ``stream``, ``alone`` and ``latest`` count.
    names
        Of those that are counted, unless all are.
    """
    asked = _asked(query)
    statement = _statement(tuple(asked), facet, within=names is not None)
    given = asked if names is None else {**asked, "names": list(names)}
    found = session.connection().execute(statement, given)
    return {value: int(count) for count, value in found if count}


def _asked(query: Query) -> dict[str, Any]:
    """Return what the columns must be that are asked for."""
    wanted: Mapping[str, Any] = {
        "ktype": query.ktype and query.ktype.value, "collection": query.collection,
        "stream": query.stream, "latest": query.latest,
    }  # fmt: skip
    asked = {name: value for name, value in wanted.items() if value}
    return {**asked, "stream": ""} if query.alone else asked


@cache
def _statement(asked: tuple[str, ...], facet: str, *, within: bool) -> Select[Any]:
    """Return the sum, for each value of a facet or of all, of what is asked for."""
    kept = _BY_STREAM if "stream" in (*asked, facet) else _OF_ALL
    held = [kept[name] == bindparam(name) for name in asked]
    counted = select(func.sum(kept.resources)).where(*held)
    if facet:
        column = kept[facet]
        counted = counted.add_columns(column).group_by(column).order_by(column)
        if within:
            counted = counted.where(column.in_(bindparam("names", expanding=True)))
    return planned_once(counted)
