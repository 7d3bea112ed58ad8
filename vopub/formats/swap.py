"""Putting a directory in the place of another so that no reader finds neither."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
# What renameat2(2) answers where the file system or the kernel cannot exchange two names.
_CANNOT_EXCHANGE = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}


def staging_path(directory: Path) -> Path:
    """Return where the next version of a directory is put together."""
    return directory.with_name(f".{directory.name}.new")


def recover(directory: Path) -> None:
    """Remove what a crash has left beside a directory, after putting back what it had moved away.

    Raises
    ------
    OSError
        If something cannot be removed.
    """
    old = _old_path(directory)
    if old.is_dir() and not directory.exists():
        old.rename(directory)
    for leftover in (staging_path(directory), old):
        if leftover.exists():
            shutil.rmtree(leftover)


def swap_in(directory: Path) -> None:
    """Put the staged version in the place of a directory and remove what was there.

    Raises
    ------
    OSError
        If it cannot be done; the directory is then as it was, unless the disk itself fails.
    """
    staging = staging_path(directory)
    if not directory.exists():
        staging.rename(directory)
    elif not _exchange(staging, directory):
        _replace(staging, directory)
    sync(directory.parent)
    # What cannot be removed now is removed before the next version is put together.
    shutil.rmtree(staging, ignore_errors=True)
    shutil.rmtree(_old_path(directory), ignore_errors=True)


def sync(directory: Path) -> None:
    """Bring the names in a directory to the disk."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step, as Linux can; tell whether this file system does."""
    libc = ctypes.CDLL(None, use_errno=True)
    call = getattr(libc, "renameat2", None)
    if call is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    if call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _CANNOT_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(other))


def _replace(staging: Path, directory: Path) -> None:
    """Replace in two steps; after a crash between them, :func:`recover` puts the old one back."""
    old = _old_path(directory)
    directory.rename(old)
    try:
        staging.rename(directory)
    except OSError:
        old.rename(directory)
        raise


def _old_path(directory: Path) -> Path:
    return directory.with_name(f".{directory.name}.old")
