"""One process at a time owns the directory of a store."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from vopub.errors import BusyError
from vopub.files import cannot


def own(directory: Path) -> int:
    """Become the owner of a directory, made if missing, until the process ends.

    Returns
    -------
    int
        The open file that stands for it; closing it gives the directory up.

    Raises
    ------
    BusyError
        If another process is the owner.
    FileError
        If the directory cannot be used.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise cannot("use", directory, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        hint = "stop it first, or choose another directory"
        raise BusyError("another Open Data Center serves it", where=directory, hint=hint) from None
    return handle
