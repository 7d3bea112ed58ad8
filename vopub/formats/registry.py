"""The formats by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vopub.errors import UsageError, did_you_mean
from vopub.formats.base import Writer
from vopub.formats.csv import CsvWriter, iterate_csv, read_csv, read_csv_metadata
from vopub.formats.fits import FitsWriter, iterate_fits, read_fits, read_fits_metadata
from vopub.formats.hats import HatsWriter, iterate_hats, read_hats, read_hats_metadata
from vopub.formats.hdf5 import Hdf5Writer, iterate_hdf5, read_hdf5, read_hdf5_metadata
from vopub.formats.parquet import (
    ParquetWriter,
    iterate_parquet,
    read_parquet,
    read_parquet_metadata,
)
from vopub.formats.votable import (
    VotableWriter,
    iterate_votable,
    read_votable,
    read_votable_metadata,
)
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.event_table import EventTable

DEFAULT = ("csv", "hdf5")
"""Formats of a resource that names none."""


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write an event table and to read it back."""

    name: str
    """As people choose it, e.g. ``hdf5``."""
    writer: type[Writer]
    begins: tuple[bytes, ...]
    """What files of this format begin with; empty if they begin with anything."""
    read: Callable[[Path], EventDataset]
    metadata: Callable[[Path], TableMetadata]
    iterate: Callable[[Path, int], Iterator[EventTable]]


_ALL = (
    Format("csv", CsvWriter, (), read_csv, read_csv_metadata, iterate_csv),
    Format(
        "hdf5",
        Hdf5Writer,
        (b"\x89HDF\r\n\x1a\n",),
        read_hdf5,
        read_hdf5_metadata,
        iterate_hdf5,
    ),
    Format(
        "parquet",
        ParquetWriter,
        (b"PAR1",),
        read_parquet,
        read_parquet_metadata,
        iterate_parquet,
    ),
    Format(
        "votable",
        VotableWriter,
        (b"<?xml", b"<VOTABLE"),
        read_votable,
        read_votable_metadata,
        iterate_votable,
    ),
    Format(
        "fits",
        FitsWriter,
        (b"SIMPLE  =",),
        read_fits,
        read_fits_metadata,
        iterate_fits,
    ),
    Format("hats", HatsWriter, (), read_hats, read_hats_metadata, iterate_hats),
)
FORMATS = {entry.name: entry for entry in _ALL}
"""Every format by its name."""


def formats(names: Iterable[str]) -> tuple[Format, ...]:
    """Return the formats of these names, each once.

    Raises
    ------
    UsageError
        If a name is unknown; the nearest known names are given.
    """
    chosen = {name: _format(name) for name in names}
    return tuple(chosen.values())


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise UsageError(f"unknown format {name!r}", hint=did_you_mean(name, FORMATS))
    return FORMATS[name]
