"""Records as the client reads them.

The server may be newer than the client: what is not known here is left alone, and kept in the
record as it came. What decides where bytes go (names, sizes, checksums) is checked strictly.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from vopub.client.display import plain
from vopub.errors import ServiceError
from vopub.model.publication import Url, check_url

READABLE = "1."
"""Versions of the schema that this client understands begin so."""
SAFE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
"""Names that may become the name of a file or a directory here."""

Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]


def _check_schema(version: str) -> str:
    if not version.startswith(READABLE):
        raise ValueError(f"is of schema {version!r}, this vopub reads {READABLE}x: update vopub")
    return version


Schema = Annotated[str, AfterValidator(_check_schema)]


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class FileEntry(_Read):
    """A file of a resource."""

    name: str = Field(pattern=SAFE_NAME)
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    media_type: str = ""
    role: str = "data"
    description: Text = ""

    @property
    def kind(self) -> str:
        """The media type without its parameters."""
        return self.media_type.partition(";")[0].strip()


class RemoteEntry(_Read):
    """A file of a resource that another server keeps."""

    name: str = Field(pattern=SAFE_NAME)
    url: Url
    size: int | None = Field(default=None, ge=0)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    media_type: str = ""
    role: str = "data"
    description: Text = ""

    @property
    def kind(self) -> str:
        """The media type without its parameters."""
        return self.media_type.partition(";")[0].strip()


class ServiceEntry(_Read):
    """A service of the Virtual Observatory that answers with a resource's data."""

    kind: str
    url: Url
    table: Text = ""


class ParameterEntry(_Read):
    """What a column, an axis or a value means."""

    name: str
    dtype: Text = ""
    unit: Text = ""
    ucd: Text = ""
    description: Text = ""
    symbol: Text = ""
    range: tuple[float, float] | None = None


class PublicationEntry(_Read):
    """The part of the publication metadata that the client itself uses."""

    title: str
    description: Text = ""
    version: str
    doi: str | None = None
    reference_url: Url | None = None


class Record(_Read):
    """A KM3OpenResource."""

    schema_version: Schema
    kid: UUID
    identifier: str = Field(pattern=SAFE_NAME)
    ktype: str
    simulated: bool = False
    publication: PublicationEntry
    parameters: tuple[ParameterEntry, ...] = ()
    rows: int | None = None
    files: tuple[FileEntry, ...] = ()
    elsewhere: tuple[RemoteEntry, ...] = ()
    services: tuple[ServiceEntry, ...] = ()
    details: dict[str, Any] = {}

    @property
    def version(self) -> str:
        """Version of the resource."""
        return self.publication.version


class DirectoryManifest(_Read):
    """What a directory with files of a resource holds: as ``publish`` and ``get`` write it."""

    identifier: str = Field(pattern=SAFE_NAME)
    version: str
    kid: UUID
    files: tuple[FileEntry, ...]


Kind = TypeVar("Kind", bound=BaseModel)


def parsed(kind: type[Kind], body: bytes, what: str) -> Kind:
    """Return a document in its shape.

    Raises
    ------
    ServiceError
        If it is not JSON, or lacks something.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise ServiceError(f"{what} cannot be used: {first_problem(error)}", hint=_HINT) from error


def is_url(value: object) -> bool:
    """Tell whether a value is an http or https address."""
    try:
        return isinstance(value, str) and bool(check_url(value))
    except ValueError:
        return False


def tree(body: bytes) -> dict[str, Any]:
    """Return a document that was parsed before, with everything in it."""
    content = json.loads(body)
    return content if isinstance(content, dict) else {}


def first_problem(error: ValidationError) -> str:
    """Say what is wrong first, and where."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    return plain(f"{place}: {first['msg']}" if place else first["msg"])[:300]


_HINT = "is this the address of an Open Data Center?"
