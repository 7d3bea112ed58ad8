"""What is published now, as far as this site remembers: one small file per resource."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from vopub import __version__
from vopub.events.history import record_digest
from vopub.files import digest_of, sha256_of, write_text
from vopub.model.resource import ServiceReference
from vopub.resources import ResourceFolder
from vopub.settings import Settings


class Key(BaseModel):
    """Digests of everything a publication is made from; equal keys give equal products."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: str
    description: str
    publisher: str
    software: str

    @property
    def digest(self) -> str:
        """One digest of all."""
        return digest_of(self.model_dump())

    def changes(self, other: Key | None) -> str:
        """Say what differs from an earlier key."""
        if other is None:
            return "not published yet"
        changed = [n for n, v in self.model_dump().items() if v != other.model_dump()[n]]
        return f"changed: {', '.join(changed)}" if changed else "unchanged"


class PublicationState(BaseModel):
    """The last publication of a resource that was proved and registered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kid: UUID
    version: str
    rows: int
    key: Key
    descriptor: str = ""
    """SHA-256 of the resource descriptor; empty if it is not in the VO."""
    services: tuple[ServiceReference, ...] = ()
    page: str
    """Address of its page in the Open Data Center."""
    published: AwareDatetime
    checked: AwareDatetime | None = None
    """When a known event was last found without publishing anew."""
    complete: bool = True
    """False while a newer publication is on its way: after a crash everything is made again."""


def key_of(folder: ResourceFolder, settings: Settings) -> Key:
    """Compute the key of a resource; reads every input file.

    Raises
    ------
    FileError
        If an input cannot be read.
    """
    inputs = folder.inputs()
    digests = [sha256_of(path) for path in (*inputs, *folder.lists())]
    return Key(
        inputs=digest_of([*digests, *map(record_digest, inputs)]),
        description=digest_of(folder.description.model_dump(mode="json")),
        publisher=digest_of(settings.publisher.model_dump(mode="json")),
        software=f"vopub {__version__}",
    )


def read_state(directory: Path, identifier: str) -> PublicationState | None:
    """Read what is remembered of a resource; None if nothing usable is.

    A file that cannot be understood (another version wrote it) counts as nothing: the
    publication is then made and proved again.
    """
    try:
        text = _path(directory, identifier).read_text(encoding="utf-8")
        return PublicationState.model_validate_json(text)
    except (FileNotFoundError, ValidationError):
        return None


def write_state(directory: Path, state: PublicationState) -> None:
    """Remember a publication."""
    write_text(_path(directory, state.id), state.model_dump_json(indent=2) + "\n")


def begin_change(directory: Path, state: PublicationState | None) -> None:
    """Note that a publication is being replaced, so that a crash leads to a new one."""
    if state is not None:
        write_state(directory, state.model_copy(update={"complete": False}))


def doubt(directory: Path, kid: UUID) -> None:
    """Note that the publication with a record is to be made again, though nothing changed."""
    for state in states(directory):
        if state.kid == kid:
            begin_change(directory, state)


def forget_state(directory: Path, identifier: str) -> None:
    """Forget a publication that was taken back."""
    for path in (_path(directory, identifier), directory / f"{identifier}.build"):
        path.unlink(missing_ok=True)


def states(directory: Path) -> list[PublicationState]:
    """Return what is remembered of every resource."""
    found = (read_state(directory, path.stem) for path in sorted(directory.glob("*.json")))
    return [state for state in found if state is not None]


def _path(directory: Path, identifier: str) -> Path:
    return directory / f"{identifier}.json"
