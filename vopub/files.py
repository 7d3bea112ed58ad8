"""Files that appear whole or not at all, and where the project's own data lie."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import IO, Self

from vopub.errors import FileError

CHUNK = 1 << 20
SETTLED_TOGETHER = 32 << 20
"""How many bytes are sent to the disk at a time, while more are written."""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as lower-case hex.

    Raises
    ------
    FileError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise cannot("read", path, error) from error


def digest_of(content: object) -> str:
    """Return the SHA-256 of what JSON can hold: the same for equal content, in lower-case hex."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Settling:
    """Sends the bytes of an open file to the disk while more are written.

    Who waits for the disk at the end then waits for the last of them only.

    Parameters
    ----------
    stream
        The file; closed after this.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._handle = stream.fileno()
        self._thread = ThreadPoolExecutor(1)
        self._settling: Future[None] | None = None
        self._written = 0

    def note(self, written: int) -> None:
        """Take note of bytes that were written.

        Raises
        ------
        OSError
            If the disk failed.
        """
        self._written += written
        if self._written < SETTLED_TOGETHER or (self._settling and not self._settling.done()):
            return
        if self._settling:
            self._settling.result()
        self._written = 0
        self._settling = self._thread.submit(os.fdatasync, self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()


def cannot(verb: str, path: Path, error: OSError) -> FileError:
    """Return the error that says why a file cannot be read or written, and what to do."""
    hints = {
        errno.ENOSPC: "free some space there and run again; nothing was changed",
        errno.EFBIG: "the limit on file sizes is reached; raise it (ulimit -f) and run again",
        errno.EDQUOT: "the disk quota is used up; free some space and run again",
        errno.EACCES: "give yourself the permission, or choose another place",
        errno.EROFS: "the file system is read-only; choose another place",
        errno.ENOENT: "check the path",
    }
    reason = error.strerror or str(error)
    return FileError(f"cannot {verb}: {reason}", where=path, hint=hints.get(error.errno or 0, ""))


def need_room(directory: Path, size: int) -> None:
    """Look whether a disk has room before something is begun that cannot be stopped half-way.

    Parameters
    ----------
    directory
        A directory on it.
    size
        How many bytes have to be free.

    Raises
    ------
    FileError
        If there are fewer.
    """
    try:
        free = shutil.disk_usage(directory).free
    except OSError as error:
        raise cannot("look at", directory, error) from error
    if free < size:
        what = f"its disk has {free / 1e6:.0f} MB free, {size / 1e6:.0f} MB are needed"
        hint = "free some space there and run again; nothing was changed"
        raise FileError(what, where=directory, hint=hint)


def make_new(directory: Path) -> None:
    """Make a directory that must not be there yet.

    Raises
    ------
    FileError
        If it is there, or cannot be made.
    """
    try:
        directory.mkdir(parents=True)
    except OSError as error:
        raise cannot("make", directory, error) from error


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """Give a directory for a while, where ``TMPDIR`` says.

    Raises
    ------
    FileError
        If it cannot be made.
    """
    try:
        made = tempfile.TemporaryDirectory(prefix="vopub-")
    except OSError as error:
        place = Path(tempfile.tempdir or "/tmp")  # noqa: S108 - where the module looks, too
        raise cannot("make a directory", place, error) from error
    with made as name:
        yield Path(name)


@contextmanager
def replacing(path: Path, *, mode: int = 0o644) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on leaving without an error it becomes ``path``.

    The bytes are on disk before the name changes, so a crash leaves the old file or the new one.

    Raises
    ------
    FileError
        If the disk is full or the place cannot be written.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        raise cannot("write", path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, mode: int = 0o644) -> bool:
    """Write a text file if its content differs; tell whether it did."""
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return False
    except (OSError, UnicodeDecodeError):
        pass  # what cannot be read back is replaced
    with replacing(path, mode=mode) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return True


def shipped(name: str) -> Path:
    """Return what comes with vopub: ``rd_templates``, ``resources`` or ``vopub.toml``.

    In a wheel it lies inside the package, in a checkout beside it.
    """
    package = Path(str(files("vopub")))
    inside = package / "shipped" / name
    return inside if inside.exists() else package.parent / name
