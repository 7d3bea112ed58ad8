"""Event tables as VOTable 1.4 with rows in BINARY2.

What is known only after the last row stands before the first, so the rows wait in a file without
a name until then.
"""

from __future__ import annotations

import binascii
import io
import tempfile
import xml.parsers.expat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, ClassVar

from astropy.io.votable.exceptions import VOTableSpecError
from astropy.io.votable.table import parse
from pydantic import ValidationError

from vopub.errors import FileError
from vopub.files import cannot, replacing
from vopub.formats.base import Product, Writer, first_problem
from vopub.formats.binary2 import Binary2
from vopub.formats.columns import RESTORE
from vopub.formats.votable_header import METADATA_PARAM, votable_header
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.event_table import EventTable, concatenate
from vopub.model.resource import FileRole

SUFFIX = ".vot"
_OPENING = b'<DATA>\n<BINARY2>\n<STREAM encoding="base64">\n'
_CLOSING = b"</STREAM>\n</BINARY2>\n</DATA>\n"
_END_OF_TABLE = b"</TABLE>"
_BLOCK = 3 << 16
"""Bytes encoded at a time; a multiple of 3, so that blocks follow each other in base64."""
_LONGEST_HEADER = 1 << 28
"""Bytes in which the rows have to begin."""


class VotableWriter(Writer):
    """Writes ``<stem>.vot``."""

    products: ClassVar[tuple[Product, ...]] = (
        Product(
            SUFFIX,
            "application/x-votable+xml",
            FileRole.DATA,
            "Event table as VOTable 1.4 with units, UCDs and coordinate systems",
        ),
    )

    def _start(self, files: ExitStack) -> None:
        self._temporary = files.enter_context(replacing(self.path))
        waiting = tempfile.TemporaryFile(dir=self.path.parent)  # noqa: SIM115 - the stack closes it
        self._rows = files.enter_context(waiting)
        self._layout = Binary2(self.parameters)

    def _append(self, chunk: EventTable) -> None:
        for piece in self._layout.encode(chunk):
            self._rows.write(piece.data)

    def _finish(self, metadata: TableMetadata) -> None:
        before, end, after = votable_header(metadata).rpartition(_END_OF_TABLE)
        self._rows.seek(0)
        with self._temporary.open("wb") as stream:
            stream.write(before + _OPENING)
            while block := self._rows.read(_BLOCK):
                stream.write(binascii.b2a_base64(block))
            stream.write(_CLOSING + end + after)


def read_votable(path: Path) -> EventDataset:
    """Read an event table and its metadata back.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged or is not an event table of this format.
    """
    with _opened(path) as (metadata, stream):
        chunks = Binary2(metadata.parameters).decode(_decoded(stream))
        table = concatenate(metadata.parameters, chunks)
        _check_rows(path, len(table), metadata)
        return EventDataset(metadata, table)


def read_votable_metadata(path: Path) -> TableMetadata:
    """Read what is said about an event table.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged or is not an event table of this format.
    """
    with _opened(path) as (metadata, _):
        return metadata


def iterate_votable(path: Path, rows: int) -> Iterator[EventTable]:
    """Yield the table in chunks of at most so many rows.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged or is not an event table of this format.
    """
    with _opened(path) as (metadata, stream):
        read = 0
        for chunk in Binary2(metadata.parameters).decode(_decoded(stream)):
            read += len(chunk)
            yield from chunk.chunks(rows)
        _check_rows(path, read, metadata)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[TableMetadata, BinaryIO]]:
    """Open a VOTable where its rows begin."""
    try:
        with path.open("rb") as stream:
            yield _metadata(path, _header(path, stream)), stream
    except OSError as error:
        raise cannot("read", path, error) from error
    except (ValueError, VOTableSpecError, xml.parsers.expat.ExpatError) as error:
        said = first_problem(error) if isinstance(error, ValidationError) else str(error)
        what = f"is damaged or not an event table of ours: {' '.join(said.split())}"
        raise FileError(what, where=path, hint=RESTORE) from error


def _header(path: Path, stream: BinaryIO) -> bytes:
    """Read up to the rows; return the document without them."""
    last = _OPENING.splitlines(keepends=True)[-1]
    header = bytearray()
    while not header.endswith(last):
        line = stream.readline(_LONGEST_HEADER)
        header += line
        if not line or len(header) > _LONGEST_HEADER:
            what = "is not an event table of ours: it has no rows in BINARY2"
            raise FileError(what, where=path, hint=RESTORE)
    return bytes(header.removesuffix(_OPENING)) + b"</TABLE></RESOURCE></VOTABLE>"


def _metadata(path: Path, document: bytes) -> TableMetadata:
    table = parse(io.BytesIO(document), verify="ignore").get_first_table()
    said = next((p.value for p in table.params if p.name == METADATA_PARAM), None)
    if said is None:
        what = f"is not an event table of ours: it lacks the PARAM {METADATA_PARAM}"
        raise FileError(what, where=path, hint=RESTORE)
    return TableMetadata.model_validate_json(said)


def _decoded(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of the rows; each line of base64 stands for itself."""
    for line in stream:
        if line.startswith(b"<"):
            return
        yield binascii.a2b_base64(line.rstrip(), strict_mode=True)
    raise ValueError("the rows have no end")


def _check_rows(path: Path, rows: int, metadata: TableMetadata) -> None:
    if rows != metadata.rows:
        what = f"has {rows} rows, its metadata say {metadata.rows}"
        raise FileError(what, where=path, hint=RESTORE)
