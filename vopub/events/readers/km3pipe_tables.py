"""Tables of HDF5 files, read in slices and in the order of a key."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from vopub.errors import InputError, did_you_mean

Rows = NDArray[Any]
"""Rows of a table: an array with named fields."""

KEPT_BYTES = 32 << 20
"""A table of up to this size is read once and kept; a larger one is read in slices, twice."""
BLOCK_BYTES = 4 << 20
"""How much of a larger table is looked at in one go."""
STRIDE = 128
"""Of a larger table, the key of every so manieth row is kept: 8 bytes per 128 rows."""

_DAMAGED = "the file is damaged; copy it again from where it came"
_KINDS = {"i": "integers", "u": "integers", "f": "numbers", "S": "text", "O": "objects"}


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn what h5py raises on damaged bytes into one clear line."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, MemoryError) as error:
        lines = str(error).strip().strip("\"'").splitlines()
        cause = lines[0] if lines else type(error).__name__
        raise InputError(f"cannot read {what} ({cause:.200})", where=path, hint=_DAMAGED) from error


class Table:
    """A dataset of records.

    Parameters
    ----------
    path
        The file, for errors.
    file
        The same, open.
    name
        The dataset's, e.g. ``reco/tracks``; it is there.

    Raises
    ------
    InputError
        If it is not a table.
    """

    def __init__(self, path: Path, file: h5py.File, name: str) -> None:
        self.path = path
        self.name = name
        with reading(path, f"/{name}"):
            self._dataset: Any = file[name]
            dtype = self._dataset.dtype if isinstance(self._dataset, h5py.Dataset) else None
        if dtype is None or dtype.names is None or self._dataset.ndim != 1:
            holds = "is a group" if dtype is None else f"holds {dtype}"
            raise InputError(f"/{name} {holds}, not a table with columns", where=path)
        self.dtype: np.dtype[Any] = dtype
        self.columns: tuple[str, ...] = dtype.names
        self.rows = int(self._dataset.shape[0])
        self._decodable = self._is_decodable()

    def first_of(self, names: tuple[str, ...], kinds: str) -> str | None:
        """Return the first column there is of several spellings, None if there is none.

        Raises
        ------
        InputError
            If it holds something else than wanted.
        """
        for name in names:
            if name in self.columns:
                self.check(name, kinds)
                return name
        return None

    def need(self, names: tuple[str, ...], kinds: str) -> str:
        """Return the first column there is of several spellings.

        Raises
        ------
        InputError
            If there is none, or if it holds something else than wanted.
        """
        found = self.first_of(names, kinds)
        if found is None:
            what = f"/{self.name} has no column {' or '.join(map(repr, names))}"
            raise InputError(what, where=self.path, hint=did_you_mean(names[0], self.columns))
        return found

    def check(self, name: str, kinds: str) -> None:
        """Check that a column holds what it should: ``"iu"`` integers, ``"fiu"`` numbers."""
        held = self.dtype[name]
        if held.kind not in kinds or held.shape:
            what = f"column {name!r} of /{self.name} holds {held}, not {_KINDS[kinds[0]]}"
            raise InputError(what, where=self.path)

    def read(self, start: int, stop: int) -> Rows:
        """Return the rows from ``start`` to before ``stop``.

        Raises
        ------
        InputError
            If the file is damaged there.
        """
        if not self._decodable:
            return _read_by_pytables(self.path, self.name, start, stop)
        with reading(self.path, f"rows {start} to {max(start, stop - 1)} of /{self.name}"):
            return np.asarray(self._dataset[start:stop])

    def blocks(self) -> Iterator[tuple[int, Rows]]:
        """Yield the whole table in pieces, each with the place of its first row."""
        step = self.block_rows()
        for start in range(0, self.rows, step):
            yield start, self.read(start, min(start + step, self.rows))

    def block_rows(self) -> int:
        """Return how many rows are read at a time so that every chunk of the file is read once."""
        size = max(1, self.dtype.itemsize)
        (chunk,) = self._dataset.chunks or (1,)
        if chunk * size > KEPT_BYTES:
            return max(1, BLOCK_BYTES // size)
        return int(chunk * max(1, BLOCK_BYTES // size // chunk))

    @property
    def small(self) -> bool:
        """Whether it may be kept in memory."""
        return self.rows * self.dtype.itemsize <= KEPT_BYTES

    def _is_decodable(self) -> bool:
        """Tell whether h5py has what the bytes were compressed with."""
        properties = self._dataset.id.get_create_plist()
        codes = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
        return all(h5py.h5z.filter_avail(code) for code in codes)


def _read_by_pytables(path: Path, name: str, start: int, stop: int) -> Rows:
    """Read what only PyTables can unpack: files of before 2018 were compressed by its Blosc."""
    try:
        import tables  # noqa: PLC0415
    except ImportError as error:
        what = f"/{name} is compressed in a way that only PyTables can unpack"
        raise InputError(what, where=path, hint="install it: pip install tables") from error
    try:
        with warnings.catch_warnings(), tables.open_file(path, "r") as file:
            warnings.filterwarnings("ignore", message="problems loading leaf")  # the error tells
            # Without `classname`, what PyTables does not understand would come as an empty node.
            return np.asarray(file.get_node(f"/{name}", classname="Table").read(start, stop))
    except (tables.exceptions.HDF5ExtError, tables.exceptions.NoSuchNodeError) as error:
        what = f"cannot read rows {start} to {max(start, stop - 1)} of /{name}"
        raise InputError(what, where=path, hint=_DAMAGED) from error


class Ordered:
    """The rows of a table in the order of its key, whatever their order in the file.

    A small table is kept in memory. A larger one is looked through once: if its keys ascend, as
    km3pipe writes them, it is then read in slices. Otherwise it is copied, in order, to a temporary
    file (see the environment variable ``TMPDIR``) that takes as much room on disk as the table
    unpacked; meanwhile 24 bytes per row, of the integer keys only, are in memory.

    Parameters
    ----------
    table
        The table.
    key
        Its column of integers.
    look
        Is shown all rows once, in the order of the file and in blocks.

    Attributes
    ----------
    repeated
        The first key that comes twice; None if each comes once.
    """

    def __init__(self, table: Table, key: str, look: Callable[[Rows], None] | None = None) -> None:
        table.check(key, "iu")
        self.table = table
        self.key = key
        self._read: Callable[[int, int], Rows] = table.read
        self._stride = 1
        if table.small:
            rows = table.read(0, table.rows)
            if look is not None:
                look(rows)
            keys = _keys(rows, key)
            if not _ascends(keys):
                order = np.argsort(keys, kind="stable")
                rows, keys = rows[order], keys[order]
            self.repeated: int | None = _repeated(keys)
            self._sparse = keys
            self._read = lambda start, stop: rows[start:stop]
        else:
            self._stride = STRIDE
            self._look_through(look)

    def __len__(self) -> int:
        return self.table.rows

    def read(self, start: int, stop: int) -> Rows:
        """Return rows by their place in the order of the key."""
        return self._read(start, min(stop, len(self)))

    def between(self, low: int | None, high: int | None) -> Rows:
        """Return the rows with keys of at least ``low`` and less than ``high``; None: no limit."""
        start, stop = 0, len(self)
        if low is not None:
            start = max(0, int(np.searchsorted(self._sparse, low)) - 1) * self._stride
        if high is not None:
            stop = min(stop, int(np.searchsorted(self._sparse, high)) * self._stride)
        rows = self._read(start, max(start, stop))
        keys = _keys(rows, self.key)
        first = 0 if low is None else int(np.searchsorted(keys, low))
        last = len(keys) if high is None else int(np.searchsorted(keys, high))
        return rows[first:last]

    def _look_through(self, look: Callable[[Rows], None] | None) -> None:
        self.repeated = None
        sparse, last, ascends = [], np.empty(0, np.int64), True
        for start, rows in self.table.blocks():
            if look is not None:
                look(rows)
            keys = _keys(rows, self.key)
            joined = np.concatenate([last, keys])
            ascends = ascends and _ascends(joined)
            if self.repeated is None:
                self.repeated = _repeated(joined)
            sparse.append(keys[-start % STRIDE :: STRIDE].copy())
            last = keys[-1:]
        self._sparse = np.concatenate(sparse)
        if not ascends:
            self._put_in_order()

    def _put_in_order(self) -> None:
        keys = np.concatenate([_keys(rows, self.key) for _, rows in self.table.blocks()])
        order = np.argsort(keys, kind="stable")
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        keys = keys[order]
        self.repeated = _repeated(keys)
        self._sparse = keys[::STRIDE].copy()
        del keys, order
        copy = _temporary(self.table)
        for start, rows in self.table.blocks():
            copy[places[start : start + len(rows)]] = rows
        self._read = lambda start, stop: np.array(copy[start:stop])


class Ascending:
    """The rows of a table whose keys are taken to ascend: each is read once, from first to last.

    Parameters
    ----------
    table
        The table.
    key
        Its column of integers.
    look
        Is shown all rows once, in blocks.

    Raises
    ------
    InputError
        From every method, if the file is damaged, if keys do not ascend, or if rows are asked for
        that passed before.
    """

    def __init__(self, table: Table, key: str, look: Callable[[Rows], None] | None = None) -> None:
        table.check(key, "iu")
        self.table = table
        self.key = key
        self._look = look
        self._step = table.block_rows()
        self._held: Rows = table.read(0, 0)
        self._next = 0
        self._last: int | None = None
        self._passed: int | None = None

    def first(self, number: int) -> tuple[Rows, int | None]:
        """Return the next rows, so many or what is left, and the key after them if there is one."""
        while len(self._held) <= number and self._next < self.table.rows:
            self._read()
        rows, self._held = self._held[:number], self._held[number:]
        return rows, int(self._held[self.key][0]) if len(self._held) else None

    def between(self, low: int | None, high: int | None) -> Rows:
        """Return the rows with keys of at least ``low`` and less than ``high``; None: no limit."""
        if self._passed is not None and (low is None or low < self._passed):
            self._refuse("is asked for rows that passed")
        while self._next < self.table.rows and (high is None or not self._reaches(high)):
            self._read()
        keys = _keys(self._held, self.key)
        start = 0 if low is None else int(np.searchsorted(keys, low))
        stop = len(keys) if high is None else int(np.searchsorted(keys, high))
        rows, self._held = self._held[start:stop], self._held[stop:]
        self._passed = high if high is not None else np.iinfo(np.int64).max
        return rows

    def _reaches(self, high: int) -> bool:
        return self._last is not None and self._last >= high

    def _read(self) -> None:
        stop = min(self._next + self._step, self.table.rows)
        rows = self.table.read(self._next, stop)
        self._next = stop
        if self._look is not None:
            self._look(rows)
        keys = _keys(rows, self.key)
        if not _ascends(keys) or (self._last is not None and keys[0] < self._last):
            self._refuse("is not in the order of its key")
        self._last = int(keys[-1])
        self._held = _joined(self._held, rows) if len(self._held) else rows

    def _refuse(self, why: str) -> None:
        raise InputError(f"/{self.table.name} {why} {self.key}", where=self.table.path)


def _temporary(table: Table) -> np.memmap[Any, Any]:
    """Return an array of a table's size in a file that goes when it is no longer used."""
    try:
        with tempfile.TemporaryFile(prefix="vopub-") as file:
            file.truncate(table.rows * table.dtype.itemsize)
            return np.memmap(file, table.dtype, "r+", shape=(table.rows,))
    except OSError as error:
        what = f"cannot put /{table.name} in order in {tempfile.gettempdir()}: {error.strerror}"
        hint = "let TMPDIR name a directory with enough room"
        raise InputError(what, where=table.path, hint=hint) from error


def _joined(first: Rows, second: Rows) -> Rows:
    """Return rows one behind the other; numpy alone would copy them column by column."""
    if first.dtype.hasobject:
        return np.concatenate([first, second])
    both = np.empty(len(first) + len(second), first.dtype)
    whole = np.dtype((np.void, first.dtype.itemsize))
    both.view(whole)[: len(first)] = first.view(whole)
    both.view(whole)[len(first) :] = second.view(whole)
    return both


def _keys(rows: Rows, key: str) -> NDArray[np.int64]:
    return np.ascontiguousarray(rows[key], dtype=np.int64)


def _ascends(keys: NDArray[np.int64]) -> bool:
    return bool((keys[1:] >= keys[:-1]).all())


def _repeated(keys: NDArray[np.int64]) -> int | None:
    """Return the first of ascending keys that comes twice."""
    same = np.flatnonzero(keys[1:] == keys[:-1])
    return int(keys[same[0]]) if len(same) else None


def text_of(value: object) -> str:
    """Return a text of the file, which HDF5 holds as bytes."""
    return (value.decode(errors="replace") if isinstance(value, bytes) else str(value)).strip()
