"""Comparing the rows of two tables event by event, with memory that does not grow with them.

Each row becomes a key (of its event identifier) and a digest (of its values). Both go to files by
key, so that equal keys meet in the same small file; those are joined one after the other. Rows that
changed are then looked up again, to say in which columns.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vopub.model.event_table import MOST_IDENTIFIERS, Column, EventTable
from vopub.model.parameter import Dtype, Parameter

KEY_COLUMN = "event_id"
MOST_COMPARED = 100_000
"""Of so many changed rows it is said in which columns they changed."""
_FILES = 64
_ROW = np.dtype([("key", "u8"), ("digest", "u8"), ("row", "u8")])
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
Chunks = Callable[[], Iterable[EventTable]]
"""Gives the chunks of a table from its beginning, as often as it is asked."""
Rows = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class ColumnDifference:
    """How the values of one column changed, over the changed rows that were compared."""

    rows: int
    largest: float | None
    """Largest absolute difference of two numbers; None if there is none."""


@dataclass(frozen=True, slots=True)
class RowDifference:
    """How the rows of two tables differ; a row is the same if its event identifier is."""

    before: int
    after: int
    added: int
    removed: int
    changed: int
    moved: int | None
    """Rows that stand in another place; None if rows were added or removed."""
    first_added: tuple[str, ...] = ()
    first_removed: tuple[str, ...] = ()
    first_changed: tuple[str, ...] = ()
    compared: int = 0
    """Changed rows that ``columns`` counts."""
    columns: dict[str, ColumnDifference] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether both have the same rows in the same order."""
        return not (self.added or self.removed or self.changed or self.moved)


def comparable(before: Parameter, after: Parameter) -> bool:
    """Tell whether values of two columns can be compared: both text, or both numbers."""
    return (before.dtype is Dtype.TEXT) == (after.dtype is Dtype.TEXT)


def compare_rows(before: Chunks, after: Chunks, columns: Sequence[str]) -> RowDifference:
    """Compare two tables.

    Parameters
    ----------
    before, after
        The tables; both have a column ``event_id``.
    columns
        Names of the columns to compare; both have them, and they are `comparable`.

    Returns
    -------
    RowDifference
        Its lists are in the order of the rows.

    Raises
    ------
    FileError
        If a table cannot be read.
    """
    names = [name for name in columns if name != KEY_COLUMN]
    with tempfile.TemporaryDirectory(prefix="vopub-diff-") as scratch:
        old, new = Path(scratch) / "old", Path(scratch) / "new"
        total = _distribute(before(), names, old), _distribute(after(), names, new)
        joined = _Joined()
        for number in range(_FILES):
            joined.add(_load(old, number), _load(new, number))
    return _described(before, after, names, total, joined)


class _Joined:
    """What gathers while the files are joined."""

    def __init__(self) -> None:
        self.added = self.removed = self.changed = self.moved = 0
        self.rows_added = np.empty(0, "u8")
        self.rows_removed = np.empty(0, "u8")
        self.pairs = np.empty((0, 2), "u8")

    def add(self, old: NDArray[Any], new: NDArray[Any]) -> None:
        """Take in the rows of one file of each table."""
        _, ours, theirs = np.intersect1d(
            _unique(old), _unique(new), assume_unique=True, return_indices=True
        )
        gone, come = np.delete(old["row"], ours), np.delete(new["row"], theirs)
        differ = old["digest"][ours] != new["digest"][theirs]
        pairs = np.stack([old["row"][ours], new["row"][theirs]], axis=1)
        self.moved += int((pairs[:, 0] != pairs[:, 1]).sum())
        self.added, self.removed = self.added + len(come), self.removed + len(gone)
        self.changed += int(differ.sum())
        self.rows_added = _first(self.rows_added, come, MOST_IDENTIFIERS)
        self.rows_removed = _first(self.rows_removed, gone, MOST_IDENTIFIERS)
        every = np.concatenate([self.pairs, pairs[differ]])
        self.pairs = every[np.argsort(every[:, 0], kind="stable")][:MOST_COMPARED]


def _first(rows: Rows, more: Rows, most: int) -> Rows:
    return np.sort(np.concatenate([rows, more]))[:most]


def _distribute(chunks: Iterable[EventTable], names: Sequence[str], directory: Path) -> int:
    """Write key, digest and number of each row into the file of its key; return how many."""
    directory.mkdir()
    total = 0
    with ExitStack() as stack:
        files = [stack.enter_context(_file(directory, n).open("wb")) for n in range(_FILES)]
        for chunk in chunks:
            rows = np.empty(len(chunk), _ROW)
            rows["key"] = _bits(chunk[KEY_COLUMN])
            rows["digest"] = _digest(chunk, names)
            rows["row"] = np.arange(total, total + len(chunk), dtype="u8")
            place = rows["key"] % np.uint64(_FILES)
            order = np.argsort(place, kind="stable")
            ends = np.searchsorted(place[order], np.arange(_FILES + 1, dtype="u8"))
            for number, file in enumerate(files):
                file.write(rows[order[ends[number] : ends[number + 1]]].tobytes())
            total += len(chunk)
    return total


def _file(directory: Path, number: int) -> Path:
    return directory / f"{number}.rows"


def _load(directory: Path, number: int) -> NDArray[Any]:
    rows = np.fromfile(_file(directory, number), _ROW)
    return rows[np.argsort(rows["key"], kind="stable")]


def _unique(rows: NDArray[Any]) -> Rows:
    """Return the sorted keys; of equal ones the second, third, … get keys of their own."""
    keys: Rows = rows["key"]
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.empty(0, int)
    lengths = np.diff(np.r_[starts, len(keys)])
    place = np.arange(len(keys)) - np.repeat(starts, lengths)
    return np.where(place == 0, keys, _mixed(keys + place.astype(np.uint64) * _GOLDEN))


def _digest(chunk: EventTable, names: Sequence[str]) -> Rows:
    digest = np.zeros(len(chunk), "u8")
    for name in names:
        digest = _mixed(digest ^ _bits(chunk[name])) + _GOLDEN
    return digest


def _bits(column: Column) -> Rows:
    """Return 64 bits for each value; equal values of any type of number give equal bits."""
    if column.dtype == object:
        return np.asarray(pd.util.hash_array(column), "u8")
    numbers = np.asarray(column.astype("f8") + 0.0)  # -0 becomes 0
    numbers[np.isnan(numbers)] = np.nan
    bits = numbers.view(np.uint64)
    if column.dtype.kind == "i":  # integers beyond 2**53 that a float cannot tell apart
        bits = bits ^ (column.astype("i8") - _whole(numbers)).view(np.uint64)
    return _mixed(bits)


def _whole(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.clip(numbers, -(2.0**63), np.nextafter(2.0**63, 0)).astype("i8")


def _mixed(bits: Rows) -> Rows:
    """Spread 64 bits over all 64 (the finalizer of splitmix64)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _described(
    before: Chunks, after: Chunks, names: Sequence[str], total: tuple[int, int], joined: _Joined
) -> RowDifference:
    old = _picked(before, np.concatenate([joined.pairs[:, 0], joined.rows_removed]))
    new = _picked(after, np.concatenate([joined.pairs[:, 1], joined.rows_added]))
    number = len(joined.pairs)
    known = {name: (old[name][:number], new[name][:number]) for name in names} if number else {}
    changes = {name: _change(*values) for name, values in known.items()}
    return RowDifference(
        before=total[0],
        after=total[1],
        added=joined.added,
        removed=joined.removed,
        changed=joined.changed,
        moved=None if joined.added or joined.removed else joined.moved,
        first_added=tuple(new[KEY_COLUMN][number:]) if joined.added else (),
        first_removed=tuple(old[KEY_COLUMN][number:]) if joined.removed else (),
        first_changed=tuple(old[KEY_COLUMN][: min(number, MOST_IDENTIFIERS)]) if number else (),
        compared=number,
        columns={name: change for name, change in changes.items() if change.rows},
    )


def _picked(chunks: Chunks, rows: Rows) -> dict[str, Column]:
    """Return the columns of the rows with these numbers, in the order of the numbers given."""
    if not len(rows):
        return {}
    order = np.argsort(rows, kind="stable")
    pieces = list(_pieces(chunks(), rows[order]))
    back = np.argsort(order, kind="stable")
    return {n: np.concatenate([piece[n] for piece in pieces])[back] for n in pieces[0].columns}


def _pieces(chunks: Iterable[EventTable], rows: Rows) -> Iterator[EventTable]:
    start = 0
    for chunk in chunks:
        first, last = np.searchsorted(rows, np.array([start, start + len(chunk)], "u8"))
        if last > first:
            yield chunk.select(rows[first:last].astype("i8") - start)
        start += len(chunk)
        if last == len(rows):
            return


def _change(old: Column, new: Column) -> ColumnDifference:
    if old.dtype == object:
        return ColumnDifference(int((old != new).sum()), None)
    differ = (old != new) & ~(_missing(old) & _missing(new))
    with np.errstate(invalid="ignore", over="ignore"):  # infinite minus infinite is no number
        sizes = np.abs(new[differ].astype("f8") - old[differ].astype("f8"))
    finite = sizes[np.isfinite(sizes)]
    return ColumnDifference(int(differ.sum()), float(finite.max()) if len(finite) else None)


def _missing(column: Column) -> NDArray[np.bool_]:
    return np.isnan(column) if column.dtype.kind == "f" else np.zeros(len(column), bool)
