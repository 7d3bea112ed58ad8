"""ROOT files as such: whether they are whole, and what is said of damaged ones."""

from __future__ import annotations

import lzma
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uproot
from uproot.deserialization import DeserializationError

from vopub.errors import InputError

BIG_FILE = 1_000_000
"""Files of this version of the format and later hold places in the file as 64-bit integers."""

_DAMAGE = (
    DeserializationError, OSError, EOFError, ValueError, KeyError, IndexError, TypeError,
    AttributeError, AssertionError, NotImplementedError, MemoryError, struct.error, zlib.error,
    lzma.LZMAError,
)  # fmt: skip
"""What uproot raises on bytes that are not what they should be; only its calls stand within."""


@contextmanager
def reading(path: Path, what: str, damage: tuple[type[Exception], ...] = _DAMAGE) -> Iterator[None]:
    """Turn what is raised on damaged bytes into one clear line."""
    try:
        yield
    except damage as error:
        lines = str(error).strip().splitlines()
        cause = lines[0] if len(lines) == 1 else type(error).__name__
        hint = "the file is damaged; copy it again from where it came"
        raise InputError(f"cannot read {what} ({cause:.200})", where=path, hint=hint) from error


def check_length(path: Path) -> None:
    """Compare the length with the one that ROOT wrote in front when it closed the file.

    Layout of the first bytes: ROOT's ``TFile``, "ROOT file header record".
    """
    with reading(path, "the ROOT file"), path.open("rb") as stream:
        beginning = stream.read(20)
        there = stream.seek(0, os.SEEK_END)
    if len(beginning) == 20:
        (version,) = struct.unpack(">4xi12x", beginning)
        layout = ">12xi4x" if version < BIG_FILE else ">12xq"
        (written,) = struct.unpack(layout, beginning)
        length = f"{there} of {written} bytes are there"
    else:
        written, length = len(beginning) + 1, f"only {there} bytes are there"
    if there < written:
        hint = "copy it again from where it came"
        raise InputError(f"the file is truncated: {length}", where=path, hint=hint)


class RootFile(uproot.reading.ReadOnlyFile):  # type: ignore[misc]  # uproot has no types
    """An open ROOT file that looks up once what class a name stands for.

    A tree has thousands of objects, and uproot spells the name of the class of each anew.
    """

    def __init__(self, path: Path) -> None:
        self._known_classes = dict[tuple[str, object], Any]()
        # Not through 'open', for which a colon in a path is followed by the name of an object.
        super().__init__(str(path), array_cache=None, handler=uproot.MultithreadedFileSource)

    def class_named(self, classname: str, version: object = None) -> Any:
        """Return the class of a name, made by what the file says of it if need be."""
        key = classname, version
        if key not in self._known_classes:
            self._known_classes[key] = super().class_named(classname, version)
        return self._known_classes[key]
