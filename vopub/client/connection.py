"""Asking an Open Data Center, or one of its mirrors, without trusting what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext
from time import monotonic
from typing import Generic, NoReturn, TypeVar
from urllib.parse import urljoin

import httpx

from vopub import __version__
from vopub.client.display import plain
from vopub.client.faults import AwayError, MissingThereError, WithdrawnError, WrongBytesError
from vopub.errors import ServiceError, VopubError

MOST_DOCUMENT = 256 << 20
"""Largest answer in bytes that is taken for a document; the catalogue is the largest."""
MOST_COMPLAINT = 1 << 20
"""Largest answer in bytes that says why something is refused."""
MOST_REDIRECTS = 5
MOST_SAID = 300
"""Characters of a server's complaint that are passed on."""

Result = TypeVar("Result")
Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    silence: float = 30.0
    """For the next piece of an answer."""
    document: float = 120.0
    """For a whole document."""


@dataclass(frozen=True, slots=True)
class Document(Generic[Content]):
    """An answer with JSON in it."""

    body: bytes
    etag: str
    content: Content
    """What was made of it."""


class Connection:
    """The addresses under which the same Open Data Center is reached, tried in order.

    Parameters
    ----------
    addresses
        The first is the Open Data Center, asked first; the others are asked in order if it does
        not answer, or what it answers is not what was asked for.
    proxy
        Address of an HTTP proxy.
    patience
        How long to wait.

    Raises
    ------
    ServiceError
        If an address is none.
    """

    def __init__(
        self, addresses: Sequence[str], *, proxy: str | None = None,
        patience: Patience | None = None,
    ) -> None:  # fmt: skip
        self.addresses = tuple(address.rstrip("/") for address in addresses)
        self.patience = patience or Patience()
        for address in self.addresses:
            _check_address(address)
        agent = {"User-Agent": f"vopub/{__version__}"}
        # The environment is not asked for proxies: only settings read it.
        # No connection stays open: who works in a notebook closes nothing.
        self._http = httpx.Client(
            headers=agent, timeout=self.patience.silence, trust_env=False, proxy=proxy,
            limits=httpx.Limits(max_keepalive_connections=0), verify=_trusted(),
        )  # fmt: skip

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def document(
        self, path: str, params: Mapping[str, str], parse: Callable[[bytes], Content],
        etag: str = "",
    ) -> Document[Content] | None:  # fmt: skip
        """Ask for JSON.

        Parameters
        ----------
        path, params
            What to ask for.
        parse
            Reads a document; if it raises ``ServiceError``, the next address is asked.
        etag
            Entity tag of what is known already.

        Returns
        -------
        Document
            None if the server says that what is known already is still right.

        Raises
        ------
        MissingThereError, AwayError, ServiceError
            As ``first_of``.
        """
        return self.first_of(lambda base: self._document(base, path, params, parse, etag))

    def first_of(self, ask: Callable[[str], Result]) -> Result:
        """Return what the first address answers that has what was asked for.

        Raises
        ------
        WithdrawnError
            If one says so; no other is asked then.
        WrongBytesError
            If none has it, and one has another file instead.
        MissingThereError, AwayError, ServiceError
            If none has it: as the first says, for the others only stand in for it. What was wrong
            with each is said.
        """
        errors: list[ServiceError | MissingThereError] = []
        for base in self.addresses:
            try:
                return ask(base)
            except WithdrawnError:
                raise
            except (ServiceError, MissingThereError) as error:
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        chief = next((e for e in errors if isinstance(e, WrongBytesError)), errors[0])
        reasons = map(_with_address, self.addresses, errors)
        raise type(chief)("; ".join(reasons), hint=chief.hint)

    @contextmanager
    def opened(
        self, base: str, path: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> Iterator[httpx.Response]:
        """Give an answer whose body was not read yet; 200, 206, 304 and 416 only.

        Raises
        ------
        MissingThereError, AwayError, ServiceError
            As ``document``.
        """
        url = httpx.URL(base + path, params=params) if params else httpx.URL(base + path)
        try:
            for _ in range(MOST_REDIRECTS):
                with self._http.stream("GET", url, headers=headers) as answer:
                    if not answer.has_redirect_location:
                        self._check_status(answer, base)
                        yield answer
                        return
                    url = _redirected(url, answer)
        except httpx.HTTPError as error:
            _explain(error, base)
        raise ServiceError(f"{base} sends from one address to the next without end")

    def _document(
        self, base: str, path: str, params: Mapping[str, str],
        parse: Callable[[bytes], Content], etag: str,
    ) -> Document[Content] | None:  # fmt: skip
        headers = {"If-None-Match": etag} if etag else {}
        with self.opened(base, path, params, headers) as answer:
            if answer.status_code == 304 and etag:
                return None
            if answer.status_code != 200:
                raise ServiceError(f"{base}{path} was answered with status {answer.status_code}")
            body = self._read(answer, MOST_DOCUMENT)
            return Document(body, answer.headers.get("etag", ""), parse(body))

    def _read(self, answer: httpx.Response, most: int) -> bytes:
        """Return the whole body, if it comes in time and is not larger than sensible."""
        until = monotonic() + self.patience.document
        body = bytearray()
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > most:
                what = f"{answer.url} answers with more than {most} bytes"
                raise ServiceError(what, hint="is this the address of an Open Data Center?")
            if monotonic() > until:
                what = f"{answer.url} took longer than {self.patience.document:g} s to answer"
                raise AwayError(what, hint="try again")
        return bytes(body)

    def _check_status(self, answer: httpx.Response, base: str) -> None:
        status = answer.status_code
        if status in (200, 206, 304, 416):
            return
        said = _said(self._read(answer, MOST_COMPLAINT))
        if status in (404, 410):
            # Without a tombstone, it is not the Open Data Center that says so.
            kind = WithdrawnError if status == 410 and said else MissingThereError
            raise kind(said or f"there is no {answer.url.path}", where=base)
        what = f"{answer.url} was answered with status {status}" + (f": {said}" if said else "")
        raise AwayError(what, hint="try again") if status >= 500 else ServiceError(what)


def _with_address(base: str, error: VopubError) -> str:
    return error.what if base in error.what else f"{base}: {error.what}"


def _check_address(address: str) -> None:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise ServiceError(f"{address!r} is not an address: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ServiceError(f"{address!r} is not an http(s) address")


def _redirected(url: httpx.URL, answer: httpx.Response) -> httpx.URL:
    """Return where an answer leads to, which has to be the same server."""
    location = answer.headers["location"]
    try:
        target = httpx.URL(urljoin(str(url), location))
    except (httpx.InvalidURL, ValueError) as error:
        raise ServiceError(f"{url} leads to an address that is none") from error
    if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
        what = f"{url} leads to another server, {plain(location)[:MOST_SAID]}"
        raise ServiceError(what, hint="if you trust it, use that address")
    return target


def _said(body: bytes) -> str:
    """Return what the server says is wrong, for people; empty if that is not to be read."""
    try:
        content = json.loads(body)
    except ValueError:
        return ""
    said = content.get("error", "") if isinstance(content, dict) else ""
    return plain(said)[:MOST_SAID] if isinstance(said, str) else ""


def _explain(error: httpx.HTTPError, base: str) -> NoReturn:
    """Say what went wrong on the way; the only place that knows how httpx fails."""
    center = f"the Open Data Center at {base}"
    if isinstance(error, httpx.ConnectError):
        what, hint = f"{center} does not answer", "check the address and your network"
    elif isinstance(error, httpx.TimeoutException):
        what, hint = f"{center} took too long", "try again"
    else:
        reason = plain(str(error)) or type(error).__name__
        what, hint = f"{center} broke off: {reason[:MOST_SAID]}", "try again"
    raise AwayError(what, hint=hint) from error


@cache
def _trusted() -> SSLContext:
    """Return the authorities whose certificates are believed; to read them takes 15 ms."""
    return httpx.create_ssl_context(trust_env=False)
