"""Where documents and files come from: the cache if they are right there, else a server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from vopub.client.cache import Cache, Kept
from vopub.client.faults import AwayError, MissingHereError
from vopub.errors import ServiceError

if TYPE_CHECKING:
    from requests import Session

    from vopub.client.connection import Connection, Patience
    from vopub.client.records import FileEntry, RemoteEntry

Content = TypeVar("Content")
log = logging.getLogger("vopub.client")


@dataclass(frozen=True, slots=True)
class Brief(Generic[Content]):
    """A short form in which a document is kept instead of as it came."""

    name: str
    """Another one for each form, so that no version takes the form of another for its own."""
    make: Callable[[Content], bytes]
    read: Callable[[bytes], Content]


class Source:
    """An Open Data Center, its mirrors and the cache of what came from them.

    Parameters
    ----------
    addresses
        The Open Data Center first, then its mirrors.
    cache
        What was fetched before.
    offline
        Whether to use only that.
    proxy, patience, progress
        As for ``Connection`` and ``download``.
    """

    def __init__(
        self, addresses: Sequence[str], cache: Cache, *, offline: bool = False,
        proxy: str | None = None, patience: Patience | None = None, progress: bool | None = None,
    ) -> None:  # fmt: skip
        self.addresses = tuple(address.rstrip("/") for address in addresses)
        self.cache = cache
        self.offline = offline
        self._proxy = proxy
        self._patience = patience
        self._progress = progress

    @property
    def base(self) -> str:
        """The address of the Open Data Center, under which its documents are kept."""
        return self.addresses[0]

    @cached_property
    def connection(self) -> Connection:
        """The way to the servers; nothing is opened before it is needed."""
        # Imported here, so that offline nothing waits for it.
        from vopub.client.connection import Connection  # noqa: PLC0415

        return Connection(self.addresses, proxy=self._proxy, patience=self._patience)

    def session(self) -> Session:
        """Return what pyvo is to ask services with: by our proxy, not by the environment's."""
        from pyvo.utils.http import create_session  # noqa: PLC0415 - takes a second

        session: Session = create_session()
        session.trust_env = False
        if self._proxy:
            session.proxies = dict.fromkeys(("http", "https"), self._proxy)
        return session

    def close(self) -> None:
        """Close all connections."""
        if "connection" in self.__dict__:
            self.connection.close()

    def document(
        self, path: str, parse: Callable[[bytes], Content],
        params: Mapping[str, str] | None = None, *, lasting: bool = True,
        brief: Brief[Content] | None = None,
    ) -> Content:  # fmt: skip
        """Return what ``parse`` makes of a document; it raises if it cannot be used.

        Parameters
        ----------
        path, params
            What to ask for.
        parse
            Reads a document; one that it refuses is not kept.
        lasting
            Whether to keep it.
        brief
            In which form to keep it; by default as it came.

        Raises
        ------
        MissingHereError
            If offline, and it is not kept.
        MissingThereError, AwayError, ServiceError
            As ``Connection.document``; it is said whether there is a copy to work with offline.
        """
        params = params or {}
        place = {**params, "brief": brief.name} if brief else params
        read = brief.read if brief else parse
        kept = self.cache.load(self.base, path, place) if lasting else None
        if kept is None and brief and self.offline:  # an older version kept it as it came
            kept, read = self.cache.load(self.base, path, params), parse
        if self.offline:
            return read(self._kept(kept, path))
        try:
            found = self.connection.document(path, params, parse, kept.etag if kept else "")
        except AwayError as error:
            raise _with_copy(error, kept) from error
        if found is None:  # only where there is a copy
            log.info("Loaded %s from cache.", path)
            return read(kept.body if kept else b"")
        if lasting:
            body = brief.make(found.content) if brief else found.body
            self.cache.save(self.base, path, place, body, found.etag)
        return found.content

    def file(self, kid: UUID, file: FileEntry) -> Path:
        """Return a file in the cache, fetched if it is not there.

        Raises
        ------
        MissingHereError
            If offline, and it is not kept.
        MissingThereError, ServiceError, FileError
            As ``download``.
        """
        place = self.cache.file(file.sha256)
        self._bring(kid, file, place, keep=True)
        return place

    def save(self, kid: UUID, file: FileEntry, target: Path) -> bool:
        """Bring a file to ``target``, from the cache if it is there; tell whether it was not there.

        Raises
        ------
        MissingHereError, MissingThereError, ServiceError, FileError
            As ``file``.
        """
        return self._bring(kid, file, target, keep=False)

    def remote(self, kid: UUID, file: RemoteEntry, target: Path | None = None) -> Path:
        """Return a file that another server keeps: at ``target``, or in the cache.

        Raises
        ------
        MissingHereError
            If offline, and it is not there.
        MissingThereError, ServiceError, FileError
            As ``elsewhere.fetch``.
        """
        # Imported here: a catalogue is looked at without it.
        from vopub.client.connection import Patience  # noqa: PLC0415
        from vopub.client.elsewhere import Way, fetch, may_be  # noqa: PLC0415
        from vopub.public_web import is_loopback  # noqa: PLC0415

        place = target or self.cache.remote(kid, file.name, file.sha256)
        if target is None and place.is_file() and not may_be(file, place):
            place.unlink()  # it was damaged
        if self.offline and not place.exists():
            what = f"{file.name} is not in {place.parent}"
            raise MissingHereError(what, hint="get it while its server can be reached")
        own = is_loopback(urlsplit(self.base).hostname or "")
        way = Way(self._proxy, self._patience or Patience(), loopback=own)
        fetch(file, place, way, progress=self._progress)
        return place

    def _bring(self, kid: UUID, file: FileEntry, target: Path, *, keep: bool) -> bool:
        # Imported here: a catalogue is looked at without it.
        from vopub.client.download import Wanted, copy, download, is_here  # noqa: PLC0415

        kept = self.cache.file(file.sha256)
        if is_here(file, kept):
            return False if keep else copy(kept, file, target)
        if keep and kept.is_file():
            kept.unlink()  # it was damaged
        if self.offline:
            what = f"{file.name} is not in the cache {self.cache.directory}"
            raise MissingHereError(what, hint="get it while the server can be reached")
        return download(self.connection, Wanted(kid, file), target, progress=self._progress)

    def _kept(self, kept: Kept | None, path: str) -> bytes:
        if kept is None:
            what = f"{path} of {self.base} is not in the cache {self.cache.directory}"
            raise MissingHereError(what, hint="get it once while the server can be reached")
        log.info("Loaded %s from cache, as it was on %s.", path, kept.fetched)
        return kept.body


def _with_copy(error: AwayError, kept: Kept | None) -> ServiceError:
    """Return an error that also says what can be done without the server."""
    if kept is None:
        return error
    hint = f"{error.hint}, or work offline with what was fetched on {kept.fetched}"
    return AwayError(error.what, where=error.where, hint=f"{hint} (offline=True, --offline)")
