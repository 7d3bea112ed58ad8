"""``KM3Store``: the Open Data Center as a physicist uses it."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from vopub.client.cache import Cache
from vopub.client.catalog import Catalog, Listing, found
from vopub.client.faults import MissingThereError, WithdrawnError
from vopub.client.source import Brief, Source
from vopub.settings import load_client_settings

if TYPE_CHECKING:
    from vopub.client.connection import Patience
    from vopub.client.groupings import KM3Grouping
    from vopub.client.objects import KM3Object
    from vopub.client.verify import Report

MOST_FOUND = 200
"""The most that one search gives, which is the most that the service gives at a time."""
NAME = r"[a-z]{2,16}\d{2}_\d{2}(_[a-z0-9_]{1,40})?"
"""What identifiers are like; ``model.resource`` says the same, and takes long to import."""
_CATALOG = "/api/catalog"
_BRIEF = Brief("columns-1", Catalog.brief, Catalog.from_brief)
log = logging.getLogger("vopub.client")


class KM3Store:
    """An Open Data Center: what there is, and the objects behind it.

    Parameters
    ----------
    url
        Address of the Open Data Center; by default the one of the settings, which is the site's
        own unless they name another.
    cache
        Directory that keeps what was fetched.
    offline
        Whether to use only what it holds.
    mirrors
        Addresses with the same content, tried in order if the first does not answer, does not
        have what is asked for, or answers with something else. What was withdrawn is asked for
        nowhere else.
    proxy
        Address of an HTTP proxy.
    patience
        How long to wait for answers.
    progress
        Whether to show a bar for downloads; by default only at a terminal.

    Notes
    -----
    What is not given is taken from the environment (``VOPUB_ODC_URL``, ``VOPUB_CACHE``, …) and
    ``vopub.toml``. Nothing is asked before it is needed. The catalogue is fetched once, and again
    by :meth:`update_catalog`.

    Every method that asks raises ``ServiceError`` if the Open Data Center does not answer or
    answers with something that cannot be used, and ``MissingHereError`` if it is asked offline for
    what is not in the cache.

    Examples
    --------
    >>> store = KM3Store("http://127.0.0.1:8000")
    >>> store.list()
    >>> events = store.get("evts21_01")
    >>> events.data
    """

    def __init__(
        self, url: str | None = None, *, cache: Path | str | None = None,
        offline: bool | None = None, mirrors: Sequence[str] | None = None,
        proxy: str | None = None, patience: Patience | None = None, progress: bool | None = None,
    ) -> None:  # fmt: skip
        options = {
            "client.odc_url": url, "client.cache": cache, "client.offline": offline,
            "client.mirrors": mirrors, "client.proxy": proxy,
        }  # fmt: skip
        settings = load_client_settings(options)
        self._source = Source(
            (str(settings.odc_url), *settings.mirrors), Cache(settings.cache),
            offline=settings.offline, proxy=settings.proxy, patience=patience, progress=progress,
        )  # fmt: skip
        self._catalog: Catalog | None = None

    def __enter__(self) -> KM3Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Close all connections; they are opened again if need be."""
        self._source.close()

    @property
    def url(self) -> str:
        """Address of the Open Data Center."""
        return self._source.base

    @property
    def catalog(self) -> Catalog:
        """Everything there is, in short; fetched at first use."""
        if self._catalog is None:
            self._catalog = self._source.document(_CATALOG, Catalog.from_document, brief=_BRIEF)
        return self._catalog

    def update_catalog(self) -> None:
        """Fetch the catalogue again."""
        self._catalog = None
        log.info("Updated catalog: %d resources.", len(self.catalog))

    def list(self, identifier: str | None = None) -> Listing:
        """Return what there is.

        Parameters
        ----------
        identifier
            A collection: its members; a stream: its elements; a resource: its versions. By default
            all collections, and what is in none.

        Raises
        ------
        MissingThereError
            If there is nothing with this identifier.
        """
        catalog = self.catalog
        if identifier is None:
            return catalog.top()
        if identifier in catalog.collections:
            return catalog.members(identifier)
        if identifier in catalog.streams:
            return self._elements(identifier)
        return self._versions(identifier)

    def search(self, words: str) -> Listing:
        """Return the resources in whose texts all the words occur, at most 200.

        Offline, only titles, descriptions and identifiers of the catalogue are looked through.
        """
        if self._source.offline:
            return self.catalog.search(words)
        params = {"q": words, "latest": "true", "limit": str(MOST_FOUND)}
        return self._source.document(
            "/api/resources", lambda body: found(words, body), params, lasting=False
        )

    def get(self, identifier: str) -> Any:
        """Return an object of the class that its ``ktype`` asks for.

        Parameters
        ----------
        identifier
            Of a collection, a stream or a resource, whose newest version it is;
            ``<identifier>@<version>`` for another version, or its ``kid``.

        Returns
        -------
        KM3Object or KM3Grouping
            E.g. ``KM3Table`` for events, ``LookUpTable``, ``Function``, ``KM3Stream``.

        Raises
        ------
        MissingThereError
            If there is no such thing, or it was withdrawn.
        """
        kid = _kid(identifier)
        if kid is not None:
            return self._object(kid)
        if identifier in self.catalog.collections or identifier in self.catalog.streams:
            return self._grouping(identifier)
        name, _, version = identifier.partition("@")
        for entry in self._versions(name):
            if version in ("", entry.version):
                return self._object(UUID(entry.kid))
        there = ", ".join(entry.version for entry in self._versions(name))
        raise MissingThereError(f"{name} has no version {version!r}", hint=f"there are {there}")

    def verify(self, directory: Path | str) -> Report:
        """Compare a directory that ``download`` or ``vopub publish`` made with what is published.

        Raises
        ------
        MissingHereError
            If the directory has no manifest.
        MissingThereError
            If there is no such resource, or it was withdrawn.
        FileError
            If a file cannot be read.
        """
        from vopub.client.verify import verify  # noqa: PLC0415 - only needed here

        return verify(Path(directory), self._source)

    def _elements(self, stream: str) -> Listing:
        elements = self._source.document(
            _CATALOG, Catalog.from_document, {"stream": stream}, brief=_BRIEF
        )
        return elements.elements(str(self.catalog.streams[stream]["title"]))

    def _versions(self, identifier: str) -> Listing:
        """Return all versions of a resource, also of one that is in a stream."""
        if identifier in self.catalog.resources:
            return self.catalog.versions(identifier)
        element = self._of_a_stream(identifier)
        if element is None:
            element = self._of_a_withdrawn_stream(identifier)
        if not element:
            self._check_withdrawn(identifier)
            what = f"there is no collection, stream or resource {identifier!r}"
            raise MissingThereError(what, where=self.url, hint=self.catalog.like(identifier))
        return element

    def _of_a_withdrawn_stream(self, identifier: str) -> Listing | None:
        """Ask for an element whose stream is not in the catalogue any more."""
        if self._source.offline or not re.fullmatch(NAME, identifier):
            return None
        params = {"identifier": identifier, "limit": str(MOST_FOUND)}
        return self._source.document(
            "/api/resources", lambda body: found(identifier, body), params, lasting=False
        )

    def _check_withdrawn(self, identifier: str) -> None:
        """Raise the error that says why a stream or a collection was withdrawn, if one was."""
        if self._source.offline or not re.fullmatch(NAME, identifier):
            return
        for kind in ("streams", "collections"):
            path = f"/api/{kind}/{identifier}"
            try:
                self._source.document(path, bytes, lasting=False)
            except WithdrawnError:
                raise
            except MissingThereError:
                continue  # there never was one

    def _of_a_stream(self, identifier: str) -> Listing | None:
        """Look for an element, whose identifier begins with that of its stream."""
        for stream in self.catalog.streams:
            if identifier.startswith(f"{stream}_"):
                same = [e for e in self._elements(stream).rows if e[1]["identifier"] == identifier]
                if same:
                    return Listing(identifier, same)
        return None

    def _grouping(self, identifier: str) -> KM3Grouping:
        from vopub.client.groupings import KM3Collection, KM3Stream  # noqa: PLC0415

        catalog = self.catalog
        if identifier in catalog.collections:
            about, kind = catalog.collections[identifier], KM3Collection
            return kind(about, catalog.members(identifier), self.get)
        return KM3Stream(catalog.streams[identifier], self._elements(identifier), self.get)

    def _object(self, kid: UUID) -> KM3Object:
        # Imported here: a catalogue is looked at without it.
        from vopub.client.opening import open_object  # noqa: PLC0415

        return open_object(kid, self._source)


def _kid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
