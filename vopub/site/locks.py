"""Locks that the kernel gives back when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from vopub.errors import BusyError
from vopub.files import cannot
from vopub.process import Account


@contextmanager
def held(path: Path, what: str, *, account: Account, patience: float = 0) -> Iterator[None]:
    """Hold a lock.

    Parameters
    ----------
    path
        File to lock; it says who holds it and since when.
    what
        What the lock is for, in words that follow 'another process is'.
    account
        Owner of the file.
    patience
        Seconds to wait for another holder.

    Raises
    ------
    BusyError
        If another process holds it; names that process.
    FileError
        If the file cannot be made.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise cannot("lock", path, error) from error
    try:
        account.own(path)
        _acquire(handle, path, what, patience)
        _sign(handle)
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _sign(handle: int) -> None:
    """Say who holds it; on a full disk it is held all the same."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    os.ftruncate(handle, 0)
    with suppress(OSError):
        os.pwrite(handle, f"pid {os.getpid()} since {since}\n".encode(), 0)


def _acquire(handle: int, path: Path, what: str, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise BusyError(
                    f"another process is {what} ({_holder(handle)})",
                    where=path,
                    hint="wait until it is done, or end it",
                ) from None
            time.sleep(0.05)
        else:
            return


def _holder(handle: int) -> str:
    return os.pread(handle, 200, 0).decode(errors="replace").strip() or "just started"
