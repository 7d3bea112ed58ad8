"""Provenance: what was made from what, by which step, without naming a user, host or path."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Entity(BaseModel):
    """A file that went into a step or came out of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    identifier: str
    """``sha256:<hex>`` of the file's bytes."""
    name: str
    """File name without any directory."""
    uuid: UUID | None = None
    """The identifier the file carries in itself, e.g. ROOT's TFile UUID."""
    description: str = ""


class ProcessingStep(BaseModel):
    """One activity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    identifier: UUID
    """UUIDv5 of what the step did to what: the same step has the same identifier."""
    name: str
    """Short name, e.g. ``reduce``."""
    description: str
    software: str
    """Name and version, e.g. ``vopub 0.1.0``."""
    configuration: dict[str, str | int | float | bool | None] = {}
    inputs: tuple[str, ...] = ()
    """Identifiers of the entities used."""
    outputs: tuple[str, ...] = ()
    """Identifiers of the entities generated, or the names of products that hold this record."""
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None


class Provenance(BaseModel):
    """The list of processing steps, in the order they were done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: tuple[ProcessingStep, ...]
    entities: tuple[Entity, ...]
