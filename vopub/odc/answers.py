"""What the REST service answers besides the records themselves; the client reads the same types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from vopub.model.ktype import Ktype
from vopub.model.resource import KM3ResourceCollection, KM3ResourceStream


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Outcome(StrEnum):
    """What writing a record did."""

    CREATED = "created"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


class Written(_Answer):
    """A record was written."""

    identifier: str
    """``kid`` of a resource, identifier of a stream or a collection."""
    outcome: Outcome
    etag: str = ""
    """Entity tag of the record, for the ``If-Match`` of the next change."""


class Uploaded(_Answer):
    """A file was stored."""

    name: str
    sha256: str
    size: int


class Health(_Answer):
    """The service runs and reaches its database."""

    status: str
    version: str


class KtypeInfo(_Answer):
    """One kind of content."""

    ktype: Ktype
    description: str
    resources: int
    """How many resources there are of it."""


class ResourceSummary(_Answer):
    """What a list says about a resource."""

    kid: UUID
    identifier: str
    version: str
    ktype: Ktype
    simulated: bool
    title: str
    description: str
    created: date
    rows: int | None
    instrument: str
    collection: str
    stream: str
    services: tuple[str, ...]
    """Kinds of its services, e.g. ``scs``."""

    @staticmethod
    def text_of(record: Mapping[str, Any]) -> str:
        """Take the summary, as JSON, out of a record in JSON, which was checked before."""
        publication = record["publication"]
        said = {
            "kid": record["kid"], "identifier": record["identifier"],
            "version": publication["version"], "ktype": record["ktype"],
            "simulated": record["simulated"], "title": publication["title"],
            "description": publication["description"], "created": publication["created"],
            "rows": record["rows"],
            "instrument": publication["instrument"] or publication["facility"],
            "collection": record["collection"], "stream": record["stream"],
            "services": list(dict.fromkeys(service["kind"] for service in record["services"])),
        }  # fmt: skip
        return to_json(said).decode()


class _Piece(_Answer):
    """What is said of a piece of the list of resources."""

    total: int
    """How many match."""
    exact: bool = True
    """If not, more than ``total`` match: of very many, each would have to be looked at."""
    limit: int
    offset: int
    later: str = ""
    """Cursor of the page after this one; empty on the last."""
    earlier: str = ""
    """Cursor of the page before this one; empty on the first."""


class ResourceList(_Piece):
    """A piece of the list of resources."""

    resources: tuple[ResourceSummary, ...]


class PartialList(_Piece):
    """A piece of the list of resources that says of each only what was asked for."""

    resources: tuple[dict[str, Any], ...]


class StreamSummary(_Answer):
    """What the catalogue says about a stream: all but its elements."""

    identifier: str
    title: str
    description: str
    ktype: Ktype
    collection: str


class Catalog(_Answer):
    """Everything there is, in short; the elements of streams are asked for stream by stream."""

    schema_version: str
    resources: tuple[ResourceSummary, ...]
    """All versions, by identifier, the newest first."""
    streams: tuple[StreamSummary, ...]
    collections: tuple[KM3ResourceCollection, ...]


class _GroupingList(_Answer):
    """What is said of a list of streams or collections, or of a page of it."""

    total: int = 0
    """How many there are."""
    later: str = ""
    """Cursor of the page after this one; empty on the last, and if all are listed."""


class StreamList(_GroupingList):
    """Streams by identifier: all, or a page of them."""

    streams: tuple[KM3ResourceStream, ...]


class CollectionList(_GroupingList):
    """Collections by identifier: all, or a page of them."""

    collections: tuple[KM3ResourceCollection, ...]


class ChangeKind(StrEnum):
    """What was done to a resource."""

    CREATED = "created"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"
    RESTORED = "restored"


class Difference(_Answer):
    """One place at which a record changed."""

    path: str
    """Dotted, e.g. ``publication.title``."""
    before: Any
    after: Any


class Change(_Answer):
    """One change of a resource."""

    kind: ChangeKind
    when: datetime
    who: str
    """Name of the token it was done with; empty if it is not known."""
    reason: str
    differences: tuple[Difference, ...]


class History(_Answer):
    """Every change of a resource, the oldest first."""

    kid: UUID
    changes: tuple[Change, ...]


class Version(_Answer):
    """One version of a resource."""

    kid: UUID
    version: str
    created: date
    replaced_by: UUID | None
    """``kid`` of the next version that is there."""
    withdrawn: datetime | None
    reason: str
    """Why it was withdrawn."""


class Versions(_Answer):
    """All versions of a resource, the newest first, also those that were withdrawn."""

    identifier: str
    versions: tuple[Version, ...]


class Tombstone(_Answer):
    """What is left of a resource that was withdrawn."""

    kid: UUID
    identifier: str
    ktype: Ktype
    title: str
    version: str
    created: date
    creators: tuple[str, ...]
    publisher: str
    doi: str | None = None
    withdrawn: datetime
    reason: str
    replaced_by: UUID | None = None
    """``kid`` of the next version that is there."""


class GroupingHistory(_Answer):
    """Every change of a stream or a collection, the oldest first."""

    kind: str
    """``stream`` or ``collection``."""
    identifier: str
    changes: tuple[Change, ...]
    """Of lists of members, ``before`` is what was taken out and ``after`` what was put in."""


class GroupingTombstone(_Answer):
    """What is left of a stream or a collection that was withdrawn."""

    kind: str
    """``stream`` or ``collection``."""
    identifier: str
    title: str
    withdrawn: datetime
    reason: str


class ErrorDetail(_Answer):
    """One thing that is wrong."""

    place: str = ""
    """Where in the request, e.g. ``publication.title``."""
    what: str
    hint: str = ""


class ErrorBody(_Answer):
    """The one shape of every error."""

    error: str
    """What is wrong, in one line."""
    detail: tuple[ErrorDetail, ...]
    status: int
    """The HTTP status."""
    where: str
    """Path of the request."""
    tombstone: Tombstone | GroupingTombstone | None = None
    """What is left of what was asked for, if it was withdrawn."""
