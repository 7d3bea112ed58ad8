"""Readers of event files; which one reads a file is decided by its content, not its name.

Readers are found through the entry points ``vopub.readers`` of the packages that are installed, so
that another package can bring its own (see ``docs/readers.md``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from vopub.errors import InputError, VopubError
from vopub.events.readers.base import Reader

GROUP = "vopub.readers"
"""The group of entry points that readers are found through."""
BEGINNING = 4096
"""How many bytes of a file a reader is shown to recognise it by."""

_OURS = "vopub.events.readers."
_ROOT, _HDF5 = b"root", b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class _Layouts:
    """What one of our own readers can read."""

    description: str
    magic: bytes = b""
    """How its files begin: for no other is it imported, since its libraries take their time."""


_LAYOUTS = {
    "root": _Layouts("KM3NeT offline and DST files (ROOT)", _ROOT),
    "km3pipe": _Layouts("km3pipe's event files (HDF5)", _HDF5),
    "astropy_table": _Layouts("event files written with astropy (HDF5)", _HDF5),
    "seatray": _Layouts("SeaTray tables (HDF5)", _HDF5),
    "text": _Layouts("lists of events (CSV, TSV)"),
}
"""Our own readers by the names of their entry points, in the order in which they are asked."""
_LAST = "text"
"""Is asked when no other knows the file: nearly anything is text."""


def open_reader(path: Path) -> Reader:
    """Open an event file.

    Our own readers are asked first, then those of other packages in the order of their names.

    Raises
    ------
    InputError
        If the file is missing, unreadable, empty, damaged or of no known layout, or if a reader of
        another package that had to be asked is broken.
    """
    beginning = _beginning(path)
    if not beginning:
        hint = "copy it again from where it came"
        raise InputError("the file is empty (0 bytes)", where=path, hint=hint)
    for entry in _in_order():
        if _may_read(entry, beginning):
            reader = _load(entry)
            with blaming(reader, path):
                if reader.recognises(path, beginning):
                    return reader(path)
    what = f"no known layout (begins with {beginning[:8]!r})"
    raise InputError(what, where=path, hint=f"known are {', '.join(known_layouts())}")


@contextmanager
def blaming(reader: type[Reader], path: Path) -> Iterator[None]:
    """Turn what a reader did not foresee into an error that names the reader and the file.

    What else was raised stays its cause.
    """
    try:
        yield
    except VopubError:
        raise
    except Exception as error:  # a reader of another package may raise anything
        name = f"{reader.__module__}.{reader.__qualname__}"
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(
            f"the reader {name} failed with what it did not foresee ({said:.200})",
            where=path,
            hint="report it to whoever made the reader, or leave the file out",
        ) from error


def may_crash(path: Path) -> bool:
    """Tell whether reading a file may end the process: the library for HDF5 does, if it is damaged.

    Such a file should be read by a process that may end.
    """
    try:
        return _beginning(path).startswith(_HDF5)
    except InputError:
        return False  # nobody can read it


def known_layouts() -> list[str]:
    """Return what can be read, in words."""
    return [
        _LAYOUTS[entry.name].description if _is_ours(entry) else f"{entry.name} (by {_from(entry)})"
        for entry in _in_order()
    ]


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(BEGINNING)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot be read: {reason}", where=path, hint="check the path") from error


@cache
def _in_order() -> tuple[EntryPoint, ...]:
    # Once per process: looking through the installed packages takes longer than opening a file.
    return tuple(sorted(entry_points(group=GROUP), key=_place))


def _place(entry: EntryPoint) -> tuple[int, str]:
    """Return a key for sorting: our own in their order, the others by name before the last."""
    ours = list(_LAYOUTS)
    if not _is_ours(entry):
        return ours.index(_LAST), entry.name
    place = ours.index(entry.name)
    return place + (entry.name == _LAST), ""


def _is_ours(entry: EntryPoint) -> bool:
    return entry.value.startswith(_OURS) and entry.name in _LAYOUTS


def _may_read(entry: EntryPoint, beginning: bytes) -> bool:
    return not _is_ours(entry) or beginning.startswith(_LAYOUTS[entry.name].magic)


def _from(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value


@cache
def _load(entry: EntryPoint) -> type[Reader]:
    """Import a reader.

    Raises
    ------
    InputError
        If it is not there, cannot be imported or is none.
    """
    hint = f"update or remove the package {_from(entry)}"
    place = f"reader {entry.name!r} of {_from(entry)} ({entry.value})"
    try:
        reader = entry.load()
    except (ImportError, AttributeError, SyntaxError, NameError, TypeError, ValueError) as error:
        raise InputError(f"{place} cannot be imported: {error}", hint=hint) from error
    if not (isinstance(reader, type) and issubclass(reader, Reader)):
        raise InputError(f"{place} is no reader: it is no subclass of Reader", hint=hint)
    lacking = sorted(reader.__abstractmethods__)
    if lacking:
        raise InputError(f"{place} is no reader: it lacks {', '.join(lacking)}", hint=hint)
    return reader
