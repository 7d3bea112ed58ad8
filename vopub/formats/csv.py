r"""Event tables as CSV, with a metadata file beside it for people and machines.

The table follows RFC 4180: UTF-8, a header line of column names, lines ended by ``\n``. Text is
always quoted, so that empty text differs from nothing. An empty field is NaN, infinity is ``inf``
or ``-inf``, and numbers have the fewest digits that read back to the same bits.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal, Self

import pyarrow as pa
import pyarrow.csv as pa_csv
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vopub.errors import FileError
from vopub.files import Settling, cannot, replacing, sha256_of
from vopub.formats.base import Product, Writer, first_problem
from vopub.formats.columns import arrow_schema, arrow_table, event_table
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.event_table import EventTable, empty
from vopub.model.parameter import Parameter
from vopub.model.resource import SHA256_PATTERN, FileRole

SUFFIX = ".csv"
METADATA_SUFFIX = ".metadata.json"
MOST_THREADS = 8
"""How many threads write numbers as text, at most; there is one for each core."""
ROWS = 10_000
"""How many rows a thread writes at a time: some megabytes of text."""
_RESTORE = "take both files from the same publication again"


class CsvDialect(BaseModel):
    """How the CSV file is written; there is one way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    """Name of the CSV file, without a directory."""
    sha256: str = Field(pattern=rf"^{SHA256_PATTERN}$")
    encoding: Literal["utf-8"] = "utf-8"
    header: Literal[True] = True
    delimiter: Literal[","] = ","
    quote: Literal['"'] = '"'
    """Round every text, and doubled inside."""
    line_end: Literal["\n"] = "\n"
    null: Literal[""] = ""
    """An empty field without quotes: the value is not available (NaN)."""
    infinity: Literal["inf"] = "inf"


class CsvDocument(TableMetadata):
    """Content of the metadata file: everything said about the table, and about its CSV file."""

    csv: CsvDialect


class CsvWriter(Writer):
    """Writes ``<stem>.csv`` and ``<stem>.metadata.json``."""

    products: ClassVar[tuple[Product, ...]] = (
        Product(
            SUFFIX,
            "text/csv; charset=utf-8",
            FileRole.DATA,
            "Event table as CSV: a line of column names, then one line per event",
        ),
        Product(
            METADATA_SUFFIX,
            "application/json",
            FileRole.METADATA,
            "Metadata of the event table: publication, data taking, parameters, provenance",
        ),
    )

    def _start(self, files: ExitStack) -> None:
        self._schema = arrow_schema(self.parameters)
        self._temporary = files.enter_context(replacing(self.path))
        self._stream = files.enter_context(_Hashed(self._temporary))
        self._stream.write(_header_line(self.parameters))
        # Arrow writes numbers on one core at a time; without Python's lock, so threads help.
        self._most = min(MOST_THREADS, 1 + len(os.sched_getaffinity(0)))
        self._threads = files.enter_context(ThreadPoolExecutor(self._most))
        self._coming: deque[Future[Any]] = deque()

    def _append(self, chunk: EventTable) -> None:
        # NaN is null in Arrow, which is written as an empty field
        table = arrow_table(chunk, self._schema)
        for start in range(0, len(chunk), ROWS):
            self._coming.append(self._threads.submit(_lines, table.slice(start, ROWS)))
            self._write(but=self._most)

    def _write(self, *, but: int) -> None:
        """Write the pieces of text that are coming, in order, but for the last so many."""
        while len(self._coming) > but:
            self._stream.write(self._coming.popleft().result())

    def _finish(self, metadata: TableMetadata) -> None:
        self._write(but=0)
        self.digests[self.path.name] = self._stream.finish()
        dialect = CsvDialect(file=self.path.name, sha256=self.digests[self.path.name])
        document = CsvDocument(**dict(metadata), csv=dialect)
        beside = self._files.enter_context(replacing(metadata_path(self.path)))
        beside.write_text(document.model_dump_json(indent=2) + "\n", encoding="utf-8")


class _Hashed:
    """A file that is hashed while it is written: a large one would take as long again to read."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("wb")
        self._settling = Settling(self._stream)
        self._digest = hashlib.sha256()
        self._thread = ThreadPoolExecutor(1)
        self._hashing: Future[None] | None = None

    def write(self, text: Any) -> None:
        """Write bytes; a thread of its own hashes them, without Python's lock."""
        self._stream.write(text)
        self._settling.note(len(text))
        self._wait()
        self._hashing = self._thread.submit(self._digest.update, text)

    def finish(self) -> str:
        """Close the file and return its SHA-256."""
        self._close()
        self._wait()
        return self._digest.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self._thread.shutdown()

    def _close(self) -> None:
        with self._settling:
            pass  # the handle may not be closed while it is used
        self._stream.close()

    def _wait(self) -> None:
        if self._hashing is not None:
            self._hashing.result()


def _lines(table: Any) -> Any:
    """Return rows as they stand in the file."""
    sink = pa.BufferOutputStream()
    options = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
    pa_csv.write_csv(table, sink, options)
    return sink.getvalue()


def metadata_path(path: Path) -> Path:
    """Return where the metadata file of a CSV file lies."""
    return path.with_name(path.name.removesuffix(SUFFIX) + METADATA_SUFFIX)


def read_csv(path: Path) -> EventDataset:
    """Read an event table and its metadata back.

    Parameters
    ----------
    path
        The CSV file; its metadata file lies beside it.

    Raises
    ------
    FileError
        If a file cannot be read, or the table is not the one its metadata describe.
    """
    document = _read_document(metadata_path(path))
    table = _read_table(path, document.parameters)
    _check_rows(path, len(table), document)
    _check_digest(path, document)
    return EventDataset(_metadata(document), table)


def read_csv_metadata(path: Path) -> TableMetadata:
    """Read what is said about an event table from the file beside it.

    Raises
    ------
    FileError
        If that file cannot be read.
    """
    return _metadata(_read_document(metadata_path(path)))


def iterate_csv(path: Path, rows: int) -> Iterator[EventTable]:
    """Yield the table in chunks of at most so many rows.

    Raises
    ------
    FileError
        If a file cannot be read, or the table is not the one its metadata describe.
    """
    document = _read_document(metadata_path(path))
    _check_digest(path, document)
    read = 0
    for chunk in _iterate_rows(path, document.parameters):
        read += len(chunk)
        yield from chunk.chunks(rows)
    _check_rows(path, read, document)


def _metadata(document: CsvDocument) -> TableMetadata:
    return TableMetadata(**{name: getattr(document, name) for name in TableMetadata.model_fields})


def _check_rows(path: Path, rows: int, document: CsvDocument) -> None:
    if rows != document.rows:
        what = f"has {rows} rows, its metadata say {document.rows}"
        raise FileError(what, where=path, hint=_RESTORE)


def _check_digest(path: Path, document: CsvDocument) -> None:
    if sha256_of(path) != document.csv.sha256:
        what = "is not the file its metadata describe: the sha256 differs"
        raise FileError(what, where=path, hint=_RESTORE)


def _header_line(parameters: Sequence[Parameter]) -> bytes:
    # names are identifiers and need no quotes
    return ",".join(p.name for p in parameters).encode() + b"\n"


def _read_document(path: Path) -> CsvDocument:
    try:
        return CsvDocument.model_validate_json(path.read_bytes())
    except OSError as error:
        raise cannot("read", path, error) from error
    except ValidationError as error:
        what = f"is not the metadata of an event table: {first_problem(error)}"
        raise FileError(what, where=path, hint=_RESTORE) from error


def _read_table(path: Path, parameters: tuple[Parameter, ...]) -> EventTable:
    with _rows_of(path, parameters) as stream:
        if stream is None:
            return empty(parameters)
        rows = pa_csv.read_csv(stream, **_options(parameters))
    return event_table(rows, parameters, path)


def _iterate_rows(path: Path, parameters: tuple[Parameter, ...]) -> Iterator[EventTable]:
    with _rows_of(path, parameters) as stream:
        if stream is None:
            return
        for batch in pa_csv.open_csv(stream, **_options(parameters)):
            yield event_table(pa.Table.from_batches([batch]), parameters, path)


@contextmanager
def _rows_of(path: Path, parameters: Sequence[Parameter]) -> Iterator[BinaryIO | None]:
    """Open a CSV file after its header line; None if no row follows."""
    try:
        with path.open("rb") as stream:
            _check_header(path, stream.readline(), parameters)
            with _arrow_errors(path, parameters):
                yield None if stream.tell() == os.fstat(stream.fileno()).st_size else stream
    except OSError as error:
        raise cannot("read", path, error) from error


def _check_header(path: Path, line: bytes, parameters: Sequence[Parameter]) -> None:
    if line == _header_line(parameters):
        return
    found = line.decode("utf-8", errors="replace").rstrip("\n").split(",")
    names = [p.name for p in parameters]
    if len(found) != len(names):
        what = f"has {len(found)} columns, its metadata describe {len(names)}"
    else:
        pairs = enumerate(zip(found, names, strict=True), start=1)
        place, (ours, theirs) = next((i, pair) for i, pair in pairs if pair[0] != pair[1])
        what = f"column {place} is named {ours!r}, its metadata say {theirs!r}"
    raise FileError(what, where=path, hint=_RESTORE)


def _options(parameters: Sequence[Parameter]) -> dict[str, Any]:
    schema = arrow_schema(parameters)
    return {
        # only a reader with one thread can tell the row of an error
        "read_options": pa_csv.ReadOptions(use_threads=False, column_names=schema.names),
        # a table of one column has empty lines where the value is not available
        "parse_options": pa_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        "convert_options": pa_csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    }


@contextmanager
def _arrow_errors(path: Path, parameters: Sequence[Parameter]) -> Iterator[None]:
    """Say in our words where a CSV file is malformed."""
    try:
        yield
    except pa.ArrowInvalid as error:
        said = " ".join(str(error).split())
        value = re.match(r"In CSV column #(\d+): Row #(\d+): (?:CSV )?(.*)", said)
        line = re.match(r"CSV parse error: Row #(\d+): (.*)", said)
        if value:
            said = f"row {value[2]}, column {parameters[int(value[1])].name}: {value[3]}"
        elif line:
            said = f"row {line[1]}: {line[2]}"
        raise FileError(said, where=path, hint=_RESTORE) from error
