"""Tables whose files say themselves what their columns are, as response functions do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic_core import from_json

from vopub.client.display import plain
from vopub.client.objects import KM3Table
from vopub.client.records import FileEntry, RemoteEntry
from vopub.errors import FileError, UsageError

if TYPE_CHECKING:
    import pandas as pd
    from astropy.table import Table

ENDINGS: Mapping[str, str] = {
    ".vot": "votable", ".votable": "votable", ".ecsv": "ascii.ecsv", ".fits": "fits",
    ".fit": "fits", ".csv": "ascii.csv",
}  # fmt: skip
"""Formats, as astropy names them, by the ending of the name of a file."""
KINDS: Mapping[str, str] = {
    "application/x-votable+xml": "votable", "application/x-ecsv": "ascii.ecsv",
    "application/fits": "fits", "image/fits": "fits", "text/csv": "ascii.csv",
}  # fmt: skip
"""The same by media type, for names that end otherwise."""
MOST_SAID = 300
"""Characters of what is wrong that are passed on."""


class DescribedTable(KM3Table):
    """A table in VOTable, ECSV, FITS or CSV.

    What the file does not say of a column is taken from the record.
    If no file is such a table, but there is a TAP service, it comes from there.
    """

    kinds: ClassVar[Mapping[str, str]] = KINDS
    """Formats by media type."""

    @property
    def data(self) -> Any:
        """The table as a data frame; the path of the first file if none can be read as a table."""
        if self._file_of_table is None and all(s.kind != "tap" for s in self.services):
            return super(KM3Table, self).data
        return self.get_dataframe()

    def get_table(self, *, quantities: bool = False) -> Table:
        """Return the table as one of astropy, with units and descriptions.

        Parameters
        ----------
        quantities
            Whether columns with a unit are ``Quantity`` (a ``QTable``).
        """
        if self._file_of_table is None:
            return super().get_table(quantities=quantities)
        from astropy.table import QTable  # noqa: PLC0415 - takes half a second

        table = self._table.copy()
        table.meta.update(identifier=self.identifier, version=self.version, kid=str(self.kid))
        return QTable(table) if quantities else table

    @property
    def _file_of_table(self) -> FileEntry | RemoteEntry | None:
        found = (f for f in self.every_file if f.role in ("data", "response"))
        return next((file for file in found if self._form(file)), None)

    def _form(self, file: FileEntry | RemoteEntry) -> str:
        """Return the format of a file; empty if it is no table."""
        ending = Path(file.name).suffix.lower()
        return ENDINGS.get(ending) or self.kinds.get(file.kind, "")

    @cached_property
    def _table(self) -> Table:
        from vopub.client.reading import unit_of  # noqa: PLC0415 - takes a second

        file = self._file_of_table
        if file is None:
            raise UsageError(f"{self.identifier} has no file that is a table")
        table = self._checked(read_table(self.path(file.name), self._form(file)))
        for meant in self.record.parameters:
            if meant.name in table.colnames:
                info = table[meant.name].info
                info.unit = info.unit or unit_of(meant)
                info.description = info.description or meant.description
        return table

    @cached_property
    def _frame(self) -> pd.DataFrame:
        if self._file_of_table is None:
            return super()._frame
        table = self._table
        arrays = [name for name in table.colnames if table[name].ndim > 1]
        if arrays:
            what = (
                f"{self.identifier} has columns of arrays: {plain(', '.join(arrays))[:MOST_SAID]}"
            )
            raise UsageError(what, hint="get_table() has them")
        frame: pd.DataFrame = table.to_pandas()
        return frame


class ResponseFunction(DescribedTable):
    """A response of the detector: effective area, resolution, background."""

    @property
    def response(self) -> str:
        """Which one it is, e.g. ``effective-area``; empty if that is not said."""
        return str(self.record.details.get("response", ""))


class AcousticPSD(DescribedTable):
    """Spectral statistics of a recording of a hydrophone, which may also be arrays in JSON."""

    kinds = {**KINDS, "application/json": "json"}  # noqa: RUF012 - declared above


def read_table(path: Path, form: str) -> Table:
    """Read a table in a format of astropy, or arrays in JSON.

    Raises
    ------
    FileError
        If it is none, or has its data elsewhere.
    """
    from astropy.io import votable  # noqa: PLC0415 - takes half a second
    from astropy.table import Column, MaskedColumn, Table  # noqa: PLC0415

    from vopub.foreign_xml import check_votable  # noqa: PLC0415 - only needed here

    if form == "votable":
        check_votable(path)
    try:
        if form == "votable":
            first = votable.parse_single_table(path, verify="ignore")
            table = first.to_table(use_names_over_ids=True)
        elif form == "json":
            table = Table(from_json(path.read_bytes()))
        else:
            table = Table.read(path, format=form)
    # All that astropy raises for files that are something else.
    except (ValueError, TypeError, LookupError, SyntaxError, OSError) as error:
        said = plain(str(error))[:MOST_SAID]
        raise FileError(f"is no table ({form}): {said}", where=path) from error
    table.convert_bytestring_to_unicode()
    for name in table.colnames:
        if isinstance(table[name], MaskedColumn) and not table[name].mask.any():
            table[name] = Column(table[name])  # nothing is missing
    return table
