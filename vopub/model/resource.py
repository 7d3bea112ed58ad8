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
    media_type: MediaType
    size: int = Field(ge=0)
    sha256: Sha256
    role: FileRole = FileRole.DATA
    description: str = ""


class RemoteFile(_Record):
    """A file that belongs to a resource and is kept on another server."""

    name: FileName
    media_type: MediaType
    url: Url
    """Where it is."""
    size: int | None = Field(default=None, ge=0)
    """In bytes; none if its server does not say."""
    sha256: Sha256 | None = None
    """None if nobody knows it: then nobody can tell whether it is still the same file."""
    role: FileRole = FileRole.DATA
    description: str = ""

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
    url: Url
    table: str = ""
    """For TAP: the qualified name of the table."""
    ivoid: str = ""
    """Identifier in the VO registry."""
    proved: AwareDatetime
    """When the service last answered with the right rows."""


class TimeSpan(_Record):
    """Start and stop in time (UTC)."""

    start: AwareDatetime
    stop: AwareDatetime


class Coverage(_Record):
    """What part of the sky, of time and of energy a resource covers."""

    spatial: str = ""
    """A MOC in its ASCII form, e.g. ``3/1-5 17``."""
    temporal: TimeSpan | None = None
    energy: tuple[float, float] | None = None
    """Smallest and largest energy in GeV."""
    declination: tuple[float, float] | None = None
    """Smallest and largest declination in degrees that events could have come from; ``spatial``
    is where they did come from."""


class KM3OpenResource(_Record):
    """Anything published: what it is, how to reach it, how to cite it."""

    schema_version: str = Field(default=SCHEMA_VERSION, pattern=rf"^{SCHEMA_PATTERN}$")
    kid: UUID
    identifier: str = Field(pattern=rf"^{ID_PATTERN}$")
    ktype: Ktype
    simulated: bool = False
    publication: Publication
    data_taking: DataTaking | None = None
    parameters: tuple[Parameter, ...] = ()
    provenance: Provenance | None = None
    account: EventAccount | None = None
    rows: int | None = Field(default=None, ge=0)
    coverage: Coverage = Coverage()
    files: tuple[FileReference, ...] = ()
    services: tuple[ServiceReference, ...] = ()
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
    identifier: str = Field(pattern=rf"^{ID_PATTERN}$")
    title: str = Field(min_length=5)
    description: str = Field(min_length=20)
    ktype: Ktype
    resources: tuple[UUID, ...] = ()
    """``kid`` of each element, oldest first."""
    collection: str = ""


class KM3ResourceCollection(_Record):
    """Resources and streams of one analysis or data set."""

    schema_version: str = Field(default=SCHEMA_VERSION, pattern=rf"^{SCHEMA_PATTERN}$")
    identifier: str = Field(pattern=rf"^{ID_PATTERN}$")
    title: str = Field(min_length=5)
    description: str = Field(min_length=20)
    resources: tuple[UUID, ...] = ()
    streams: tuple[str, ...] = ()
    """Identifiers of its streams."""
