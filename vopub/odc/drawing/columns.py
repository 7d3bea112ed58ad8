"""Some columns of a table, piece by piece: a picture of a large table takes little memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vopub.foreign_xml import check_votable
from vopub.odc.drawing.charts import UndrawableError
from vopub.odc.drawing.subject import CSV, FITS, HDF5, PARQUET, VOTABLE

if TYPE_CHECKING:
    import pandas as pd

ROWS = 1 << 17
"""Of a piece."""
EVENTS = "events"
"""Name of the table in an HDF5 file of vopub; of others it is the first one."""
Piece = Mapping[str, NDArray[Any]]
"""Columns by name: numbers as ``float64``, or texts as ``object``."""


def names_in(path: Path, media_type: str) -> list[str]:
    """Return the names of the columns of a table.

    Raises
    ------
    UndrawableError
        If there is no table, or what it holds lies elsewhere.
    """
    return _NAMES[_form(media_type)](path)


def pieces(path: Path, media_type: str, names: Sequence[str]) -> Iterator[Piece]:
    """Yield some columns of a table, in pieces of at most `ROWS` rows.

    Raises
    ------
    UndrawableError
        As `names_in`.
    """
    return _PIECES[_form(media_type)](path, list(names))


def _form(media_type: str) -> str:
    return "hdf5" if media_type in HDF5 else media_type


def _csv_names(path: Path) -> list[str]:
    import pandas as pd  # noqa: PLC0415 - takes half a second

    return [str(name) for name in pd.read_csv(path, nrows=0)]


def _csv_pieces(path: Path, names: list[str]) -> Iterator[Piece]:
    import pandas as pd  # noqa: PLC0415 - as above

    with pd.read_csv(path, usecols=names, chunksize=ROWS) as frames:
        for frame in frames:
            yield _of_frame(frame)


def _parquet_names(path: Path) -> list[str]:
    from pyarrow import parquet  # noqa: PLC0415 - only needed here

    return [str(name) for name in parquet.read_schema(path).names]


def _parquet_pieces(path: Path, names: list[str]) -> Iterator[Piece]:
    from pyarrow import parquet  # noqa: PLC0415 - as above

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=ROWS, columns=names, use_threads=False):
            yield _of_frame(batch.to_pandas())


def _fits_names(path: Path) -> list[str]:
    with _fits_table(path) as table:
        kinds = table.columns.dtype
        return [name for name in kinds.names if not kinds[name].shape]


def _fits_pieces(path: Path, names: list[str]) -> Iterator[Piece]:
    with _fits_table(path) as table:
        for start in range(0, len(table.data), ROWS):
            rows = table.data[start : start + ROWS]
            yield {name: _values(np.asarray(rows[name])) for name in names}


@contextmanager
def _fits_table(path: Path) -> Iterator[Any]:
    """Return the first table of a FITS file."""
    from astropy.io import fits  # noqa: PLC0415 - takes half a second

    with fits.open(path, memmap=True) as file:
        tables = [hdu for hdu in file if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
        if not tables:
            raise UndrawableError("it has no table")
        yield tables[0]


def _hdf5_names(path: Path) -> list[str]:
    import h5py  # noqa: PLC0415 - only needed here

    with h5py.File(path, "r") as file:
        return list(_hdf5_table(file).dtype.names)


def _hdf5_pieces(path: Path, names: list[str]) -> Iterator[Piece]:
    import h5py  # noqa: PLC0415 - as above

    with h5py.File(path, "r") as file:
        table = _hdf5_table(file)
        for start in range(0, len(table), ROWS):
            rows = table.fields(names)[start : start + ROWS]
            yield {name: _values(rows[name]) for name in names}


def _hdf5_table(file: Any) -> Any:
    """Return the table of events, or the first that lies in the file itself, and only there."""
    import h5py  # noqa: PLC0415 - as above

    inside = [n for n in file if isinstance(file.get(n, getlink=True), h5py.HardLink)]
    for name in sorted(inside, key=lambda name: name != EVENTS):
        table = file[name]
        if not isinstance(table, h5py.Dataset) or not table.dtype.names or table.ndim != 1:
            continue
        if table.external or table.is_virtual:
            raise UndrawableError("its data lie in another file, which is not read")
        return table
    raise UndrawableError("it has no table at its root")


@cache
def votable_frame(path: Path) -> pd.DataFrame:
    """Return the columns of a VOTable that have one value in each row.

    Raises
    ------
    FileError
        If it declares a document type, or has its data elsewhere.
    """
    from astropy.table import Table  # noqa: PLC0415 - takes half a second

    check_votable(path)
    table = Table.read(path, format="votable")
    flat = [name for name in table.colnames if table[name].ndim == 1]
    frame: pd.DataFrame = table[flat].to_pandas()
    return frame


def _votable_names(path: Path) -> list[str]:
    return [str(name) for name in votable_frame(path)]


def _votable_pieces(path: Path, names: list[str]) -> Iterator[Piece]:
    yield _of_frame(votable_frame(path)[names])


def _of_frame(frame: pd.DataFrame) -> Piece:
    from pandas.api.types import is_numeric_dtype  # noqa: PLC0415 - as above

    return {
        str(name): frame[name].to_numpy(dtype=float, na_value=np.nan)
        if is_numeric_dtype(frame[name])
        else frame[name].astype(str).to_numpy(dtype=object)
        for name in frame
    }


def _values(column: NDArray[Any]) -> NDArray[Any]:
    if column.dtype.kind in "biuf":
        return column.astype(float)
    texts = np.char.decode(column, "utf-8", "replace") if column.dtype.kind == "S" else column
    return texts.astype(object)


_NAMES: Mapping[str, Callable[[Path], list[str]]] = {
    CSV: _csv_names, PARQUET: _parquet_names, FITS: _fits_names, "hdf5": _hdf5_names,
    VOTABLE: _votable_names,
}  # fmt: skip
_PIECES: Mapping[str, Callable[[Path, list[str]], Iterator[Piece]]] = {
    CSV: _csv_pieces, PARQUET: _parquet_pieces, FITS: _fits_pieces, "hdf5": _hdf5_pieces,
    VOTABLE: _votable_pieces,
}  # fmt: skip
