"""What ``KM3Store.get`` gives: an object of the class that its ``ktype`` asks for."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sized
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from vopub.client.display import Sheet, plain, show
from vopub.client.records import FileEntry, Record, RemoteEntry, ServiceEntry, is_url, tree
from vopub.client.source import Source
from vopub.errors import ServiceError, UsageError, did_you_mean
from vopub.files import write_text

if TYPE_CHECKING:
    import pandas as pd
    from astropy.table import Table
    from pyvo.dal import SCSService, TAPService

MANIFEST_NAME = "manifest.json"
_TABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*){0,2}")
log = logging.getLogger("vopub.client")
Rows = TypeVar("Rows", bound=Sized)


class KM3Object:
    """A resource: what it is, its files and its services.

    Parameters
    ----------
    body
        The record as JSON.
    record
        The same, read.
    source
        Where its files come from.

    Attributes
    ----------
    record
        What the client knows about it.
    metadata
        The whole record as it came, as dictionaries and lists.
    """

    def __init__(self, body: bytes, record: Record, source: Source) -> None:
        self.record = record
        self.metadata: dict[str, Any] = tree(body)
        self._source = source

    @property
    def identifier(self) -> str:
        """Identifier, e.g. ``evts21_01``."""
        return self.record.identifier

    @property
    def kid(self) -> UUID:
        """Identifier of exactly this version."""
        return self.record.kid

    @property
    def version(self) -> str:
        """Version."""
        return self.record.version

    @property
    def ktype(self) -> str:
        """What its data are."""
        return self.record.ktype

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """Its files, with size and checksum."""
        return self.record.files

    @property
    def elsewhere(self) -> tuple[RemoteEntry, ...]:
        """Its files that other servers keep, with size and checksum if they are known."""
        return self.record.elsewhere

    @property
    def every_file(self) -> tuple[FileEntry | RemoteEntry, ...]:
        """Its files, then those that other servers keep."""
        return (*self.files, *self.elsewhere)

    @property
    def services(self) -> tuple[ServiceEntry, ...]:
        """Services of the Virtual Observatory that answer with its data."""
        return self.record.services

    @property
    def data(self) -> Any:
        """Its data: here the path of its first file of data; None if it has none.

        A class for a ``ktype`` gives something better.
        """
        files = [file for file in self.every_file if file.role == "data"]
        if files:
            return self.path(files[0].name)
        record = self.record.publication
        elsewhere = f"https://doi.org/{record.doi}" if record.doi else record.reference_url
        log.warning("No data loaded for %s; see %s.", self.identifier, elsewhere or self.page)
        return None

    @property
    def page(self) -> str:
        """Address of its page for people."""
        return f"{self._source.base}/resources/{self.kid}"

    def path(self, name: str) -> Path:
        """Return where one of its files lies, in the cache; it is fetched if it is not there.

        Raises
        ------
        UsageError
            If it has no such file.
        MissingHereError, MissingThereError, ServiceError, FileError
            If it cannot be had.
        """
        file = self._file(name)
        if isinstance(file, RemoteEntry):
            return self._source.remote(self.kid, file)
        return self._source.file(self.kid, file)

    def download(self, directory: Path | str | None = None) -> list[Path]:
        """Bring all files to a directory, with a manifest that ``vopub verify`` checks.

        Those that other servers keep come last and are not in the manifest; of one without a
        checksum it is logged that it could not be compared.

        Parameters
        ----------
        directory
            By default one named like the resource, here.

        Returns
        -------
        list of Path
            The files, in the order of the record.

        Raises
        ------
        MismatchError
            If another file is there under a name; it is left as it is.
        MissingHereError, MissingThereError, ServiceError, FileError
            If a file cannot be had; those before it are there.
        """
        place = Path(self.identifier if directory is None else directory)
        names = [file.name for file in self.every_file]
        if MANIFEST_NAME in names or len(set(names)) != len(names):
            raise ServiceError(f"{self.identifier} has two files of one name", where=self.page)
        for file in self.files:
            self._source.save(self.kid, file, place / file.name)
        self._write_manifest(place)
        for remote in self.elsewhere:
            self._source.remote(self.kid, remote, place / remote.name)
        return [place / name for name in names]

    def show_metadata(self) -> None:
        """Print everything the record says, but for parameters and files."""
        left_out = ("parameters", "files", "services", "account", "cut_flow")
        rows = [
            (key, value)
            for name, content in self.metadata.items()
            if name not in left_out
            for key, value in _lines(name, content)
        ]
        show(Sheet(f"{self.identifier} {self.version}", ("", ""), rows))

    def show_paraminfo(self) -> None:
        """Print what the columns, axes or values mean."""
        columns = ("Parameter", "Name", "Description", "Unit", "Symbol", "Range", "Type")
        rows = [
            (p.name, _called(p.description), p.description, p.unit, p.symbol,
             str(list(p.range)) if p.range else "", p.dtype)
            for p in self.record.parameters
        ]  # fmt: skip
        show(Sheet(f"Parameters of {self.identifier}", columns, rows))

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """Where it leads to, what and address: DOI, page elsewhere, source code, services, page."""
        about, code = self.record.publication, self.record.details.get("code_repository")
        found = (
            ("DOI", f"https://doi.org/{quote(about.doi)}" if about.doi else None),
            ("Reference", about.reference_url),
            ("Source code", code),
            *((f"{service.kind.upper()} service", service.url) for service in self.services),
            ("Page", self.page),
        )
        return tuple((plain(what), url) for what, url in found if url and is_url(url))

    def show_links(self) -> None:
        """Print where it leads to."""
        show(Sheet(f"Links of {self.identifier}", ("Link", "Address"), self.links))

    def get_tap(self) -> TAPService:
        """Return its TAP service, as pyvo has it.

        Raises
        ------
        UsageError
            If it has none.
        """
        from pyvo.dal import TAPService  # noqa: PLC0415 - takes a second

        return TAPService(self._service("tap").url, session=self._source.session())

    def get_scs(self) -> SCSService:
        """Return its cone search, as pyvo has it.

        Raises
        ------
        UsageError
            If it has none.
        """
        from pyvo.dal import SCSService  # noqa: PLC0415 - takes a second

        return SCSService(self._service("scs").url, session=self._source.session())

    def __repr__(self) -> str:
        title = plain(self.record.publication.title)
        simulated = " (simulated)" if self.record.simulated else ""
        return (
            f"<{type(self).__name__} {self.identifier} {plain(self.version)}{simulated}: {title}>"
        )

    def _repr_html_(self) -> str:
        publication = self.record.publication
        files = Sheet(
            "", ("File", "Bytes", "Description"),
            [
                (file.name, "not known" if file.size is None else str(file.size), file.description)
                for file in self.every_file
            ],
        )  # fmt: skip
        head = f"{self.identifier} {publication.version}: {publication.title}"
        simulated = "<p><strong>Simulated</strong></p>" if self.record.simulated else ""
        about = f"<p>{escape(plain(publication.description))}</p>"
        links = " · ".join(
            f'<a href="{escape(url)}">{escape(what)}</a>' for what, url in self.links
        )  # fmt: skip
        return (
            f"<h4>{escape(plain(head))}</h4>{simulated}{about}<p>{links}</p>{files._repr_html_()}"
        )

    def _file(self, name: str) -> FileEntry | RemoteEntry:
        for file in self.every_file:
            if file.name == name:
                return file
        names = [file.name for file in self.every_file]
        hint = did_you_mean(name, names) if names else ""
        raise UsageError(f"{self.identifier} has no file {name!r}", hint=hint)

    def _service(self, kind: str) -> ServiceEntry:
        for service in self.services:
            if service.kind == kind:
                return service
        there = ", ".join(service.kind for service in self.services) or "no service"
        what = f"{self.identifier} has no {kind.upper()} service"
        raise UsageError(what, hint=f"it has {plain(there)}")

    def _write_manifest(self, directory: Path) -> None:
        """Say what the directory holds, in the words of a product directory."""
        manifest = {
            "identifier": self.identifier, "version": self.version, "kid": str(self.kid),
            "files": [file.model_dump() for file in self.files],
        }  # fmt: skip
        write_text(directory / MANIFEST_NAME, json.dumps(manifest, indent=2) + "\n")


class KM3Table(KM3Object):
    """A table: events, runs, counts in bins."""

    @property
    def data(self) -> pd.DataFrame:
        """The table."""
        return self.get_dataframe()

    def get_dataframe(self) -> pd.DataFrame:
        """Return the table in columns of the types that ``show_paraminfo`` names.

        It comes from the file of the record, or from the TAP service if there is no file.

        Raises
        ------
        UsageError
            If the resource has neither.
        ServiceError, FileError
            If the table cannot be had, or is not the one that the record describes.
        """
        return self._frame.copy()

    def get_table(self, *, quantities: bool = False) -> Table:
        """Return the table as one of astropy, with units and descriptions.

        Parameters
        ----------
        quantities
            Whether columns with a unit are ``Quantity`` (a ``QTable``).
        """
        from vopub.client.reading import as_table  # noqa: PLC0415 - takes a second

        table = as_table(self._frame, self.record.parameters, quantities=quantities)
        table.meta.update(identifier=self.identifier, version=self.version, kid=str(self.kid))
        return table

    @cached_property
    def _frame(self) -> pd.DataFrame:
        from vopub.client.reading import read_frame, table_file  # noqa: PLC0415 - takes a second

        file = table_file(self.every_file)
        if file is None:
            return self._checked(self._from_tap())
        return self._checked(read_frame(self.path(file.name), self.record.parameters))

    def _checked(self, frame: Rows) -> Rows:
        rows = self.record.rows
        if rows is not None and len(frame) != rows:
            what = f"{self.identifier} has {rows} rows, {len(frame)} came"
            raise ServiceError(what, where=self.page, hint="try again, or tell the publisher")
        return frame

    def _from_tap(self) -> pd.DataFrame:
        from pyvo.dal import DALAccessError  # noqa: PLC0415 - takes a second

        table = self._service("tap").table
        if not _TABLE_NAME.fullmatch(table):
            raise ServiceError(f"{plain(table)!r} is not the name of a table", where=self.page)
        most = None if self.record.rows is None else self.record.rows + 1
        query = f"SELECT * FROM {table}"  # noqa: S608 - the name was checked
        try:
            frame: pd.DataFrame = self.get_tap().run_sync(query, maxrec=most).to_table().to_pandas()
        except DALAccessError as error:
            raise ServiceError(f"{query} failed: {plain(str(error))}", hint="try again") from error
        return frame


class VOService(KM3Table):
    """A table that is behind services of the Virtual Observatory."""


def _called(description: str) -> str:
    """Return what a quantity is called: the beginning of its description, as ``Declination``."""
    return re.split(r"[.,:;(]", description, maxsplit=1)[0].strip()


def _lines(name: str, content: Any) -> list[tuple[str, str]]:
    """Return what a part of a record says, with dotted names; nothing for what is empty."""
    if isinstance(content, dict):
        return [line for key, part in content.items() for line in _lines(f"{name}.{key}", part)]
    if isinstance(content, list) and any(isinstance(part, dict | list) for part in content):
        return [line for i, part in enumerate(content) for line in _lines(f"{name}.{i}", part)]
    if isinstance(content, list):
        return [(name, ", ".join(map(str, content)))] if content else []
    return [] if content in (None, "") else [(name, str(content))]
