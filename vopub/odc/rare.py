"""Which words are rare, and what that is good for on PostgreSQL.

It would go through its index for the common ones as well. Here, what is in many resources is looked
for in those that have the rare words, which are read in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Connection, Engine, cast, literal, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from vopub.odc import words

MOST_ESTIMATED = 10
"""Words of a search of which PostgreSQL is asked how rare they are."""
REMEMBERED = 60.0
"""Seconds for which words stay ones that many resources have."""
MOST_REMEMBERED = 1000

_EXPLAIN = text(
    "EXPLAIN (FORMAT JSON) SELECT FROM resource_words WHERE words @@ CAST(:wanted AS tsquery)"
)
_common: WeakKeyDictionary[Engine, dict[tuple[str, int], float]] = WeakKeyDictionary()


class Terms(NamedTuple):
    """What a search asks for, as PostgreSQL has it."""

    rare: str
    """Words that few resources have."""
    others: str
    """Everything else; empty if there is nothing."""


def terms_of(session: Session, q: str, facets: Sequence[str], few: int) -> Terms | None:
    """Return what is asked for by its rare words; None if there are none.

    Parameters
    ----------
    session
        A transaction that reads PostgreSQL.
    q, facets
        As ``words.found`` has them.
    few
        A word is rare if at most about so many resources have it.
    """
    terms = words.terms_of(q)
    rare = [each for each in terms[:MOST_ESTIMATED] if not _are_in_more(session, each, few)]
    if not rare:
        return None
    others = [*(each for each in terms if each not in rare), *map(words.quoted, facets)]
    return Terms(" & ".join(rare), " & ".join(others))


def have_more(session: Session, q: str, facets: Sequence[str], number: int) -> bool:
    """Return whether PostgreSQL thinks that more than so many have all that is asked for."""
    wanted = words.wanted_of(q, facets)
    return bool(wanted) and _are_in_more(session, wanted, number)


def has(rare: ColumnElement[str], others: ColumnElement[str] | None) -> list[ColumnElement[bool]]:
    """Return the conditions that a row of the table of words has the two of ``Terms``."""
    found = [words.has(cast(rare, TSQUERY))]
    if others is not None:
        # Whether it is true, and not false or unknown, is nothing that an index can tell.
        found.append(words.has(cast(others, TSQUERY)).is_(True))
    return found


def has_terms(terms: Terms) -> list[ColumnElement[bool]]:
    """Return the same for what is asked for."""
    return has(literal(terms.rare), literal(terms.others) if terms.others else None)


def are_in_many(connection: Connection, wanted: str, number: int, look: Callable[[], bool]) -> bool:
    """Return whether more than so many resources have some words.

    A wrong answer costs time only: what is found is counted. So what became common is taken to stay
    so for a while.

    Parameters
    ----------
    connection
        To the database that is asked.
    wanted, number
        Which words, and how many resources.
    look
        Finds out, if it is not known.
    """
    known = _common.setdefault(connection.engine, {})
    if known.get((wanted, number), 0.0) > monotonic():
        return True
    are = look()
    if are:
        if len(known) >= MOST_REMEMBERED:
            known.clear()
        known[wanted, number] = monotonic() + REMEMBERED
    return are


def _are_in_more(session: Session, wanted: str, number: int) -> bool:
    """Return the same as PostgreSQL plans with."""
    connection = session.connection()
    return are_in_many(
        connection, wanted, number, lambda: _estimate(connection, wanted) > number
    )  # fmt: skip


def _estimate(connection: Connection, wanted: str) -> int:
    plan = connection.scalar(_EXPLAIN, {"wanted": wanted})
    return int(plan[0]["Plan"]["Plan Rows"])  # of the whole, however it is carried out
