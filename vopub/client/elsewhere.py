"""Files that a record points at on other servers: brought from there, and compared if possible."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedWriter
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import httpx

from vopub import __version__
from vopub.client.connection import MOST_REDIRECTS, Patience
from vopub.client.display import plain
from vopub.client.download import another_is_there, pour, put_in_place, wrong_bytes
from vopub.client.faults import AwayError, MissingThereError, WrongBytesError
from vopub.client.progress import Advance, bar
from vopub.client.records import RemoteEntry
from vopub.errors import ServiceError
from vopub.files import cannot, sha256_of
from vopub.public_web import NotPublicError, PublicTransport

log = logging.getLogger("vopub.client")


@dataclass(frozen=True, slots=True)
class Way:
    """How other servers are reached."""

    proxy: str | None = None
    patience: Patience = field(default_factory=Patience)
    loopback: bool = False
    """Whether this machine may be one of them."""


def fetch(remote: RemoteEntry, target: Path, way: Way, *, progress: bool | None = None) -> bool:
    """Bring a file from the server that keeps it to ``target``.

    It is compared with size and SHA-256 as far as the record says them; if it says no SHA-256,
    that is logged. A download that breaks off begins anew.

    Returns
    -------
    bool
        Whether it had to be fetched; False if a file was there that may be the one.

    Raises
    ------
    MismatchError
        If another file is there, which is left alone.
    WrongBytesError
        If what came is not the file of the record; nothing is kept.
    MissingThereError, AwayError, ServiceError
        If it is not there, nothing answers, or the address leads into a private network.
    FileError
        If the place cannot be written.
    """
    if _is_there(remote, target):
        return False
    with _part(target) as (stream, path):
        with bar(remote.name, remote.size or 0, wanted=progress) as advance:
            digest = _receive(remote, way, stream, advance)
        if remote.sha256 not in (None, digest):
            raise _wrong(remote, f"with another sha256 than {remote.sha256}")
        put_in_place(path, target)
    if remote.sha256 is None:
        what = "%s came from %s; its record says no checksum, so that it could not be compared"
        log.warning(what, remote.name, urlsplit(remote.url).hostname)
    return True


def may_be(remote: RemoteEntry, path: Path) -> bool:
    """Tell whether a file has the size and the SHA-256 of the record, as far as it says them.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise cannot("read", path, error) from error
    return remote.size in (None, size) and remote.sha256 in (None, sha256_of(path))


def _is_there(remote: RemoteEntry, target: Path) -> bool:
    """Tell whether a file is there that may be the one; another one is an error."""
    if not os.path.lexists(target):
        return False
    if may_be(remote, target):
        return True
    raise another_is_there(f"the file that {urlsplit(remote.url).hostname} keeps", target)


@contextmanager
def _part(target: Path) -> Iterator[tuple[BufferedWriter, Path]]:
    """Give a file beside the target, which is gone afterwards unless it was put in place."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(".part", f".{target.name}.", target.parent)
    except OSError as error:
        raise cannot("write", target, error) from error
    path = Path(name)
    try:
        with os.fdopen(number, "wb") as stream:
            yield stream, path
    except OSError as error:
        raise cannot("write", target, error) from error
    finally:
        path.unlink(missing_ok=True)


def _receive(remote: RemoteEntry, way: Way, stream: BufferedWriter, advance: Advance) -> str:
    """Write what comes, and never more than the record says; return its SHA-256."""
    digest = hashlib.sha256()
    try:
        with _client(way) as client, client.stream("GET", remote.url) as answer:
            _check(remote, answer)
            pieces = _digested(answer.iter_raw(), digest)
            there = pour(pieces, stream, advance, most=remote.size)
    except (httpx.HTTPError, httpx.InvalidURL, NotPublicError, UnicodeError) as error:
        _explain(error, remote)
    if remote.size is not None and there > remote.size:
        raise _wrong(remote, f"more than {remote.size} bytes")
    if remote.size not in (None, there):
        raise _wrong(remote, f"{there} bytes instead of {remote.size}")
    return digest.hexdigest()


def _digested(pieces: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _client(way: Way) -> httpx.Client:
    # A proxy resolves names itself, and knows what it may ask.
    transport = None if way.proxy else PublicTransport(loopback=way.loopback)
    return httpx.Client(
        headers={"User-Agent": f"vopub/{__version__}", "Accept-Encoding": "identity"},
        timeout=way.patience.silence, trust_env=False, proxy=way.proxy, transport=transport,
        follow_redirects=True, max_redirects=MOST_REDIRECTS,
    )  # fmt: skip


def _check(remote: RemoteEntry, answer: httpx.Response) -> None:
    schemes = [step.url.scheme for step in (*answer.history, answer)]
    # Without a checksum, the way is all that vouches for the bytes.
    if remote.sha256 is None and schemes[0] == "https" and "http" in schemes:
        raise ServiceError(f"{remote.url} leads to an address that is not encrypted")
    if answer.status_code in (404, 410):
        raise MissingThereError(f"there is no {remote.name} any more", where=remote.url)
    if answer.status_code != 200:
        what = f"{remote.url} was answered with status {answer.status_code}"
        raise AwayError(what, hint="try again later")


def _wrong(remote: RemoteEntry, how: str) -> WrongBytesError:
    return wrong_bytes(f"{remote.url} is not the file of the record: it has {how}")


def _explain(error: Exception, remote: RemoteEntry) -> NoReturn:
    said = plain(str(error)) or type(error).__name__
    if isinstance(error, NotPublicError):
        raise ServiceError(f"{remote.url} {said}", hint="tell the publisher") from error
    raise AwayError(f"{remote.url} cannot be had: {said}", hint="try again") from error
