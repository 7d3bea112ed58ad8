"""Event tables as HATS catalogues, which LSDB reads: Parquet files by place on the sky.

The catalogue is a directory made by hats-import (extra ``hats``), on this machine and in bounded
memory. Its rows are in the order of the sky; the column ``_row`` remembers the order of the table.
Everything said about the table lies in ``metadata.json``, and as a VOTable in the metadata that the
files have in common.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from vopub.errors import FileError, TableError, UsageError
from vopub.files import cannot
from vopub.formats.base import Product, Writer, first_problem
from vopub.formats.columns import RESTORE, arrow_schema, arrow_table, event_table
from vopub.formats.header import metadata_json
from vopub.formats.swap import recover, staging_path, swap_in
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.event_table import EventTable, concatenate
from vopub.model.parameter import Parameter
from vopub.model.resource import FileRole

SUFFIX = ".hats"
METADATA_NAME = "metadata.json"
PROPERTIES_NAME = "hats.properties"
ROW = "_row"
"""Column that numbers the rows as they are in the table, from 0."""
POSITION = ("ra", "dec")
ROWS_PER_PARTITION = 250_000
"""Most rows of a file, which readers and the writer hold in memory."""
_ROWS_PER_INPUT = 1 << 18
"""Rows of a file that the importer reads: what it read stays in memory until the end of a file."""
_ROWS_PER_STEP = 1 << 16
_MOST_BUCKETS = 256
"""Temporary files that rows are put in order in."""
FINEST_ORDER = 7
"""Order of the smallest pixels of the sky that a file can hold: half a degree wide."""


class HatsWriter(Writer):
    """Writes the directory ``<stem>.hats``."""

    products: ClassVar[tuple[Product, ...]] = (
        Product(
            SUFFIX,
            "application/vnd.apache.parquet",
            FileRole.DATA,
            "Event table as HATS catalogue for LSDB: Parquet files by place on the sky",
            directory=True,
        ),
    )

    def __init__(self, path: Path, parameters: Sequence[Parameter]) -> None:
        super().__init__(path, parameters)
        self._importer = _loaded_importer()
        missing = set(POSITION) - {p.name for p in self.parameters}
        if missing:
            what = f"a HATS catalogue needs the columns {' and '.join(sorted(missing))}"
            raise TableError(what, where=path, hint="add them, or leave the format hats out")

    def _start(self, files: ExitStack) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        recover(self.path)
        scratch = tempfile.TemporaryDirectory(prefix=f".{self.path.name}.", dir=self.path.parent)
        self._scratch = Path(files.enter_context(scratch))
        schema = arrow_schema(self.parameters)
        self._schema = schema
        self._numbered = schema.append(pa.field(ROW, pa.int64(), nullable=False))
        self._inputs = list[Path]()
        self._files = files
        self._begin_input()
        self._counts = np.zeros(12 * 4**FINEST_ORDER, np.int64)

    def _begin_input(self) -> None:
        """Go on in another file."""
        path = self._scratch / f"rows{len(self._inputs):06}.parquet"
        self._inputs.append(path)
        self._rows_of_input = 0
        self._input = self._files.enter_context(ExitStack())
        stream = self._input.enter_context(path.open("wb"))
        self._writer = self._input.enter_context(pq.ParquetWriter(stream, self._numbered))

    def _append(self, chunk: EventTable) -> None:
        self._count(chunk)
        if self._rows_of_input >= _ROWS_PER_INPUT:
            self._input.close()
            self._begin_input()
        self._rows_of_input += len(chunk)
        numbers = pa.array(np.arange(self.rows, self.rows + len(chunk)))
        columns = arrow_table(chunk, self._schema).columns
        self._writer.write_table(pa.table([*columns, numbers], schema=self._numbered))

    def _count(self, chunk: EventTable) -> None:
        """Count the rows in each of the smallest pixels."""
        ra, dec = (chunk[name].astype(np.float64) for name in POSITION)
        bad = ~np.isfinite(ra) | ~(np.abs(dec) <= 90)
        if bad.any():
            row = int(np.argmax(bad))
            raise TableError(
                f"row {self.rows + row + 1}: ra {ra[row]}, dec {dec[row]} is no place on the sky",
                where=self.path,
                hint="cut such events, or leave the format hats out",
            )
        pixels = self._importer.pixels_of(FINEST_ORDER, ra, dec)
        self._counts += np.bincount(pixels, minlength=len(self._counts))

    def _finish(self, metadata: TableMetadata) -> None:
        if not self.rows:
            what = "a HATS catalogue needs at least one row"
            raise TableError(what, where=self.path, hint="leave the format hats out")
        self._input.close()
        catalogue = self._importer.import_rows(
            self._inputs,
            self._scratch,
            metadata,
            rows=self.rows,
            finest_order=FINEST_ORDER,
            # a pixel of the finest order cannot be parted, however many rows it has
            rows_per_partition=max(ROWS_PER_PARTITION, int(self._counts.max())),
            sort_by=ROW,
        )
        (catalogue / METADATA_NAME).write_text(metadata_json(metadata) + "\n", encoding="utf-8")
        for file in catalogue.rglob("*"):
            _make_public(file)
        _make_public(catalogue)
        catalogue.rename(staging_path(self.path))
        swap_in(self.path)


def _loaded_importer() -> ModuleType:
    """Load what needs the library, which takes seconds, only when it is wanted."""
    if importlib.util.find_spec("hats_import") is None:
        what = "the format hats needs the library hats-import, which is not installed"
        raise UsageError(what, hint='install it with: pip install "vopub[hats]"')
    return importlib.import_module("vopub.formats.hats_importer")


def _make_public(path: Path) -> None:
    """Let servers under another account read it, and bring it to the disk."""
    path.chmod(0o755 if path.is_dir() else 0o644)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_hats(path: Path) -> bool:
    """Tell whether a directory is a HATS catalogue."""
    return (path / PROPERTIES_NAME).is_file()


def read_hats(path: Path) -> EventDataset:
    """Read an event table and its metadata back, in the order it had before.

    Raises
    ------
    FileError
        If it cannot be read, is damaged or is not a catalogue that vopub wrote.
    """
    metadata = read_hats_metadata(path)
    chunks = iterate_hats(path, _ROWS_PER_STEP)
    return EventDataset(metadata, concatenate(metadata.parameters, chunks))


def read_hats_metadata(path: Path) -> TableMetadata:
    """Read what is said about an event table.

    Raises
    ------
    FileError
        If it cannot be read, or the catalogue is not one that vopub wrote.
    """
    said = path / METADATA_NAME
    try:
        return TableMetadata.model_validate_json(said.read_bytes())
    except OSError as error:
        raise cannot("read", said, error) from error
    except ValidationError as error:
        what = f"is not the metadata of an event table: {first_problem(error)}"
        raise FileError(what, where=said, hint=RESTORE) from error


def iterate_hats(path: Path, rows: int) -> Iterator[EventTable]:
    """Yield the table in chunks of at most so many rows, in the order it had before.

    The rows are put in order in temporary files.

    Raises
    ------
    FileError
        If it cannot be read, is damaged or is not a catalogue that vopub wrote.
    """
    metadata = read_hats_metadata(path)
    read = 0
    with _damage_told(path), tempfile.TemporaryDirectory(prefix="vopub-") as scratch:
        for bucket in _buckets(path, metadata, Path(scratch)):
            with pa.OSFile(str(bucket)) as file, pa.ipc.open_stream(file) as stream:
                ordered = stream.read_all().sort_by(ROW)
            _check_order(path, ordered[ROW].to_numpy(), read, metadata)
            read += len(ordered)
            yield from event_table(ordered.drop([ROW]), metadata.parameters, path).chunks(rows)
    _check_rows(path, read, metadata)


def _buckets(path: Path, metadata: TableMetadata, scratch: Path) -> list[Path]:
    """Part the rows by their numbers into files that each fit in memory, in order."""
    rows_in_each = max(_ROWS_PER_STEP, -(-metadata.rows // _MOST_BUCKETS))
    schema = arrow_schema(metadata.parameters).append(pa.field(ROW, pa.int64(), nullable=False))
    writers: dict[int, Any] = {}
    with ExitStack() as files:
        for rows in _rows_of(path, schema):
            ordered = rows.sort_by(ROW)
            numbers = ordered[ROW].to_numpy() // rows_in_each
            starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
            for start, stop in pairwise([*starts, len(numbers)]):
                number = int(numbers[start])
                if number not in writers:
                    sink = str(scratch / f"{number:06d}")
                    writers[number] = files.enter_context(pa.ipc.new_stream(sink, schema))
                writers[number].write_table(ordered.slice(start, stop - start))
    return sorted(scratch.iterdir())


def _rows_of(path: Path, schema: Any) -> Iterator[Any]:
    for part in _parts(path):
        with pq.ParquetFile(part) as file:
            missing = [name for name in schema.names if name not in file.schema_arrow.names]
            if missing:
                what = f"lacks the columns {', '.join(missing)}, which its metadata describe"
                raise FileError(what, where=part, hint=RESTORE)
            for batch in file.iter_batches(_ROWS_PER_STEP, columns=schema.names):
                yield pa.Table.from_batches([batch]).select(schema.names).cast(schema)


def _check_order(path: Path, numbers: Any, start: int, metadata: TableMetadata) -> None:
    gaps = np.flatnonzero(numbers != np.arange(start, start + len(numbers)))
    if len(gaps):
        _check_rows(path, start + int(gaps[0]), metadata)


def _check_rows(path: Path, rows: int, metadata: TableMetadata) -> None:
    if rows != metadata.rows:
        what = f"lacks row {rows + 1} of {metadata.rows}"
        raise FileError(what, where=path, hint=RESTORE)


def _parts(path: Path) -> list[Path]:
    parts = sorted((path / "dataset").glob("Norder=*/Dir=*/Npix=*.parquet"))
    if not parts:
        raise FileError("holds no rows", where=path / "dataset", hint=RESTORE)
    return parts


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise cannot("read", path, error) from error
        what = f"is damaged: {' '.join(str(error).split())}"
        raise FileError(what, where=path, hint=RESTORE) from error
