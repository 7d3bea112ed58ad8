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
from vopub.model.resource import ID_PATTERN, Coverage, FileReference


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
    account: EventAccount
    cut_flow: tuple[FileAccount, ...] = ()
    """The account of each input file, in order; they add up to ``account``."""
