"""Provenance: what was made from what, by which step, without naming a user, host or path."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

MOST_NAMED = 10
"""A step names so many files itself; more are members of one collection."""

PROGRAM_PATTERN = r"[A-Za-z][A-Za-z0-9_-]{0,39}"
VERSION_PATTERN = (
    r"v?\d{1,8}([._r]\d{1,6}){0,2}"
    r"([-.+]?(rc|a|b|alpha|beta|dev|post|patch)[-.]?\d{0,6}|[-+]\d{1,8}|[-.+]g[0-9a-f]{6,40}"
    r"|[-.+]?[MD])*"
)
"""Releases and states of repositories, e.g. ``v20.0.0`` or ``17.0.0-rc.1-89-gd7c9cdb88-D``; not
four numbers with dots, which may be an address.
"""

Configuration = dict[str, str | int | float | bool | None]


class PriorStep(BaseModel):
    """One step that an input file itself says was done before.

    Names and versions have the form of a program's name and of a version, so that nothing else of
    a foreign record, such as a path or an address, can stand in their place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str = Field(pattern=rf"^{PROGRAM_PATTERN}( [a-z]{{2,20}})?$")
    """Program, or program and activity, e.g. ``JMuonGandalf`` or ``km3pipe pipeline``."""
    software: str = Field(default="", pattern=rf"^({PROGRAM_PATTERN}( {VERSION_PATTERN})?)?$")
    """Package and version, e.g. ``Jpp 14.1.0``; empty if the record does not tell."""
    identifier: UUID | None = None
    """Identifier that the record gives the step."""
    configuration: Configuration = {}
    """Settings of the step, by name."""
    used: tuple[UUID, ...] = ()
    """Identifiers that the files it read carry in themselves."""
    started: AwareDatetime | None = None
    """When the step began; none if it is not recorded."""
    ended: AwareDatetime | None = None
    """When the step ended; none if it is not recorded."""


class Entity(BaseModel):
    """A file that went into a step or came out of it, or a collection of such files."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    identifier: str
    """``sha256:<hex>`` of the file's bytes; ``collection:<uuid>`` for a collection."""
    name: str
    """File name without any directory."""
    uuid: UUID | None = None
    """The identifier the file carries in itself, e.g. ROOT's TFile UUID."""
    description: str = ""
    """What the file is, in words; empty if nothing is said."""
    members: tuple[str, ...] = ()
    """For a collection: the identifiers of its files, which are entities of their own."""
    history: tuple[PriorStep, ...] = ()
    """For an input: what its own record says was done before, oldest first."""


Counted = Annotated[str, StringConstraints(min_length=1)]


class ProcessingStep(BaseModel):
    """One activity."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    identifier: UUID
    """The one an input's own record gives it, or UUIDv5 of what the step did to what: the same
    step has the same identifier.
    """
    name: str
    """Short name, e.g. ``reduce``."""
    description: str
    """What was done, in a sentence."""
    software: str
    """Name and version, e.g. ``vopub 0.1.0``; empty if it is not known."""
    configuration: Configuration = {}
    """Settings of the step, by name."""
    counts: dict[Counted, int] = {}
    """How many events entered, left and were taken out, by reason."""
    inputs: tuple[str, ...] = ()
    """Identifiers of the entities used."""
    outputs: tuple[str, ...] = ()
    """Identifiers of the entities generated, or the names of products that hold this record."""
    after: tuple[UUID, ...] = ()
    """Steps whose results it used, where it is not recorded which these were."""
    recorded_as: tuple[UUID, ...] = ()
    """Identifiers under which the own records of several inputs know the step."""
    started: AwareDatetime | None = None
    """When the step began; none if it is not recorded."""
    ended: AwareDatetime | None = None
    """When the step ended; none if it is not recorded."""


class Provenance(BaseModel):
    """The list of processing steps, in the order they were done."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    steps: tuple[ProcessingStep, ...]
    """What was done, in order."""
    entities: tuple[Entity, ...]
    """The files, and collections of files, that the steps name."""
