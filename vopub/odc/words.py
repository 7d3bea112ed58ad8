"""Searching by words, the same on SQLite (FTS5) and on PostgreSQL (tsvector).

The words of a text are made here, not by the database, so that both find the same. What a list is
narrowed by most often (kind, collection, stream, latest version) is a word too, as
``ktype=events``: the database then intersects sorted lists instead of reading resources.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    cast,
    column,
    exists,
    false,
    literal,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from vopub.odc.many import insert_values
from vopub.odc.schema import RESOURCE

SHORTEST_BEGINNING = 3
"""With less, too much begins."""
LONGEST_WORD = 80
MOST_WORDS = 4000
"""Different words of one resource that can be found; PostgreSQL's own limit is 1 MB."""
MOST_TEXTS = 500
"""Texts whose words are remembered: the elements of a stream say mostly the same."""
MOST_ESTIMATED = 10
"""Words of a search of which PostgreSQL is asked how rare they are."""
NAME = "resource_words"
"""Table of the words; the migrations make it, for each database its own kind."""

_SQLITE = table(NAME, column("rowid", BigInteger), column(NAME))
_POSTGRESQL = table(NAME, column("number", BigInteger), column("words"))
_WORD = re.compile(r"\w+")
_REMOVE = {
    "sqlite": "resource_words(resource_words, rowid, words)",
    "postgresql": "DELETE FROM resource_words USING unnest(CAST(:number AS bigint[]), "
    "CAST(:words AS text[])) AS old(number, words) WHERE resource_words.number = old.number",
}
_ADD = {
    "sqlite": "resource_words(rowid, words)",
    "postgresql": "INSERT INTO resource_words(number, words) "
    "SELECT number, array_to_tsvector(array_remove(string_to_array(words, ' '), '')) "
    "FROM unnest(CAST(:number AS bigint[]), CAST(:words AS text[])) AS new(number, words)",
}
_EXPLAIN = text(
    "EXPLAIN (FORMAT JSON) SELECT FROM resource_words WHERE words @@ CAST(:wanted AS tsquery)"
)
_CLEAR = {
    "sqlite": "INSERT INTO resource_words(resource_words) VALUES ('delete-all')",
    "postgresql": "TRUNCATE resource_words",
}


def tokens_of(texts: Iterable[str]) -> list[str]:
    """Return the different words of texts, sorted, in a form of ASCII without case or accents.

    An s at the end is left out, so that one and many are found by each other. A word with
    underscores (``angular_error``) counts as a whole and in its parts.
    """
    return sorted(frozenset().union(*map(_tokens_of_one, texts)))[:MOST_WORDS]


@lru_cache(maxsize=MOST_TEXTS)
def _tokens_of_one(content: str) -> frozenset[str]:
    found: set[str] = set()
    for word in _split(content):
        found.add(_single(word))
        if "_" in word:
            found.update(_single(part) for part in word.split("_") if part)
    return frozenset(found)


def _split(content: str) -> list[str]:
    if content.isascii():  # most of it is, and takes a tenth of the time
        return [word[:LONGEST_WORD] for word in _WORD.findall(content.lower())]
    plain = unicodedata.normalize("NFKD", content).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return [_ascii(word) for word in _WORD.findall(plain)]


def _ascii(word: str) -> str:
    return "".join(c if c.isascii() else f"~{ord(c):x}~" for c in word[:LONGEST_WORD])


def _single(word: str) -> str:
    return word[:-1] if len(word) > SHORTEST_BEGINNING and word.endswith("s") else word


@dataclass(frozen=True, slots=True)
class _Typed:
    """A word that somebody looks for."""

    word: str
    begins: bool
    """Whether longer words count that begin with it."""


def _typed(q: str) -> list[_Typed]:
    found = []
    for part in q.split():
        *first, last = _split(part) or [""]
        found += [_Typed(_single(word), begins=False) for word in first]
        begins = part.endswith("*") and len(last) >= SHORTEST_BEGINNING
        if last:
            found.append(_Typed(last if begins else _single(last), begins))
    return found


def facets_of(row: Mapping[str, Any]) -> list[str]:
    """Return the words that stand for the kind, collection and stream of a resource."""
    named = [facet(name, row[name]) for name in ("ktype", "collection", "stream") if row[name]]
    return [*named, facet("latest", "yes")] if row["latest"] else named


def facet(name: str, value: str) -> str:
    """Return the word that stands for a property."""
    return f"{name}={value}".replace("-", "_")


def replace(
    connection: Connection,
    before: Iterable[Mapping[str, Any]],
    after: Iterable[Mapping[str, Any]],
) -> None:
    """Take resources out of the index as they were, and put them in as they are.

    Each is given by ``number``, ``words``, ``ktype``, ``collection``, ``stream`` and ``latest``.
    """
    for statements, rows, order in ((_REMOVE, before, ("delete",)), (_ADD, after, ())):
        values = [(row["number"], _document(row)) for row in rows]
        if values and connection.dialect.name == "postgresql":
            # One statement for all: each would wait for an answer of its own.
            numbers, documents = map(list, zip(*values, strict=True))
            together = {"number": numbers, "words": documents}
            connection.execute(text(statements["postgresql"]), together)
        elif values:
            insert_values(connection, statements["sqlite"], [(*order, *row) for row in values])


def clear(connection: Connection) -> None:
    """Empty the index."""
    connection.execute(text(_CLEAR[connection.dialect.name]))


def matching(dialect: str, q: str, facets: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a resource has all words of ``q``.

    ``hydro*`` stands for all that begin so.

    Parameters
    ----------
    dialect
        ``sqlite`` or ``postgresql``.
    q
        What somebody typed; if nothing in it is a word, nothing matches.
    facets
        What else it must have, as ``facet`` writes it.
    """
    rows = found(dialect, q, facets)
    if dialect == "sqlite":
        return RESOURCE.number.in_(rows)
    return exists(rows.where(_POSTGRESQL.c.number == RESOURCE.number))


def found(dialect: str, q: str, facets: Sequence[str]) -> Select[Any]:
    """Return the selection of the numbers of the resources that ``matching`` speaks of."""
    typed = _typed(q)
    if dialect == "sqlite":
        wanted = " AND ".join(
            [*(f'"{t.word}"{"*" * t.begins}' for t in typed), *(f'"{f}"' for f in facets)]
        )
        match = _SQLITE.c[NAME].op("MATCH")(wanted)
        return select(_SQLITE.c.rowid).where(match if typed else false())
    held = _has([*map(_term, typed), *map(_quoted, facets)])
    return select(_POSTGRESQL.c.number).where(held if typed else false())


def found_by_rare(session: Session, q: str, facets: Sequence[str], few: int) -> Select[Any]:
    """Return the same for PostgreSQL, which reads less if some of the words are rare.

    Its index would be gone through for all words; here, what is in more than ``few`` resources is
    looked for in those that have the rare words, which are read in any case.
    """
    typed = list(dict.fromkeys(_typed(q)))
    rare = [each for each in typed[:MOST_ESTIMATED] if _estimate(session, each) <= few]
    if not rare:
        return found("postgresql", q, facets)
    chosen = select(_POSTGRESQL.c.number).where(_has(map(_term, rare)))
    others = [*(_term(each) for each in typed if each not in rare), *map(_quoted, facets)]
    # Whether it is true, and not false or unknown, is nothing that an index can tell.
    return chosen.where(_has(others).is_(True)) if others else chosen


def _estimate(session: Session, typed: _Typed) -> int:
    """Return about how many resources have a word, as PostgreSQL plans with."""
    plan = session.connection().scalar(_EXPLAIN, {"wanted": _term(typed)})
    return int(plan[0]["Plan"]["Plan Rows"])  # of the whole, however it is carried out


def _has(terms: Iterable[str]) -> ColumnElement[bool]:
    wanted = cast(" & ".join(terms), TSQUERY)
    return _POSTGRESQL.c.words.bool_op("@@")(wanted)


def _term(typed: _Typed) -> str:
    return _quoted(typed.word) + ":*" * typed.begins


def _quoted(word: str) -> str:
    return f"'{word}'"


def by_looking(q: str) -> list[ColumnElement[bool]]:
    """Return the same condition in a form for going through resources one by one."""
    spaced = literal(" ").concat(RESOURCE.words).concat(" ")
    wanted = [f" {typed.word}{'' if typed.begins else ' '}" for typed in _typed(q)]
    return [spaced.contains(word, autoescape=True) for word in wanted]


def _document(row: Mapping[str, Any]) -> str:
    return " ".join([row["words"], *facets_of(row)]).strip()
