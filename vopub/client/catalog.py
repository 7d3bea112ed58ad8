"""The catalogue: which collections, streams and resources there are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload

from pydantic import BaseModel

from vopub.client.display import MOST_ROWS, Sheet
from vopub.client.records import parsed
from vopub.errors import nearest

MOST_COMPARED = 2000
"""Names that a misspelt one is compared with."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a list."""

    kind: str
    """``collection``, ``stream`` or ``resource``."""
    identifier: str
    title: str
    description: str
    ktype: str = ""
    version: str = ""
    kid: str = ""
    rows: int | None = None
    simulated: bool = False
    collection: str = ""

    @classmethod
    def of(cls, kind: str, row: dict[str, Any]) -> Entry:
        """Take an entry out of a row of the catalogue."""
        known = {key: row[key] for key in cls.__slots__ if row.get(key) is not None}
        return cls(**{**known, "kind": kind})


class Listing(Sequence[Entry]):
    """A list of what there is: to look at, to index, to loop over.

    Entries are made when they are looked at, so that ten thousand cost nothing.
    """

    def __init__(self, title: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        self.title = title
        self.rows = tuple(rows)
        """Kind and content of each line."""

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Listing: ...
    def __getitem__(self, index: int | slice) -> Entry | Listing:
        if isinstance(index, slice):
            return Listing(self.title, self.rows[index])
        return Entry.of(*self.rows[index])

    @property
    def identifiers(self) -> list[str]:
        """The identifiers in order."""
        return [row["identifier"] for _, row in self.rows]

    def as_json(self) -> list[dict[str, Any]]:
        """Return the list for machines."""
        return [asdict(entry) for entry in self]

    def sheet(self, most: int = MOST_ROWS) -> Sheet:
        """Return the list as a table with at most so many rows."""
        shown = [(e.identifier, e.title, e.description) for e in self[:most]]
        columns = ("Identifier", "Title", "Description")
        return Sheet(self.title, columns, shown, left_out=len(self) - len(shown))

    def __repr__(self) -> str:
        return str(self.sheet())

    def _repr_html_(self) -> str:
        return self.sheet()._repr_html_()


class _Grouping(BaseModel):
    identifier: str
    title: str
    description: str


class _Stream(_Grouping):
    ktype: str
    collection: str


class _Collection(_Grouping):
    resources: tuple[str, ...]
    streams: tuple[str, ...]


class _Resource(_Grouping):
    kid: str
    version: str
    ktype: str
    collection: str
    rows: int | None
    simulated: bool


class _Found(BaseModel):
    resources: tuple[_Resource, ...]


class _Document(BaseModel):
    resources: tuple[_Resource, ...]
    streams: tuple[_Stream, ...]
    collections: tuple[_Collection, ...]


class Catalog:
    """Everything there is, in short.

    Parameters
    ----------
    body
        The document, which :meth:`check` found good when it came.
    """

    def __init__(self, body: bytes) -> None:
        content = json.loads(body)
        self._versions: list[dict[str, Any]] = content["resources"]
        self.streams = {row["identifier"]: row for row in content["streams"]}
        self.collections = {row["identifier"]: row for row in content["collections"]}
        # The newest version of each comes first.
        self.resources: dict[str, dict[str, Any]] = {}
        for row in self._versions:
            self.resources.setdefault(row["identifier"], row)

    @staticmethod
    def check(body: bytes) -> None:
        """Check what a server says is its catalogue.

        Raises
        ------
        ServiceError
            If it is none.
        """
        parsed(_Document, body, "the catalogue")

    def __len__(self) -> int:
        return len(self.resources)

    def top(self) -> Listing:
        """Return all collections, and the streams and resources that are in none."""
        named = _named(self.collections.values())
        rows = [
            (kind, row)
            for kind, row in self._members()
            if row["collection"] not in self.collections and _key(kind, row) not in named
        ]
        return Listing("Open Data Center", [*_rows("collection", self.collections.values()), *rows])

    def members(self, identifier: str) -> Listing:
        """Return what belongs to a collection: its streams, then its resources."""
        collection = self.collections[identifier]
        named = _named([collection])
        rows = [
            (kind, row)
            for kind, row in self._members()
            if row["collection"] == identifier or _key(kind, row) in named
        ]
        return Listing(collection["title"], rows)

    def elements(self, title: str) -> Listing:
        """Return what this catalogue of one stream holds, the newest version of each."""
        return Listing(title, _rows("resource", self.resources.values()))

    def versions(self, identifier: str) -> Listing:
        """Return every version of a resource, the newest first."""
        found = [row for row in self._versions if row["identifier"] == identifier]
        return Listing(identifier, _rows("resource", found))

    def _members(self) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from _rows("stream", self.streams.values())
        yield from _rows("resource", self.resources.values())

    def search(self, words: str) -> Listing:
        """Return the resources in whose identifier, title or description all the words occur."""
        wanted = words.casefold().split()
        rows = [row for row in self.resources.values() if _holds(row, wanted)]
        return Listing(words, _rows("resource", rows))

    def like(self, identifier: str) -> str:
        """Return a hint that names what a misspelt identifier may have meant."""
        names = [*self.collections, *self.streams, *self.resources]
        alike = [name for name in names if name[:3] == identifier[:3]][:MOST_COMPARED]
        close = nearest(identifier, alike)
        return f"did you mean {' or '.join(close)}?" if close else "list() shows what there is"


def check_found(body: bytes) -> None:
    """Check what a server says it found; raises like ``Catalog.check``."""
    parsed(_Found, body, "the list of what was found")


def found(words: str, body: bytes) -> Listing:
    """Return what a server found, after it was checked."""
    return Listing(words, _rows("resource", json.loads(body)["resources"]))


def _holds(row: dict[str, Any], words: Sequence[str]) -> bool:
    text = f"{row['identifier']} {row['title']} {row['description']}".casefold()
    return all(word in text for word in words)


def _rows(kind: str, rows: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((kind, row) for row in rows)


def _key(kind: str, row: dict[str, Any]) -> str:
    return str(row["kid"] if kind == "resource" else row["identifier"])


def _named(collections: Iterable[dict[str, Any]]) -> set[str]:
    """Return the ``kid`` and identifiers that collections name as their members."""
    return {name for c in collections for name in (*c["resources"], *c["streams"])}
