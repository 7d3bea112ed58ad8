"""Readers of level-2 files; which one reads a file is decided by its content, not its name."""

from __future__ import annotations

from pathlib import Path

from vopub.errors import InputError
from vopub.events.readers.base import Reader
from vopub.events.readers.root import RootReader

_MAGIC = {b"root": RootReader}


def open_reader(path: Path) -> Reader:
    """Open a level-2 file.

    Raises
    ------
    InputError
        If the file is missing, unreadable, empty, damaged or of no known layout.
    """
    beginning = _beginning(path)
    if not beginning:
        hint = "copy it again from where it came"
        raise InputError("the file is empty (0 bytes)", where=path, hint=hint)
    reader = _MAGIC.get(beginning)
    if reader is None:
        hint = "level-2 files in KM3NeT's offline or DST layout (ROOT) can be read"
        raise InputError(f"not a ROOT file (begins with {beginning!r})", where=path, hint=hint)
    return reader(path)


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(4)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot be read: {reason}", where=path, hint="check the path") from error
