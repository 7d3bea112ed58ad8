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
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from vopub.odc.many import insert_values
from vopub.odc.schema import RESOURCE

SHORTEST_BEGINNING = 3
"""With less, too much begins."""
LONGEST_WORD = 80
MOST_WORDS = 4000
"""Different words of one resource that can be found; PostgreSQL's own limit is 1 MB."""
MOST_TEXTS = 500
"""Texts whose words are remembered: the elements of a stream say mostly the same."""
NAME = "resource_words"
"""Table of the words; the migrations make it, for each database its own kind."""

_SQLITE = table(NAME, column("rowid", BigInteger), column(NAME))
POSTGRESQL = table(
    NAME, column("number", BigInteger), column("identifier", RESOURCE.identifier.type),
    column("version_key", RESOURCE.version_key.type), column("moment", RESOURCE.moment.type),
    column("words"),
)  # fmt: skip
"""Its columns in PostgreSQL: beside the words, what lists are ordered by."""
_KEPT = tuple(column.name for column in POSTGRESQL.columns)
_WORD = re.compile(r"\w+")
_REMOVE = {
    "sqlite": "resource_words(resource_words, rowid, words)",
    "postgresql": "DELETE FROM resource_words USING unnest(CAST(:number AS bigint[]), "
    "CAST(:words AS text[])) AS old(number, words) WHERE resource_words.number = old.number",
}
_ADD = {
    "sqlite": "resource_words(rowid, words)",
    "postgresql": "INSERT INTO resource_words(number, identifier, version_key, moment, words) "
    "SELECT number, identifier, version_key, moment, "
    "array_to_tsvector(array_remove(string_to_array(words, ' '), '')) "
    "FROM unnest(CAST(:number AS bigint[]), CAST(:identifier AS text[]), "
    "CAST(:version_key AS text[]), CAST(:moment AS timestamp[]), CAST(:words AS text[])) "
    "AS new(number, identifier, version_key, moment, words)",
}
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

    Each is given by ``number``, ``words``, ``ktype``, ``collection``, ``stream`` and ``latest``,
    and by ``identifier``, ``version_key`` and ``moment``.
    """
    for statements, rows, order in ((_REMOVE, before, ("delete",)), (_ADD, after, ())):
        values = [{**row, "words": _document(row)} for row in rows]
        if values and connection.dialect.name == "postgresql":
            # One statement for all: each would wait for an answer of its own.
            together = {name: [row[name] for row in values] for name in _KEPT}
            connection.execute(text(statements["postgresql"]), together)
        elif values:
            told = [(*order, row["number"], row["words"]) for row in values]
            insert_values(connection, statements["sqlite"], told)


def clear(connection: Connection) -> None:
    """Empty the index."""
    connection.execute(text(_CLEAR[connection.dialect.name]))


def found(dialect: str, q: str, facets: Sequence[str]) -> Select[Any]:
    """Return the selection of the numbers of the resources that have all words of ``q``.

    ``hydro*`` stands for all that begin so.

    Parameters
    ----------
    dialect
        ``sqlite`` or ``postgresql``.
    q
        What somebody typed; if nothing in it is a word, nothing is found.
    facets
        What else they must have, as ``facet`` writes it.
    """
    typed = _typed(q)
    if dialect == "sqlite":
        wanted = " AND ".join(
            [*(f'"{t.word}"{"*" * t.begins}' for t in typed), *(f'"{f}"' for f in facets)]
        )
        match = _SQLITE.c[NAME].op("MATCH")(wanted)
        return select(_SQLITE.c.rowid).where(match if typed else false())
    held = has(cast(wanted_of(q, facets), TSQUERY))
    return select(POSTGRESQL.c.number).where(held if typed else false())


def has(wanted: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return that a row of PostgreSQL's table has what a ``tsquery`` asks for."""
    return POSTGRESQL.c.words.bool_op("@@")(wanted)


def terms_of(q: str) -> list[str]:
    """Return the words of a search, each once, as PostgreSQL has them."""
    return list(dict.fromkeys(map(_term, _typed(q))))


def wanted_of(q: str, facets: Sequence[str]) -> str:
    """Return all that a search asks for, as PostgreSQL has it."""
    return " & ".join([*terms_of(q), *map(quoted, facets)])


def _term(typed: _Typed) -> str:
    return quoted(typed.word) + ":*" * typed.begins


def quoted(word: str) -> str:
    """Return a word, or what ``facet`` returned, as PostgreSQL has it."""
    return f"'{word}'"


def looked_for(dialect: str, q: str, facets: Sequence[str]) -> dict[str, str]:
    """Return the values that ``by_looking`` names."""
    if dialect == "postgresql":
        return {"wanted": wanted_of(q, facets)}
    words = (f" {typed.word}{'' if typed.begins else ' '}" for typed in _typed(q))
    return {f"word_{place}": word for place, word in enumerate(words)}


@cache
def by_looking(dialect: str, names: tuple[str, ...]) -> tuple[ColumnElement[bool], ...]:
    """Return the same condition in a form for going through resources one by one.

    SQLite would read all that have the words before it sorts them.

    Parameters
    ----------
    dialect
        ``sqlite`` or ``postgresql``.
    names
        Of the values that ``looked_for`` returned.
    """
    if dialect == "postgresql":
        held = has(cast(bindparam("wanted"), TSQUERY))
        rows = select(POSTGRESQL.c.number).where(held)
        return (exists(rows.where(POSTGRESQL.c.number == RESOURCE.number)),)
    spaced = literal(" ").concat(RESOURCE.words).concat(" ")
    return tuple(func.instr(spaced, bindparam(name)) > 0 for name in names)


def _document(row: Mapping[str, Any]) -> str:
    return " ".join([row["words"], *facets_of(row)]).strip()
