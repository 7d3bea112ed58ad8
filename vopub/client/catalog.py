"""The catalogue: which collections, streams and resources there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload

from pydantic_core import from_json, to_json

from vopub.client.display import MOST_ROWS, Sheet, plain
from vopub.errors import ServiceError, nearest

MOST_SAID = 300
"""Characters of what is wrong that are passed on."""
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


_GROUPING = {"identifier": str, "title": str, "description": str}
_SHAPES: dict[str, dict[str, Any]] = {
    "resources": {
        **_GROUPING, "kid": str, "version": str, "ktype": str, "collection": str,
        "rows": (int, type(None)), "simulated": bool,
    },
    "streams": {**_GROUPING, "ktype": str, "collection": str},
    "collections": {**_GROUPING, "resources": list, "streams": list},
}  # fmt: skip
"""What the client needs of each part of the catalogue, and of which type."""


class Catalog:
    """Everything there is, in short.

    Parameters
    ----------
    content
        Rows of ``resources``, ``streams`` and ``collections`` that were looked at.
    """

    def __init__(self, content: dict[str, list[dict[str, Any]]]) -> None:
        self._versions = content["resources"]
        self.streams = {row["identifier"]: row for row in content["streams"]}
        self.collections = {row["identifier"]: row for row in content["collections"]}
        # The newest version of each comes first.
        self.resources: dict[str, dict[str, Any]] = {}
        for row in self._versions:
            self.resources.setdefault(row["identifier"], row)

    @classmethod
    def from_document(cls, body: bytes) -> Catalog:
        """Return the catalogue that a server sent.

        Raises
        ------
        ServiceError
            If it is none.
        """
        return cls(_content(body, _SHAPES))

    @classmethod
    def from_brief(cls, body: bytes) -> Catalog:
        """Return the catalogue that ``brief`` wrote down; it was looked at before that.

        Raises
        ------
        ServiceError
            If it is none.
        """
        return cls(_unfolded(body))

    def brief(self) -> bytes:
        """Return it as the client keeps it: resources by columns are less, and quicker to read."""
        shape = _SHAPES["resources"]
        columns = {key: [row[key] for row in self._versions] for key in shape}
        groupings = {"streams": [*self.streams.values()],
                     "collections": [*self.collections.values()]}  # fmt: skip
        return to_json({"resources": columns, **groupings})

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


def found(words: str, body: bytes) -> Listing:
    """Return what a server says it found.

    Raises
    ------
    ServiceError
        If it is no list of resources.
    """
    content = _content(body, {"resources": _SHAPES["resources"]})
    return Listing(words, _rows("resource", content["resources"]))


def _content(body: bytes, shapes: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return a document whose parts have their shapes.

    Ten thousand models would take longer to make than the document to come; these are plain
    dictionaries, looked at key by key.
    """
    try:
        content: dict[str, list[dict[str, Any]]] = from_json(body)
        for part, shape in shapes.items():
            for place, row in enumerate(content[part]):
                _check_row(f"{part}.{place}", row, shape)
    except (ValueError, TypeError, KeyError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        what = f"the catalogue cannot be used: {plain(reason)[:MOST_SAID]}"
        hint = "is this the address of an Open Data Center?"
        raise ServiceError(what, hint=hint) from error
    return content


def _unfolded(body: bytes) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a catalogue that is kept by columns."""
    try:
        content: dict[str, Any] = from_json(body)
        columns = content["resources"]
        keys = tuple(_SHAPES["resources"])
        lines = zip(*(columns[key] for key in keys), strict=True)
        rows = [dict(zip(keys, line, strict=True)) for line in lines]
    except (ValueError, TypeError, KeyError) as error:
        what = "the catalogue in the cache cannot be used"
        raise ServiceError(what, hint="update_catalog() fetches it again") from error
    return {**content, "resources": rows}


def _check_row(place: str, row: dict[str, Any], shape: dict[str, Any]) -> None:
    for key, kind in shape.items():
        if not isinstance(row[key], kind):
            raise TypeError(f"{place}.{key} is {row[key]!r:.60}")
    if isinstance(row.get("resources"), list) and not all(
        isinstance(name, str) for name in (*row["resources"], *row["streams"])
    ):
        raise TypeError(f"{place} names members that are no names")


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
