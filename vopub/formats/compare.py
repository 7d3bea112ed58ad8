"""Comparing two event tables: columns, rows by event identifier, and everything said about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vopub.errors import FileError
from vopub.formats.compare_rows import KEY_COLUMN, RowDifference, comparable, compare_rows
from vopub.formats.hats import is_hats
from vopub.formats.products import read_manifest
from vopub.formats.reading import iterate, read_metadata
from vopub.model.dataset import TableMetadata
from vopub.model.parameter import Parameter
from vopub.model.resource import FileRole

KEYS = ("reason", "identifier", "name", "run")
"""Fields that name the entries of a list, so that the same entries are compared."""
_FASTEST = (".parquet", ".h5", ".fits", ".vot", ".csv")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is said differently; None where it is not said."""

    place: str
    """Dotted place, e.g. ``publication.version``."""
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column that was added or removed, or is described otherwise."""

    name: str
    kind: str
    """``added``, ``removed`` or ``changed``."""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """How two tables differ."""

    columns: tuple[ColumnChange, ...]
    order: bool
    """Whether the columns that both have come in another order."""
    rows: RowDifference
    metadata: tuple[Change, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return self.same_table and not self.metadata

    @property
    def same_table(self) -> bool:
        """Whether columns and rows are the same, whatever is said about them."""
        return self.rows.equal and not self.columns and not self.order


def compare(before: Path, after: Path) -> Difference:
    """Compare two event tables in any format that vopub writes.

    Parameters
    ----------
    before, after
        A file, or a directory of products.

    Raises
    ------
    FileError
        If one cannot be read or is not an event table of vopub, or has no event identifiers.
    """
    paths = table_in(before), table_in(after)
    old, new = map(read_metadata, paths)
    ours, theirs = ({p.name: p for p in m.parameters} for m in (old, new))
    for path, columns in zip(paths, (ours, theirs), strict=True):
        if KEY_COLUMN not in columns:
            raise FileError(f"has no column {KEY_COLUMN} to know its rows by", where=path)
    both = [name for name in ours if name in theirs and comparable(ours[name], theirs[name])]
    return Difference(
        columns=tuple(_columns(ours, theirs)),
        order=[n for n in ours if n in theirs] != [n for n in theirs if n in ours],
        rows=compare_rows(lambda: iterate(paths[0]), lambda: iterate(paths[1]), both),
        metadata=tuple(_changes(_said(old), _said(new), "")),
    )


def table_in(place: Path) -> Path:
    """Return the file that holds the table: itself, or the fastest to read of a directory.

    Raises
    ------
    FileError
        If there is nothing, or the directory holds no products.
    """
    if not place.is_dir() or is_hats(place):
        return place
    manifest = read_manifest(place)
    if manifest is None:
        hint = "name a file, or a directory of products"
        raise FileError("is no directory of products: it has no manifest", where=place, hint=hint)
    files = [file.name for file in manifest.files if file.role is FileRole.DATA]
    known = [name for suffix in _FASTEST for name in files if name.endswith(suffix)]
    if not known:
        raise FileError("has no table in a format that can be compared", where=place)
    return place / known[0]


def _columns(
    ours: Mapping[str, Parameter], theirs: Mapping[str, Parameter]
) -> Iterator[ColumnChange]:
    for name, column in ours.items():
        if name not in theirs:
            yield ColumnChange(name, "removed")
        elif column != theirs[name]:
            old, new = (p.model_dump(mode="json") for p in (column, theirs[name]))
            yield ColumnChange(name, "changed", tuple(_changes(old, new, "")))
    for name in theirs:
        if name not in ours:
            yield ColumnChange(name, "added")


def _said(metadata: TableMetadata) -> dict[str, Any]:
    """Return what is said about a table, but for its columns."""
    return metadata.model_dump(mode="json", exclude={"parameters"})


def _changes(before: Any, after: Any, place: str) -> Iterator[Change]:
    if before == after:
        return
    old, new = _entries(before), _entries(after)
    if old is None or new is None or not (old or new):
        yield Change(place, before, after)
        return
    for key in dict.fromkeys([*old, *new]):
        inner = f"{place}.{key}" if place else str(key)
        yield from _changes(old.get(key), new.get(key), inner)


def _entries(value: Any) -> dict[str, Any] | None:
    """Return the parts of nested metadata by name; None for a single value."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return None
    for key in KEYS:
        if all(isinstance(entry, dict) and key in entry for entry in value):
            named = {str(entry[key]): entry for entry in value}
            if len(named) == len(value):
                return named
    return {str(number): entry for number, entry in enumerate(value, start=1)}
