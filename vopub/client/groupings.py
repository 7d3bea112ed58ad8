"""Streams and collections: lists of what belongs to them, with a title and a description."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from typing import Any

from vopub.client.catalog import Listing
from vopub.client.display import Sheet, plain, show


class KM3Grouping(Listing):
    """What streams and collections have in common.

    Parameters
    ----------
    about
        What the catalogue says about it.
    members
        What belongs to it.
    get
        Gives the object of a member.
    """

    def __init__(self, about: dict[str, Any], members: Listing, get: Callable[[str], Any]) -> None:
        super().__init__(about["title"], members.rows)
        self.metadata = about
        self._get = get

    @property
    def identifier(self) -> str:
        """Identifier, e.g. ``acoustic20_01``."""
        return str(self.metadata["identifier"])

    @property
    def description(self) -> str:
        """What it is."""
        return str(self.metadata["description"])

    @property
    def data(self) -> list[str]:
        """The identifiers of what belongs to it."""
        return self.identifiers

    def objects(self) -> Iterator[Any]:
        """Yield what belongs to it as ``KM3Store.get`` gives it, each fetched at its turn."""
        for entry in self:
            yield self._get(entry.kid or entry.identifier)

    def show_metadata(self) -> None:
        """Print what it is."""
        rows = [
            (key, value) for key, value in self.metadata.items() if isinstance(value, str) and value
        ]
        show(Sheet(self.identifier, ("", ""), rows))

    def __repr__(self) -> str:
        head = f"{type(self).__name__} {self.identifier}: {plain(self.description)}"
        return f"{head}\n{self.sheet()}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(plain(self.description))}</p>{self.sheet()._repr_html_()}"


class KM3Collection(KM3Grouping):
    """Resources and streams of one analysis or data set."""


class KM3Stream(KM3Grouping):
    """Similar resources that follow each other, e.g. recordings of a hydrophone."""
