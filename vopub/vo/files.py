"""The files of a table as its descriptor tells of them: bulk access, pictures, coverage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vopub.model.resource import FileReference, FileRole

FORMATS = {
    "text/csv": "CSV",
    "application/x-hdf5": "HDF5",
    "application/vnd.apache.parquet": "Parquet",
    "application/x-votable+xml": "VOTable",
    "application/fits": "FITS",
}
"""What people call the formats of tables."""
PICTURES = {
    "skymap": "Directions of the events on the sky",
    "energy": "Energies of the events",
    "time": "Times of the events",
}
"""Pictures that are shown, by what their names end with, in this order."""
MOC_SUFFIX = ".moc.fits"
"""What the name of a file with the coverage ends with."""


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file and where it is to be had."""

    url: str
    name: str
    label: str
    size: int
    sha256: str


def files_block(files: Mapping[str, FileReference]) -> dict[str, Any]:
    """Return what the template ``files.xml`` writes.

    Parameters
    ----------
    files
        The files of the resource by their addresses.
    """
    tables = [
        _served(url, file, FORMATS[_plain(file.media_type)])
        for url, file in files.items()
        if is_whole_table(file)
    ]
    pictures = [
        _served(url, file, label)
        for suffix, label in PICTURES.items()
        for url, file in files.items()
        if file.name.endswith(f".{suffix}.svg")
    ]
    mocs = [_served(u, f, "MOC") for u, f in files.items() if f.name.endswith(MOC_SUFFIX)]
    return {"tables": tables, "pictures": pictures, "moc": mocs[0] if mocs else None}


def is_whole_table(file: FileReference) -> bool:
    """Tell whether a file holds the whole table, in a format that people know by a name."""
    return file.role is FileRole.DATA and _plain(file.media_type) in FORMATS


def _plain(media_type: str) -> str:
    return media_type.partition(";")[0].strip()


def _served(url: str, file: FileReference, label: str) -> ServedFile:
    return ServedFile(url, file.name, label, file.size, file.sha256)
