"""Event tables as HDF5: rows in ``/events``, what is said about them in ``/header`` for people.

Beside them lie the cut flow of each file in ``/cut_flow`` and the runs in ``/runs``.

Machines find the same in attributes: on the root ``identifier``, ``kid``, ``simulated``,
``format_version`` and one JSON text for each block of the metadata, on ``/events`` the unit, UCD
and description of every column, as ``<column>.unit`` and so on. ``/provenance`` is how the table
was made as W3C PROV-JSON.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import h5py
import numpy as np
from astropy.table import Column as AstropyColumn
from astropy.table import Table
from astropy.table.meta import get_yaml_from_table
from numpy.typing import NDArray
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from vopub.errors import FileError
from vopub.files import cannot, replacing
from vopub.formats.base import Product, Writer, first_problem
from vopub.formats.fixed_text import LEAST_WIDTH, decoded, encoded, width_of
from vopub.formats.side_tables import side_tables
from vopub.formats.w3c_prov import prov_json
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.event_table import EventTable, concatenate
from vopub.model.parameter import Dtype, Parameter
from vopub.model.resource import FileRole

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SUFFIX = ".h5"
FORMAT_VERSION = "1.0"
EVENTS, PROVENANCE = "events", "provenance"
ASTROPY_META = f"{EVENTS}.__table_column_meta__"
"""Where astropy's reader looks for units and descriptions of the columns of ``/events``."""
_PLAIN = ("identifier", "kid", "simulated")
BLOCKS = tuple(name for name in TableMetadata.model_fields if name not in (*_PLAIN, "rows"))
"""Attributes of the root that hold JSON."""
ROWS_PER_BLOCK = 4096
"""Rows written at a time and compressed together."""
_COPIED_BLOCKS = 16
"""Blocks copied at a time to a wider table."""
_RESTORE = "take the file from its publication again"
# numbers shuffled to bytes gain nothing from more than the fastest level
_COMPRESSED = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


class _Sink(io.FileIO):
    """A file that remembers the first error of the disk instead of raising it.

    HDF5 cannot close a file that it cannot write, and then takes the whole process down with a
    segmentation fault. Here it closes, and what failed is raised afterwards.
    """

    error: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left:
                left = left[super().write(left) :]
        except OSError as error:
            self.error = self.error or error
        return size

    def truncate(self, size: int | None = None, /) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return self.tell() if size is None else size

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Raise an error of the disk rather than what HDF5 makes of it."""
        try:
            yield
        finally:
            if self.error is not None:
                raise self.error


class Hdf5Writer(Writer):
    """Writes ``<stem>.h5``; the same content gives the same bytes, however it is cut in chunks."""

    products: ClassVar[tuple[Product, ...]] = (
        Product(
            SUFFIX,
            "application/x-hdf5",
            FileRole.DATA,
            "Event table as HDF5 with all its metadata: /events, /header and attributes",
        ),
    )

    def _start(self, files: ExitStack) -> None:
        temporary = files.enter_context(replacing(self.path))
        self._sink = files.enter_context(_Sink(temporary, "w+"))
        self._texts = [p.name for p in self.parameters if p.dtype is Dtype.TEXT]
        self._widths = dict.fromkeys(self._texts, LEAST_WIDTH)
        with self._sink.watched():
            self._file = files.enter_context(h5py.File(self._sink, "w"))
            self._events = self._new_table(EVENTS)
        self._block = np.empty(ROWS_PER_BLOCK, [(p.name, p.dtype.numpy) for p in self.parameters])
        self._held = 0

    def _new_table(self, name: str) -> Any:
        return self._file.create_dataset(
            name,
            shape=(0,),
            maxshape=(None,),
            chunks=(ROWS_PER_BLOCK,),
            dtype=_row_dtype(self.parameters, self._widths),
            track_times=False,
            **_COMPRESSED,
        )

    def _append(self, chunk: EventTable) -> None:
        start = 0
        while start < len(chunk):
            rows = min(len(chunk) - start, ROWS_PER_BLOCK - self._held)
            for name, column in chunk.columns.items():
                self._block[name][self._held : self._held + rows] = column[start : start + rows]
            start += rows
            self._held += rows
            if self._held == ROWS_PER_BLOCK:
                self._write_block()

    def _write_block(self) -> None:
        block = self._block[: self._held]
        texts = {name: encoded(block[name], name, self.path) for name in self._texts}
        widths = {name: width_of(texts[name].itemsize) for name in self._texts}
        with self._sink.watched():
            if any(widths[name] > self._widths[name] for name in self._texts):
                self._widths = {n: max(widths[n], self._widths[n]) for n in self._texts}
                self._widen()
            rows = np.empty(self._held, _row_dtype(self.parameters, self._widths))
            for name in rows.dtype.names or ():
                rows[name] = texts.get(name, block[name])
            written = len(self._events)
            self._events.resize(written + self._held, axis=0)
            self._events[written:] = rows
        self._held = 0

    def _finish_rows(self) -> None:
        if self._held:
            self._write_block()

    def _widen(self) -> None:
        """Move the rows to a table with more room for texts; seldom, as room grows in steps."""
        narrow, self._events = self._events, self._new_table(f"{EVENTS}.wider")
        self._events.resize(len(narrow), axis=0)
        step = ROWS_PER_BLOCK * _COPIED_BLOCKS
        for start in range(0, len(narrow), step):
            self._events[start : start + step] = narrow[start : start + step].astype(
                self._events.dtype
            )
        del self._file[EVENTS]
        self._file.move(f"{EVENTS}.wider", EVENTS)

    def _finish(self, metadata: TableMetadata) -> None:
        self._finish_rows()
        with self._sink.watched():
            _write_column_attributes(self._events, metadata.parameters)
            _write_root_attributes(self._file, metadata)
            _write_side_tables(self._file, metadata)
            _write_provenance(self._file, prov_json(metadata))
            _write_astropy_meta(self._file, metadata)
            self._file.close()


def _row_dtype(parameters: Sequence[Parameter], widths: Mapping[str, int]) -> np.dtype[Any]:
    """Return the type of a row; text of fixed length, as every reader of HDF5 tables knows it."""
    kinds = {name: _utf8(width) for name, width in widths.items()}
    return np.dtype([(p.name, kinds.get(p.name, p.dtype.numpy)) for p in parameters])


def _write_column_attributes(events: Any, parameters: Sequence[Parameter]) -> None:
    for p in parameters:
        events.attrs[f"{p.name}.unit"] = p.unit
        events.attrs[f"{p.name}.ucd"] = p.ucd
        events.attrs[f"{p.name}.description"] = p.description
        if p.symbol:
            events.attrs[f"{p.name}.symbol"] = p.symbol
        if p.range is not None:
            events.attrs[f"{p.name}.range"] = p.range


def _write_root_attributes(file: Any, metadata: TableMetadata) -> None:
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["identifier"] = metadata.identifier
    file.attrs["kid"] = str(metadata.kid)
    # PyTables does not read booleans
    file.attrs["simulated"] = np.uint8(metadata.simulated)
    for block in BLOCKS:
        file.attrs[block] = to_json(getattr(metadata, block)).decode()


def _write_side_tables(file: Any, metadata: TableMetadata) -> None:
    for name, table in side_tables(metadata, str.encode).items():
        fields = [(field, table.dtype[field]) for field in table.dtype.names or ()]
        kinds = [(f, _utf8(kind.itemsize) if kind.kind == "S" else kind) for f, kind in fields]
        data = table.astype(np.dtype(kinds))
        # HDF5 compresses no table without rows
        options = _COMPRESSED if len(data) else {}
        file.create_dataset(name, data=data, track_times=False, **options)


def _write_provenance(file: Any, text: str) -> None:
    content = text.encode()
    data = np.array([content], _utf8(len(content)))
    file.create_dataset(PROVENANCE, data=data, track_times=False, **_COMPRESSED)


def _utf8(width: int) -> np.dtype[Any]:
    """Return text of fixed length, which every reader of HDF5 tables shows as text."""
    text: np.dtype[Any] = h5py.string_dtype("utf-8", width)
    return text


def _write_astropy_meta(file: Any, metadata: TableMetadata) -> None:
    columns = [
        AstropyColumn(
            np.empty(0, "U1" if p.dtype is Dtype.TEXT else p.dtype.numpy),
            name=p.name,
            unit=p.unit or None,
            description=p.description,
            meta={"ucd": p.ucd},
        )
        for p in metadata.parameters
    ]
    about = {
        "identifier": metadata.identifier,
        "kid": str(metadata.kid),
        "title": metadata.publication.title,
        "simulated": metadata.simulated,
    }
    lines = get_yaml_from_table(Table(columns, meta=about))
    data = np.array([line.encode() for line in lines])
    file.create_dataset(ASTROPY_META, data=data, track_times=False)


def read_hdf5(path: Path) -> EventDataset:
    """Read an event table and its metadata back.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged or is not an event table of this format.
    """
    with _opened(path) as file:
        metadata = _read_metadata(path, file)
        chunks = _iterate(path, file[EVENTS], metadata.parameters, ROWS_PER_BLOCK)
        return EventDataset(metadata, concatenate(metadata.parameters, chunks))


def read_hdf5_metadata(path: Path) -> TableMetadata:
    """Read what is said about an event table.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged or is not an event table of this format.
    """
    with _opened(path) as file:
        return _read_metadata(path, file)


def iterate_hdf5(path: Path, rows: int) -> Iterator[EventTable]:
    """Yield the table in chunks of at most so many rows.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged or is not an event table of this format.
    """
    with _opened(path) as file:
        yield from _iterate(path, file[EVENTS], _read_metadata(path, file).parameters, rows)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> FileError:
    """Tell a place that cannot be read (it has an error number) from content that cannot."""
    if isinstance(error, OSError) and error.errno:
        # HDF5 puts its whole state in the text of the error
        return cannot("read", path, OSError(error.errno, os.strerror(error.errno)))
    said = first_problem(error) if isinstance(error, ValidationError) else str(error)
    what = f"is damaged or not an event table of ours: {' '.join(said.split())}"
    return FileError(what, where=path, hint=_RESTORE)


def _read_metadata(path: Path, file: Any) -> TableMetadata:
    fields = TableMetadata.model_fields
    needed = [name for name in (*_PLAIN, *BLOCKS) if fields[name].is_required()]
    missing = [name for name in ("format_version", *needed) if name not in file.attrs]
    if missing or EVENTS not in file:
        what = f"is not an event table of ours: it lacks {', '.join(missing) or EVENTS}"
        raise FileError(what, where=path, hint=_RESTORE)
    version = file.attrs["format_version"]
    if version != FORMAT_VERSION:
        what = f"has format version {version}, known is {FORMAT_VERSION}"
        raise FileError(what, where=path, hint="read it with the vopub that wrote it")
    return TableMetadata(
        identifier=file.attrs["identifier"],
        kid=file.attrs["kid"],
        simulated=bool(file.attrs["simulated"]),
        rows=len(file[EVENTS]),
        # what has a default may be younger than the file
        **{block: from_json(file.attrs[block]) for block in BLOCKS if block in file.attrs},
    )


def _iterate(
    path: Path, events: Any, parameters: tuple[Parameter, ...], rows: int
) -> Iterator[EventTable]:
    texts = [p.name for p in parameters if p.dtype is Dtype.TEXT]
    named = set(texts) <= set(events.dtype.names or ())
    expected = _row_dtype(parameters, {n: events.dtype[n].itemsize for n in texts if named})
    if events.dtype != expected:
        what = f"/{EVENTS} has columns {events.dtype}, its metadata describe {expected}"
        raise FileError(what, where=path, hint=_RESTORE)
    for start in range(0, len(events), rows):
        yield _chunk(events[start : start + rows], parameters)


def _chunk(rows: NDArray[Any], parameters: tuple[Parameter, ...]) -> EventTable:
    columns = {p.name: np.ascontiguousarray(rows[p.name]) for p in parameters}
    for p in parameters:
        if p.dtype is Dtype.TEXT:
            columns[p.name] = decoded(columns[p.name])
    return EventTable(parameters, columns)
