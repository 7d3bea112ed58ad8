"""Files that a record points at on other servers: brought from there, and compared if possible."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedRandom
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import httpx

from vopub import __version__
from vopub.client.connection import MOST_REDIRECTS, Patience
from vopub.client.display import plain
from vopub.client.download import (
    another_is_there,
    emptied,
    goes_on,
    is_right,
    part,
    pour,
    put_in_place,
    wrong_bytes,
)
from vopub.client.faults import AwayError, MissingThereError
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
    that is logged. A download that broke off is taken up where it ended if the SHA-256 is known,
    which tells whether what came at two times belongs together; else it begins anew.

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
    with _part(remote, target) as (stream, path):
        if _is_there(remote, target):  # another process was faster
            path.unlink()
            return False
        with bar(remote.name, remote.size or 0, wanted=progress) as advance:
            _complete(remote, way, stream, advance)
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
def _part(remote: RemoteEntry, target: Path) -> Iterator[tuple[BufferedRandom, Path]]:
    """Give what is here of the file; unless it can be taken up again, it is gone afterwards."""
    if remote.sha256 is None:
        with _passing(target) as (stream, path):
            yield stream, path
        return
    with part(target, remote.sha256) as (stream, path):
        try:
            yield stream, path
        finally:
            if not stream.seek(0, os.SEEK_END):
                path.unlink(missing_ok=True)


@contextmanager
def _passing(target: Path) -> Iterator[tuple[BufferedRandom, Path]]:
    """Give a file beside the target, which is gone afterwards unless it was put in place."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(".part", f".{target.name}.", target.parent)
    except OSError as error:
        raise cannot("write", target, error) from error
    path = Path(name)
    try:
        with os.fdopen(number, "r+b") as stream:
            yield stream, path
    except OSError as error:
        raise cannot("write", target, error) from error
    finally:
        path.unlink(missing_ok=True)


def _complete(remote: RemoteEntry, way: Way, stream: BufferedRandom, advance: Advance) -> None:
    """Bring what is missing; if that does not belong to what was here, begin anew."""
    began_with = stream.seek(0, os.SEEK_END)
    if began_with and remote.sha256 and is_right(remote.sha256, stream):
        return
    wrong = _receive(remote, way, stream, advance)
    if wrong and began_with:
        emptied(stream)
        wrong = _receive(remote, way, stream, advance)
    if wrong:
        emptied(stream)
        raise wrong_bytes(f"{remote.url} is not the file of the record: it has {wrong}")


def _receive(remote: RemoteEntry, way: Way, stream: BufferedRandom, advance: Advance) -> str:
    """Add what comes, and never more than the record says; say what is wrong with the file then."""
    start = stream.seek(0, os.SEEK_END)
    asked = {"Range": f"bytes={start}-"} if start else {}
    try:
        with _client(way) as client, client.stream("GET", remote.url, headers=asked) as answer:
            _check(remote, answer, {200, 206, 416} if start else {200})
            if answer.status_code == 200:
                start = emptied(stream)
            elif not goes_on(answer, start):
                return "another part than asked for"
            there = pour(answer.iter_raw(), stream, advance, start=start, most=remote.size)
    except (httpx.HTTPError, httpx.InvalidURL, NotPublicError, UnicodeError) as error:
        _explain(error, remote)
    if remote.size is not None and there > remote.size:
        return f"more than {remote.size} bytes"
    if remote.size not in (None, there):
        return f"{there} bytes instead of {remote.size}"
    if remote.sha256 is None or is_right(remote.sha256, stream):
        return ""
    return f"another sha256 than {remote.sha256}"


def _client(way: Way) -> httpx.Client:
    # A proxy resolves names itself, and knows what it may ask.
    transport = None if way.proxy else PublicTransport(loopback=way.loopback)
    return httpx.Client(
        headers={"User-Agent": f"vopub/{__version__}", "Accept-Encoding": "identity"},
        timeout=way.patience.silence, trust_env=False, proxy=way.proxy, transport=transport,
        follow_redirects=True, max_redirects=MOST_REDIRECTS,
    )  # fmt: skip


def _check(remote: RemoteEntry, answer: httpx.Response, useful: Collection[int]) -> None:
    schemes = [step.url.scheme for step in (*answer.history, answer)]
    # Without a checksum, the way is all that vouches for the bytes.
    if remote.sha256 is None and schemes[0] == "https" and "http" in schemes:
        raise ServiceError(f"{remote.url} leads to an address that is not encrypted")
    if answer.status_code in (404, 410):
        raise MissingThereError(f"there is no {remote.name} any more", where=remote.url)
    if answer.status_code not in useful:
        what = f"{remote.url} was answered with status {answer.status_code}"
        raise AwayError(what, hint="try again later")


def _explain(error: Exception, remote: RemoteEntry) -> NoReturn:
    said = plain(str(error)) or type(error).__name__
    if isinstance(error, NotPublicError):
        raise ServiceError(f"{remote.url} {said}", hint="tell the publisher") from error
    raise AwayError(f"{remote.url} cannot be had: {said}", hint="try again") from error
