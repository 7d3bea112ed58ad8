"""A published table with everything said about it, and the manifest of its files."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from vopub.model.data_taking import DataTaking
from vopub.model.event_table import EventAccount, EventTable, FileAccount
from vopub.model.parameter import Parameter
from vopub.model.provenance import Provenance
from vopub.model.publication import Publication
from vopub.model.resource import (
    FILE_NAME_PATTERN,
    ID_PATTERN,
    SHA256_PATTERN,
    Coverage,
    FileReference,
)

INNER_PATH_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.=-]*(/[A-Za-z0-9_][A-Za-z0-9_.=-]*)*$"
"""A path that stays below where it begins."""


class TableMetadata(BaseModel):
    """The four blocks that travel with a table in every format, and its account.

    The blocks are those of KM3NeT's open-data description of particle event tables: provenance,
    parameters, data taking, publication.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    identifier: str = Field(pattern=rf"^{ID_PATTERN}$")
    kid: UUID
    simulated: bool
    rows: int = Field(ge=0)
    publication: Publication
    data_taking: DataTaking
    parameters: tuple[Parameter, ...]
    provenance: Provenance
    account: EventAccount
    cut_flow: tuple[FileAccount, ...] = ()
    """The account of each input file, in order; they add up to ``account``."""
    coverage: Coverage = Coverage()


@dataclass(frozen=True)
class EventDataset:
    """An event table and its metadata."""

    metadata: TableMetadata
    table: EventTable


class InnerFile(BaseModel):
    """A file in a directory of a product."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(pattern=INNER_PATH_PATTERN)
    """Path inside the directory, parted by ``/``."""
    size: int = Field(ge=0)
    sha256: str = Field(pattern=rf"^{SHA256_PATTERN}$")


class DirectoryReference(BaseModel):
    """A product that is a directory of many files, such as a HATS catalogue.

    It is served as it lies; the Open Data Center, which hands out single files, leaves it out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=rf"^{FILE_NAME_PATTERN}$")
    description: str = ""
    files: tuple[InnerFile, ...] = ()


class Manifest(BaseModel):
    """What a product directory holds: files with checksums, and what they were made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    identifier: str
    version: str
    kid: UUID
    key: str
    """Digest of everything the files were made from: inputs, description, settings, software."""
    rows: int
    files: tuple[FileReference, ...]
    directories: tuple[DirectoryReference, ...] = ()
    account: EventAccount
    cut_flow: tuple[FileAccount, ...] = ()
    """The account of each input file, in order; they add up to ``account``."""
