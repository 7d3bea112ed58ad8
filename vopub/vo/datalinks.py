"""What belongs to a data set: the rows of its Datalink document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from vopub.model.resource import FileReference, FileRole

DATALINK = "application/x-votable+xml;content=datalink"
SEMANTICS = {
    FileRole.DATA: "#this",
    FileRole.METADATA: "#detached-header",
    FileRole.PROVENANCE: "#documentation",
    FileRole.PREVIEW: "#preview-plot",
    FileRole.DOCUMENTATION: "#documentation",
    FileRole.RUNS: "#auxiliary",
    FileRole.RESPONSE: "#calibration",
}
"""Words of Datalink's core vocabulary."""
SEMANTICS_BY_NAME = {
    ".cutflow.svg": "#documentation",
    ".provenance.svg": "#documentation",
    ".runs.metadata.json": "#auxiliary",
    ".moc.fits": "#auxiliary",
}
"""Those of files that are something else than their role says, by the end of their names."""
SIMULATED = "Simulated, not observed"
"""How what is said about every file of simulated events begins."""
PREFERRED = ("votable", "fits", "parquet", "csv", "hdf")
"""Which file stands for the list of events: words in media types, best first."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where things are found."""

    links: str
    """The Datalink service."""
    files: str
    """Folder of the files."""
    page: str
    """Page of the resource in the Open Data Center."""
    record: str
    """Its record for machines."""

    def bundle(self, did: str) -> str:
        """Return the address of the links of a data set."""
        return f"{self.links}?ID={quote(did, safe='')}"

    def file(self, file: FileReference) -> str:
        """Return the address of a file."""
        return f"{self.files}/{file.name}"


class Link(BaseModel):
    """A row of a Datalink document, but for the identifier of the data set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    access_url: str
    semantics: str
    description: str
    content_type: str
    content_length: int | None = None
    content_qualifier: str | None = None
    """What kind of product it is; DaCHS 2.7 has no such column, so it also is local semantics."""


@dataclass(frozen=True, slots=True)
class Linking:
    """Makes the links of one resource.

    Parameters
    ----------
    files
        All its files.
    addresses
        Where things are found.
    qualifiers
        What kind of product some files are, by name.
    reference_url
        A page elsewhere; empty if there is none.
    simulated
        Whether the data are simulated.
    """

    files: tuple[FileReference, ...]
    addresses: Addresses
    qualifiers: dict[str, str]
    reference_url: str
    simulated: bool

    @property
    def tables(self) -> list[FileReference]:
        """The table of events in every format, the preferred one first."""
        return sorted((f for f in self.files if f.role is FileRole.DATA), key=_rank)

    def all(self) -> tuple[Link, ...]:
        """Return links to everything, the table of events first."""
        others = [f for f in self.files if f.role is not FileRole.DATA]
        files = [self._to_file(file, _semantics(file)) for file in (*self.tables, *others)]
        return (*files, *self._about())

    def to_response(self, file: FileReference, bundle: Link) -> tuple[Link, ...]:
        """Return the links of a response: itself, what tells about it, and its bundle."""
        return (self._to_file(file, "#this"), *self._about(), bundle)

    def _to_file(self, file: FileReference, semantics: str) -> Link:
        text = file.description or f"File {file.name}"
        return Link(
            access_url=self.addresses.file(file),
            semantics=semantics,
            description=f"{SIMULATED}: {text}" if self.simulated else text,
            content_type=file.media_type,
            content_length=file.size,
            content_qualifier=self.qualifiers.get(file.name),
        )

    def _about(self) -> Iterator[Link]:
        data = "simulated data" if self.simulated else "data"
        pages = [
            (self.addresses.page, f"Page of the {data} in the Open Data Center", "text/html"),
            (self.addresses.record, f"Record of the {data} (KM3OpenResource)", "application/json"),
            (self.reference_url, f"A page about the {data}", "text/html"),
        ]  # fmt: skip
        for url, text, media_type in pages:
            if url:
                yield Link(
                    access_url=url,
                    semantics="#documentation",
                    description=text,
                    content_type=media_type,
                )


def _semantics(file: FileReference) -> str:
    by_name = (word for end, word in SEMANTICS_BY_NAME.items() if file.name.endswith(end))
    return next(by_name, SEMANTICS[file.role])


def _rank(file: FileReference) -> int:
    ranks = (i for i, word in enumerate(PREFERRED) if word in file.media_type)
    return next(ranks, len(PREFERRED))
