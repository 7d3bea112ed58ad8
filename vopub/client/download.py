"""A file from an Open Data Center: whole and the right one, or not at all."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from time import monotonic
from typing import IO
from uuid import UUID

import httpx

from vopub.client.connection import Connection
from vopub.client.faults import AwayError, MismatchError, WrongBytesError
from vopub.client.progress import Advance, bar
from vopub.client.records import FileEntry
from vopub.errors import FileError, ServiceError
from vopub.files import CHUNK, cannot, sha256_of

SLOWEST = 10_000
"""Bytes a second, below which a download is given up."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file of a version of a resource."""

    kid: UUID
    file: FileEntry

    @property
    def path(self) -> str:
        """Where it is, below the address of an Open Data Center."""
        return f"/files/{self.kid}/{self.file.name}"


def is_here(file: FileEntry, path: Path) -> bool:
    """Tell whether a file is there and is the right one.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot("read", path, error) from error
    return path.is_file() and size == file.size and sha256_of(path) == file.sha256


def download(
    connection: Connection, wanted: Wanted, target: Path, *, progress: bool | None = None
) -> bool:
    """Bring a file to ``target``; what an earlier, broken download left is taken up again.

    Parameters
    ----------
    connection
        The addresses, asked in order until one has the right bytes.
    wanted
        The file.
    target
        Where it goes; its directory is made.
    progress
        Whether to show a bar; by default only at a terminal.

    Returns
    -------
    bool
        Whether it had to be fetched; False if it was there.

    Raises
    ------
    MismatchError
        If another file is there, which is left alone.
    MissingThereError, ServiceError
        If no address has the right bytes.
    FileError
        If the disk is full or the place cannot be written.
    """
    if _already(wanted.file, target):
        return False
    with part(target, wanted.file.sha256) as (stream, path):
        if _already(wanted.file, target):  # another process was faster
            path.unlink(missing_ok=True)
            return False
        _check_space(target, wanted.file, stream)
        with bar(wanted.file.name, wanted.file.size, wanted=progress) as advance:
            connection.first_of(lambda base: _fetch(connection, base, wanted, stream, advance))
        put_in_place(path, target)
    return True


def copy(source: Path, file: FileEntry, target: Path) -> bool:
    """Copy a file from the cache; returns and raises like ``download``."""
    if _already(file, target):
        return False
    with part(target, file.sha256) as (stream, path):
        try:
            with source.open("rb") as original:
                emptied(stream)
                shutil.copyfileobj(original, stream, CHUNK)
            stream.flush()
        except OSError as error:
            raise cannot("copy", source, error) from error
        put_in_place(path, target)
    return True


def _already(file: FileEntry, target: Path) -> bool:
    """Tell whether the file is there; another one under its name is an error."""
    if is_here(file, target):
        return True
    if not os.path.lexists(target):
        return False
    raise another_is_there(f"the published file (sha256 {file.sha256})", target)


@contextmanager
def part(target: Path, sha256: str) -> Iterator[tuple[BufferedRandom, Path]]:
    """Give the beginning of the file that is here already, for this process alone.

    Raises
    ------
    FileError
        If the place cannot be written.
    """
    path = target.with_name(f".{sha256}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path) as stream:
            yield stream, path
    except OSError as error:
        raise cannot("write", path, error) from error


@contextmanager
def _locked(path: Path) -> Iterator[BufferedRandom]:
    # Never through a link that somebody put there.
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        with os.fdopen(os.open(path, flags, 0o644), "r+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # another process may be downloading it
            if _is_at(path, stream):  # and take it away
                yield stream
                return


def _is_at(path: Path, stream: BufferedRandom) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def _check_space(target: Path, file: FileEntry, stream: BufferedRandom) -> None:
    missing = file.size - stream.seek(0, os.SEEK_END)
    free = shutil.disk_usage(target.parent).free
    if missing > free:
        what = f"{file.name} needs {missing} bytes more, {free} are free"
        raise FileError(what, where=target.parent, hint="free some space, or choose another place")


def _fetch(
    connection: Connection, base: str, wanted: Wanted, stream: BufferedRandom, advance: Advance
) -> None:
    """Complete the file from one address; if what was here was wrong, from its beginning."""
    began_with = stream.seek(0, os.SEEK_END)
    if began_with > wanted.file.size:
        began_with = emptied(stream)
    _append(connection, base, wanted, stream, advance)
    if is_right(wanted.file.sha256, stream):
        return
    if began_with:
        emptied(stream)
        _append(connection, base, wanted, stream, advance)
        if is_right(wanted.file.sha256, stream):
            return
    size = stream.seek(0, os.SEEK_END)
    emptied(stream)
    what = (
        f"{base}{wanted.path} is not the file of the record: {size} bytes came, with another "
        f"sha256 than {wanted.file.sha256}"
    )
    raise wrong_bytes(what)


def _append(
    connection: Connection, base: str, wanted: Wanted, stream: BufferedRandom, advance: Advance
) -> None:
    """Add what is missing, and never more than the record says."""
    file = wanted.file
    start = stream.seek(0, os.SEEK_END)
    if start == file.size:
        return
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": f'"{file.sha256}"'}
    until = monotonic() + connection.patience.document + file.size / SLOWEST
    with connection.opened(base, wanted.path, {"sha256": file.sha256}, headers) as answer:
        if not _continues(answer, start):
            start = emptied(stream)
        pieces = _in_time(answer.iter_raw(), until, base)
        end = pour(pieces, stream, advance, start=start, most=file.size)
    if end > file.size:
        emptied(stream)
        raise wrong_bytes(f"{base}{wanted.path} has more than the {file.size} bytes of the record")


def _in_time(pieces: Iterable[bytes], until: float, base: str) -> Iterator[bytes]:
    """Pass on what comes until a moment, after which it came too slowly."""
    for piece in pieces:
        yield piece
        if monotonic() > until:
            what = f"{base} sends less than {SLOWEST} bytes a second"
            raise AwayError(what, hint="try again: what came is kept")


def emptied(stream: BufferedRandom) -> int:
    """Begin the file anew; return its length, 0."""
    stream.seek(0)
    return stream.truncate(0)


def _continues(answer: httpx.Response, start: int) -> bool:
    """Tell whether an answer goes on where the file here ends.

    Raises
    ------
    ServiceError
        If the answer is neither that nor the whole file.
    """
    if goes_on(answer, start):
        return True
    if answer.status_code == 200:
        return False
    what = f"the answer is another part of the file than asked for ({answer.status_code})"
    raise ServiceError(what)


def goes_on(answer: httpx.Response, start: int) -> bool:
    """Tell whether an answer has what comes after so many bytes."""
    content_range = answer.headers.get("content-range", "")
    return answer.status_code == 206 and content_range.startswith(f"bytes {start}-")


def is_right(sha256: str, stream: BufferedRandom) -> bool:
    """Tell whether a file has its SHA-256."""
    stream.seek(0)
    return hashlib.file_digest(stream, "sha256").hexdigest() == sha256


def pour(
    pieces: Iterable[bytes], stream: IO[bytes], advance: Advance, *, start: int = 0,
    most: int | None,
) -> int:  # fmt: skip
    """Write what comes at the end of a file, and never more than is wanted.

    Parameters
    ----------
    pieces
        What comes.
    stream
        The file.
    advance
        Told how long the file is.
    start
        How long it was.
    most
        How long it may become; None if that is not known.

    Returns
    -------
    int
        How long the file is; if more came than is wanted, how long it would be by then.
    """
    there = start
    for piece in pieces:
        there += len(piece)
        if most is not None and there > most:
            break
        stream.write(piece)
        advance(there)
    stream.flush()
    return there


def another_is_there(than: str, target: Path) -> MismatchError:
    """Return the error that says that another file than the one that is wanted has its name."""
    what = f"is not {than}, and is left as it is"
    return MismatchError(what, where=target, hint="move it away, or choose another directory")


def wrong_bytes(what: str) -> WrongBytesError:
    """Return the error that says that what came is not the file of the record."""
    return WrongBytesError(what, hint="nothing was kept; tell the publisher")


def put_in_place(part: Path, target: Path) -> None:
    """Give the file its name, unless something has it by now."""
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    try:
        os.link(part, target)
    except FileExistsError:
        what = "something else was put there while the file came"
        raise MismatchError(what, where=target, hint="move it away and run again") from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise
        part.rename(target)  # a file system without links
        return
    part.unlink()
