"""Event tables as Parquet with the metadata of VOParquet 1.0.

The key-value metadata of the file hold, as the IVOA's note on Parquet asks, a VOTable without data
(``IVOA.VOTable-Parquet.version`` and ``.content``), and everything said about the table as JSON
(``vopub.metadata``). What is not available is null.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from vopub.errors import FileError
from vopub.files import cannot, replacing
from vopub.formats.base import Product, Writer, first_problem
from vopub.formats.columns import RESTORE, arrow_schema, arrow_table, event_table
from vopub.formats.header import metadata_json
from vopub.formats.votable_header import votable_header
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.event_table import EventTable, concatenate
from vopub.model.parameter import Dtype
from vopub.model.resource import FileRole

SUFFIX = ".parquet"
ROWS_PER_GROUP = 1 << 17
"""Rows that are held in memory and written together: some 10 to 20 MB."""
METADATA_KEY = "vopub.metadata"
VOTABLE_VERSION_KEY = "IVOA.VOTable-Parquet.version"
VOTABLE_KEY = "IVOA.VOTable-Parquet.content"
VOPARQUET_VERSION = "1.0"
ASTROPY_LENGTH_KEY = "table::len::"
"""Before the name of a text column: where astropy looks how long its texts are."""


class ParquetWriter(Writer):
    """Writes ``<stem>.parquet``; the same content gives the same bytes, however it is cut."""

    products: ClassVar[tuple[Product, ...]] = (
        Product(
            SUFFIX,
            "application/vnd.apache.parquet",
            FileRole.DATA,
            "Event table as Parquet with a VOTable of its metadata (VOParquet 1.0)",
        ),
    )

    def _start(self, files: ExitStack) -> None:
        self._schema = arrow_schema(self.parameters)
        self._temporary = files.enter_context(replacing(self.path))
        self._stream = files.enter_context(self._temporary.open("wb"))
        self._writer = files.enter_context(
            pq.ParquetWriter(
                self._stream,
                self._schema,
                compression="zstd",  # smaller than snappy, as fast
                store_schema=False,  # Arrow's would hide our metadata from its schemas
            )
        )
        self._longest = {p.name: 1 for p in self.parameters if p.dtype is Dtype.TEXT}
        self._held: list[Any] = []
        self._rows_held = 0

    def _append(self, chunk: EventTable) -> None:
        rows = arrow_table(chunk, self._schema)
        for name, longest in self._longest.items():
            length = pc.max(pc.utf8_length(rows[name])).as_py()
            self._longest[name] = max(longest, length or 0)
        self._held.append(rows)
        self._rows_held += len(chunk)
        if self._rows_held >= ROWS_PER_GROUP:
            self._write_groups(ROWS_PER_GROUP)

    def _write_groups(self, least: int) -> None:
        """Write what is held as groups of the full size, as long as there are ``least`` rows."""
        held = pa.concat_tables(self._held).combine_chunks()
        start = 0
        while held.num_rows - start >= least:
            group = held.slice(start, ROWS_PER_GROUP)
            self._writer.write_table(group, ROWS_PER_GROUP)
            start += group.num_rows
        self._held = [held.slice(start)]
        self._rows_held = held.num_rows - start

    def _finish(self, metadata: TableMetadata) -> None:
        if self._rows_held:
            self._write_groups(1)
        self._writer.add_key_value_metadata(
            {
                METADATA_KEY: metadata_json(metadata),
                VOTABLE_VERSION_KEY: VOPARQUET_VERSION,
                VOTABLE_KEY: votable_header(metadata, self._longest),
                **{ASTROPY_LENGTH_KEY + name: str(n) for name, n in self._longest.items()},
            }
        )
        self._writer.close()
        self._stream.close()


def read_parquet(path: Path) -> EventDataset:
    """Read an event table and its metadata back.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged or is not an event table of this format.
    """
    metadata = read_parquet_metadata(path)
    chunks = iterate_parquet(path, ROWS_PER_GROUP)
    return EventDataset(metadata, concatenate(metadata.parameters, chunks))


def read_parquet_metadata(path: Path) -> TableMetadata:
    """Read what is said about an event table.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged or is not an event table of this format.
    """
    with _opened(path) as file:
        return _metadata(path, file)


def iterate_parquet(path: Path, rows: int) -> Iterator[EventTable]:
    """Yield the table in chunks of at most so many rows.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged or is not an event table of this format.
    """
    with _opened(path) as file:
        parameters = _metadata(path, file).parameters
        for batch in file.iter_batches(batch_size=rows):
            yield event_table(pa.Table.from_batches([batch]), parameters, path)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as stream, pq.ParquetFile(stream) as file:
            yield file
    except pa.ArrowException as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        # what Arrow cannot decode is an OSError without a number
        raise (
            cannot("read", path, error) if error.errno else _damaged(path, str(error))
        ) from error


def _metadata(path: Path, file: Any) -> TableMetadata:
    said = (file.metadata.metadata or {}).get(METADATA_KEY.encode())
    if said is None:
        what = f"is not an event table of ours: it lacks {METADATA_KEY}"
        raise FileError(what, where=path, hint=RESTORE)
    try:
        metadata = TableMetadata.model_validate_json(said)
    except ValidationError as error:
        raise _damaged(path, first_problem(error)) from error
    expected, found = map(_columns, (arrow_schema(metadata.parameters), file.schema_arrow))
    if found != expected:
        pairs = zip_longest(found, expected, fillvalue="none")
        place, (ours, theirs) = next(
            (n, pair) for n, pair in enumerate(pairs, 1) if len({*pair}) > 1
        )
        what = f"column {place} is {ours}, its metadata describe {theirs}"
        raise FileError(what, where=path, hint=RESTORE)
    if file.metadata.num_rows != metadata.rows:
        what = f"has {file.metadata.num_rows} rows, its metadata say {metadata.rows}"
        raise FileError(what, where=path, hint=RESTORE)
    return metadata


def _columns(schema: Any) -> list[str]:
    return [f"{f.name} {f.type}{' or null' if f.nullable else ''}" for f in schema]


def _damaged(path: Path, said: str) -> FileError:
    what = f"is damaged or not an event table of ours: {' '.join(said.split())}"
    return FileError(what, where=path, hint=RESTORE)
