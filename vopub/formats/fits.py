r"""Event tables as FITS binary tables.

The first extension, ``EVENTS``, holds the rows, with TUCDn, TUNITn and TCOMMn for each column; then
come ``HEADER``, ``CUT_FLOW`` and ``RUNS`` for people, and ``METADATA`` with everything said about
the table as JSON. Each has DATASUM and CHECKSUM.

FITS knows ASCII only: in texts, other characters stand as ``\xe9``, ``\u03b1`` and so on, and a
backslash as two. NaN is the value that is not available. How wide texts are is known after the
last row, so the rows wait in a file without a name until then.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
from astropy.io import fits
from astropy.io.fits.verify import VerifyError
from astropy.utils.exceptions import AstropyWarning
from numpy.typing import NDArray
from pydantic import ValidationError

from vopub.errors import FileError
from vopub.files import cannot, replacing
from vopub.formats.base import Product, Writer, first_problem
from vopub.formats.columns import RESTORE
from vopub.formats.fits_checksum import checksum, sum32
from vopub.formats.fits_header import (
    ASCII_ENCODING,
    EVENTS,
    METADATA,
    events_header,
    forms,
    primary,
    rendered,
    side_hdus,
)
from vopub.formats.fixed_text import decoded, encoded
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.event_table import EventTable, concatenate
from vopub.model.parameter import Dtype, Parameter
from vopub.model.resource import FileRole

SUFFIX = ".fits"
BLOCK = 2880
"""Bytes that headers and data of FITS come in."""
_STEP = 364 * BLOCK
"""Bytes summed at a time."""
_ROWS = 1 << 14
"""Rows copied or read at a time."""


class FitsWriter(Writer):
    """Writes ``<stem>.fits``; the same content gives the same bytes, however it is cut."""

    products: ClassVar[tuple[Product, ...]] = (
        Product(
            SUFFIX,
            "application/fits",
            FileRole.DATA,
            "Event table as FITS binary table with units and UCDs",
        ),
    )

    def _start(self, files: ExitStack) -> None:
        self._temporary = files.enter_context(replacing(self.path))
        waiting = tempfile.TemporaryFile(dir=self.path.parent)  # noqa: SIM115 - the stack closes it
        self._waiting = files.enter_context(waiting)
        self._widths = {p.name: 1 for p in self.parameters if p.dtype is Dtype.TEXT}
        self._pieces: list[tuple[np.dtype[Any], int]] = []
        """Type of the rows that wait, as wide as their texts need, and how many there are."""

    def _append(self, chunk: EventTable) -> None:
        texts = {n: encoded(chunk[n], n, self.path, ASCII_ENCODING) for n in self._widths}
        self._widths = {n: max(w, texts[n].itemsize) for n, w in self._widths.items()}
        # as wide as the widest so far, so that the type seldom changes
        rows = np.empty(len(chunk), _row_dtype(self.parameters, self._widths))
        for name, column in chunk.columns.items():
            rows[name] = texts.get(name, column)
        self._waiting.write(rows.tobytes())
        if self._pieces and self._pieces[-1][0] == rows.dtype:
            self._pieces[-1] = (rows.dtype, self._pieces[-1][1] + len(rows))
        else:
            self._pieces.append((rows.dtype, len(rows)))

    def _finish(self, metadata: TableMetadata) -> None:
        header = events_header(metadata, self._widths)
        with self._temporary.open("w+b") as stream:
            stream.write(rendered([primary(metadata)]))
            header_at = stream.tell()
            stream.write(_bytes(header))
            data_at = stream.tell()
            self._write_rows(stream)
            stream.write(b"\0" * (-stream.tell() % BLOCK))
            stream.write(rendered([fits.PrimaryHDU(), *side_hdus(metadata)])[BLOCK:])
            stream.seek(data_at)
            datasum = sum32(_blocks(stream, _padded(header)))
            header["DATASUM"] = str(datasum)
            header["CHECKSUM"] = checksum(sum32([_bytes(header)], datasum))
            stream.seek(header_at)
            stream.write(_bytes(header))

    def _write_rows(self, stream: BinaryIO) -> None:
        wanted = _row_dtype(self.parameters, self._widths)
        self._waiting.seek(0)
        for found, rows in self._pieces:
            for start in range(0, rows, _ROWS):
                content = self._waiting.read(min(_ROWS, rows - start) * found.itemsize)
                if found != wanted:
                    content = np.frombuffer(content, found).astype(wanted).tobytes()
                stream.write(content)


def _row_dtype(parameters: Sequence[Parameter], widths: Mapping[str, int]) -> np.dtype[Any]:
    return np.dtype(
        [
            (p.name, f"S{widths[p.name]}" if p.name in widths else p.dtype.numpy.newbyteorder(">"))
            for p in parameters
        ]
    )


def _bytes(header: fits.Header) -> bytes:
    return bytes(header.tostring().encode("ascii"))


def _padded(header: fits.Header) -> int:
    """Return how many bytes the data of a table take in the file."""
    size = int(header["NAXIS1"]) * int(header["NAXIS2"])
    return size + -size % BLOCK


def _blocks(stream: BinaryIO, size: int) -> Iterator[bytes]:
    for start in range(0, size, _STEP):
        yield stream.read(min(_STEP, size - start))


def read_fits(path: Path) -> EventDataset:
    """Read an event table and its metadata back.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged or is not an event table of this format.
    """
    metadata = read_fits_metadata(path)
    return EventDataset(metadata, concatenate(metadata.parameters, iterate_fits(path, _ROWS)))


def read_fits_metadata(path: Path) -> TableMetadata:
    """Read what is said about an event table.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged or is not an event table of this format.
    """
    with _damage_told(path), fits.open(path, memmap=False) as hdus:
        return _metadata(path, hdus)


def iterate_fits(path: Path, rows: int) -> Iterator[EventTable]:
    """Yield the table in chunks of at most so many rows.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged or is not an event table of this format.
    """
    with _damage_told(path):
        with fits.open(path, memmap=False) as hdus:
            metadata = _metadata(path, hdus)
            header, place = hdus[EVENTS].header, hdus[EVENTS].fileinfo()["datLoc"]
            dtype = _checked_dtype(path, hdus[EVENTS].columns, metadata)
        with path.open("rb") as stream:
            _check_sum(path, stream, header, place)
            stream.seek(place)
            for start in range(0, metadata.rows, rows):
                count = min(rows, metadata.rows - start)
                yield _chunk(np.fromfile(stream, dtype, count), metadata.parameters)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            # what astropy mends in silence or with a warning is not as we wrote it
            warnings.simplefilter("error", AstropyWarning)
            yield
    except OSError as error:
        if error.errno:
            raise cannot("read", path, error) from error
        raise _damaged(path, error) from error
    except (AstropyWarning, VerifyError, KeyError, IndexError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> FileError:
    said = first_problem(error) if isinstance(error, ValidationError) else str(error)
    what = f"is damaged or not an event table of ours: {' '.join(said.split())}"
    return FileError(what, where=path, hint=RESTORE)


def _metadata(path: Path, hdus: fits.HDUList) -> TableMetadata:
    if EVENTS not in hdus or METADATA not in hdus:
        what = f"is not an event table of ours: it lacks {EVENTS} or {METADATA}"
        raise FileError(what, where=path, hint=RESTORE)
    metadata = TableMetadata.model_validate_json(hdus[METADATA].data["JSON"][0])
    rows = hdus[EVENTS].header["NAXIS2"]
    if rows != metadata.rows:
        what = f"has {rows} rows, its metadata say {metadata.rows}"
        raise FileError(what, where=path, hint=RESTORE)
    return metadata


def _checked_dtype(path: Path, columns: fits.ColDefs, metadata: TableMetadata) -> np.dtype[Any]:
    texts = {p.name for p in metadata.parameters if p.dtype is Dtype.TEXT}
    widths = {c.name: c.dtype.itemsize for c in columns if c.name in texts}
    names = [p.name for p in metadata.parameters]
    if columns.names == names and columns.formats == forms(metadata.parameters, widths):
        return _row_dtype(metadata.parameters, widths)
    found = ", ".join(f"{c.name} {c.format}" for c in columns)
    what = f"has columns {found}, its metadata describe others"
    raise FileError(what, where=path, hint=RESTORE)


def _check_sum(path: Path, stream: BinaryIO, header: fits.Header, place: int) -> None:
    stream.seek(place)
    if sum32(_blocks(stream, _padded(header))) != int(header["DATASUM"]):
        raise FileError("the rows are damaged: DATASUM differs", where=path, hint=RESTORE)


def _chunk(rows: NDArray[Any], parameters: tuple[Parameter, ...]) -> EventTable:
    columns = {
        p.name: decoded(rows[p.name], ASCII_ENCODING)
        if p.dtype is Dtype.TEXT
        else rows[p.name].astype(p.dtype.numpy)
        for p in parameters
    }
    return EventTable(parameters, columns)
