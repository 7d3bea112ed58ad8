"""Reading an event table in whatever format it is; the content tells, not the name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vopub.errors import FileError
from vopub.files import cannot
from vopub.formats.csv import METADATA_SUFFIX, SUFFIX
from vopub.formats.hats import is_hats
from vopub.formats.products import read_manifest
from vopub.formats.registry import FORMATS, Format
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.event_table import EventTable

_LONGEST = 16
"""Bytes at the start of a file that tell its format."""


def read_dataset(path: Path) -> EventDataset:
    """Read an event table and its metadata, all of it into memory.

    Parameters
    ----------
    path
        A file of any format that vopub writes, of CSV either of the two; a HATS catalogue; or a
        directory of products, of which the first table is read.

    Raises
    ------
    FileError
        If it cannot be read, or is not an event table that vopub wrote.
    """
    place = _table_path(path)
    return format_of(place).read(place)


def read_metadata(path: Path) -> TableMetadata:
    """Read what is said about an event table, without its rows.

    Raises
    ------
    FileError
        If it cannot be read, or is not an event table that vopub wrote.
    """
    place = _table_path(path)
    return format_of(place).metadata(place)


def iterate(path: Path, rows: int = 1 << 16) -> Iterator[EventTable]:
    """Yield an event table in chunks of at most so many rows, in order, in bounded memory.

    Raises
    ------
    FileError
        If it cannot be read, or is not an event table that vopub wrote; perhaps after some chunks.
    """
    place = _table_path(path)
    return format_of(place).iterate(place, rows)


def format_of(path: Path) -> Format:
    """Return the format that a file or directory is in, by its content.

    Raises
    ------
    FileError
        If it cannot be read, or is in no known format.
    """
    if is_hats(path):
        return FORMATS["hats"]
    try:
        with path.open("rb") as stream:
            start = stream.read(_LONGEST)
    except OSError as error:
        raise cannot("read", path, error) from error
    known = (f for f in FORMATS.values() if f.begins and start.startswith(f.begins))
    found = next(known, FORMATS["csv"])
    if found.name == "csv" and not path.name.endswith(SUFFIX):
        hint = f"known formats are: {', '.join(FORMATS)}"
        raise FileError("is no event table that vopub wrote", where=path, hint=hint)
    return found


def _table_path(path: Path) -> Path:
    """Return where the rows are when the file that describes them, or their directory, is named."""
    if path.name.endswith(METADATA_SUFFIX):
        return path.with_name(path.name.removesuffix(METADATA_SUFFIX) + SUFFIX)
    manifest = read_manifest(path) if path.is_dir() else None
    if manifest is None:
        return path
    suffixes = (entry.writer.products[0].suffix for entry in FORMATS.values())
    tables = (path / f"{manifest.identifier}{suffix}" for suffix in suffixes)
    return next(filter(Path.exists, tables), path)
