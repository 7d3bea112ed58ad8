"""The record classes of the Open Data Center.

``KM3OpenResource``, ``KM3ResourceStream``, ``KM3ResourceCollection`` and ``kid`` are names of
KM3NeT's open-data system; the fields beyond its published description are vopub's own schema.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from vopub.model.data_taking import DataTaking
from vopub.model.event_table import EventAccount
from vopub.model.ktype import Detail, Ktype
from vopub.model.parameter import Parameter
from vopub.model.provenance import Provenance
from vopub.model.publication import Publication, Url

SCHEMA_VERSION = "1.2"
FIRST_SCHEMA = "1.0"
"""Version whose records say nothing beyond what all kinds of content have in common."""
BEFORE_ELSEWHERE = frozenset({FIRST_SCHEMA, "1.1"})
"""Versions whose records can only name files that are kept here."""
SCHEMA_PATTERN = r"1\.\d{1,3}"
ID_PATTERN = r"[a-z]{2,16}\d{2}_\d{2}(_[a-z0-9_]{1,40})?"
"""``<topic><yy>_<nn>[_<product>]``, e.g. ``evts20_01`` or ``ana20_01_bkg``."""
SHA256_PATTERN = r"[0-9a-f]{64}"
FILE_NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
FileName = Annotated[str, Field(pattern=rf"^{FILE_NAME_PATTERN}$")]
MediaType = Annotated[str, Field(pattern=r"^[a-z]+/[A-Za-z0-9.+-]+(; ?[a-z]+=[A-Za-z0-9.+-]+)*$")]
Sha256 = Annotated[str, Field(pattern=rf"^{SHA256_PATTERN}$")]


def make_kid(authority: str, identifier: str, version: str) -> UUID:
    """Return the ``kid`` of a version of a resource: the same three always give the same."""
    return uuid5(NAMESPACE_URL, f"ivo://{authority}/{identifier}#{version}")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class FileRole(StrEnum):
    """What a file is for."""

    DATA = "data"
    METADATA = "metadata"
    PROVENANCE = "provenance"
    PREVIEW = "preview"
    DOCUMENTATION = "documentation"
    RUNS = "runs"
    RESPONSE = "response"


class FileReference(_Record):
    """A file that belongs to a resource."""

    name: FileName
    """Name of the file, under which it is had here: ``/files/<kid>/<name>``."""
    media_type: MediaType
    """Media type (MIME), e.g. ``text/csv; charset=utf-8``."""
    size: int = Field(ge=0)
    """In bytes."""
    sha256: Sha256
    """SHA-256 of its bytes, 64 hexadecimal digits in lower case."""
    role: FileRole = FileRole.DATA
    """What it is for."""
    description: str = ""
    """What is in it, in words."""


class RemoteFile(_Record):
    """A file that belongs to a resource and is kept on another server."""

    name: FileName
    """Name of the file, without any directory."""
    media_type: MediaType
    """Media type (MIME), e.g. ``text/csv; charset=utf-8``."""
    url: Url
    """Where it is."""
    size: int | None = Field(default=None, ge=0)
    """In bytes; none if its server does not say."""
    sha256: Sha256 | None = None
    """None if nobody knows it: then nobody can tell whether it is still the same file."""
    role: FileRole = FileRole.DATA
    """What it is for."""
    description: str = ""
    """What is in it, in words."""

    @field_validator("url")
    @classmethod
    def _has_a_host(cls, url: str) -> str:
        if not urlsplit(url).hostname:  # raises by itself if an IPv6 address does not end
            raise ValueError(f"{url!r} names no host")
        return url


class ServiceKind(StrEnum):
    """Protocols under which a resource is served."""

    SCS = "scs"
    TAP = "tap"
    FORM = "form"
    DATALINK = "datalink"
    BULK = "bulk"


class ServiceReference(_Record):
    """A service that was proved to answer with this resource's data."""

    kind: ServiceKind
    """Protocol it speaks."""
    url: Url
    """Address at which the service is asked."""
    table: str = ""
    """For TAP: the qualified name of the table."""
    ivoid: str = ""
    """Identifier in the VO registry."""
    proved: AwareDatetime
    """When the service last answered with the right rows."""


class TimeSpan(_Record):
    """Start and stop in time (UTC)."""

    start: AwareDatetime
    """Beginning (UTC)."""
    stop: AwareDatetime
    """End (UTC), not before ``start``."""


class Coverage(_Record):
    """What part of the sky, of time and of energy a resource covers."""

    spatial: str = ""
    """A MOC in its ASCII form, e.g. ``3/1-5 17``."""
    temporal: TimeSpan | None = None
    """When the data were taken."""
    energy: tuple[float, float] | None = None
    """Smallest and largest energy in GeV."""
    declination: tuple[float, float] | None = None
    """Smallest and largest declination in degrees that events could have come from; ``spatial``
    is where they did come from."""


class KM3OpenResource(_Record):
    """Anything published: what it is, how to reach it, how to cite it."""

    schema_version: str = Field(default=SCHEMA_VERSION, pattern=rf"^{SCHEMA_PATTERN}$")
    """Version of this schema that the record was written by, e.g. ``1.2``."""
    kid: UUID
    """Lasting identifier, a UUID: each version of a resource has its own."""
    identifier: str = Field(pattern=rf"^{ID_PATTERN}$")
    """Name for people, which all versions share: ``<topic><yy>_<nn>[_<product>]``, e.g.
    ``ana20_01_bkg``."""
    ktype: Ktype
    """What the data are, and so how they are to be read."""
    simulated: bool = False
    """Whether the data are simulated, not measured."""
    publication: Publication
    """Who publishes what, under which terms."""
    data_taking: DataTaking | None = None
    """How the events were taken and chosen; none if the data are no events."""
    parameters: tuple[Parameter, ...] = ()
    """What the columns of the table, or the axes of the function, mean."""
    provenance: Provenance | None = None
    """What was made from what, by which step; none if it is not recorded."""
    account: EventAccount | None = None
    """Where every event that was read went; none if the data are not events."""
    rows: int | None = Field(default=None, ge=0)
    """Number of rows of the table; none if there is no table."""
    coverage: Coverage = Coverage()
    """What part of the sky, of time and of energy the data cover."""
    files: tuple[FileReference, ...] = ()
    """Files that are kept here."""
    services: tuple[ServiceReference, ...] = ()
    """Services that were proved to answer with these data."""
    collection: str = ""
    """Identifier of the collection it belongs to."""
    stream: str = ""
    """Identifier of the stream it is an element of."""
    replaces: UUID | None = None
    """``kid`` of the version before this one."""
    details: dict[str, Detail] = {}
    """Further metadata that the ``ktype`` asks for; the vocabulary says which."""
    # Left out if empty, so that records from before are written as they were.
    elsewhere: tuple[RemoteFile, ...] = Field(default=(), exclude_if=lambda files: not files)
    """Files that are kept on other servers; here they are only pointed at."""

    @model_validator(mode="after")
    def _as_its_schema_can_say(self) -> KM3OpenResource:
        if self.elsewhere and self.schema_version in BEFORE_ELSEWHERE:
            raise ValueError(f"records of schema {self.schema_version} have no files elsewhere")
        return self

    @model_validator(mode="after")
    def _as_its_ktype_asks(self) -> KM3OpenResource:
        if self.schema_version != FIRST_SCHEMA and (problems := self._problems_of_content()):
            raise ValueError(f"ktype {self.ktype.value!r}: " + "; ".join(problems))
        return self

    def _problems_of_content(self) -> list[str]:
        entry = self.ktype.entry
        missing = entry.missing_parameters({parameter.name for parameter in self.parameters})
        problems = [f"no parameter {name} is described" for name in missing]
        if entry.reachable and not self.is_reachable:
            problems.append("there is no file, no service, no DOI and no address")
        data = [file.media_type for file in self.every_file if file.role is FileRole.DATA]
        if data and not any(media.startswith(entry.media) for media in data):
            problems.append(f"no file of data is {entry.media}*")
        return [*problems, *(f"details: {what}" for what in entry.detail_problems(self.details))]

    @property
    def is_reachable(self) -> bool:
        """Whether there is a file, a service, a DOI or an address."""
        elsewhere = self.publication.doi or self.publication.reference_url
        return bool(self.every_file or self.services or elsewhere)

    @property
    def every_file(self) -> tuple[FileReference | RemoteFile, ...]:
        """The files that are kept here, then those elsewhere."""
        return (*self.files, *self.elsewhere)


class KM3ResourceStream(_Record):
    """Similar resources that follow each other, e.g. hydrophone recordings."""

    schema_version: str = Field(default=SCHEMA_VERSION, pattern=rf"^{SCHEMA_PATTERN}$")
    """Version of this schema that the record was written by, e.g. ``1.2``."""
    identifier: str = Field(pattern=rf"^{ID_PATTERN}$")
    """Name for people: ``<topic><yy>_<nn>[_<product>]``, e.g. ``acoustic20_01_psd``."""
    title: str = Field(min_length=5)
    """Title, a few words."""
    description: str = Field(min_length=20)
    """What its elements are, in words."""
    ktype: Ktype
    """What the data of its elements are."""
    resources: tuple[UUID, ...] = ()
    """``kid`` of each element, oldest first."""
    collection: str = ""
    """Identifier of the collection it belongs to; empty if to none."""


class KM3ResourceCollection(_Record):
    """Resources and streams of one analysis or data set."""

    schema_version: str = Field(default=SCHEMA_VERSION, pattern=rf"^{SCHEMA_PATTERN}$")
    """Version of this schema that the record was written by, e.g. ``1.2``."""
    identifier: str = Field(pattern=rf"^{ID_PATTERN}$")
    """Name for people: ``<topic><yy>_<nn>[_<product>]``, e.g. ``ana20_01``."""
    title: str = Field(min_length=5)
    """Title, a few words."""
    description: str = Field(min_length=20)
    """What its members have in common, in words."""
    resources: tuple[UUID, ...] = ()
    """``kid`` of each resource that it names; a resource can also name it."""
    streams: tuple[str, ...] = ()
    """Identifiers of the streams that it names; a stream can also name it."""
