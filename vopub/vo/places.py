"""Where the directories of a resource are, in a DaCHS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vopub.model.server import DachsServer
from vopub.vo.candidate import candidate_of
from vopub.vo.examples import DESCRIPTOR_NAME

DATA_FOLDER = "data"


@dataclass(frozen=True, slots=True)
class Places:
    """The directories of one resource."""

    server: DachsServer
    identifier: str

    @property
    def rd_id(self) -> str:
        """What DaCHS calls the descriptor."""
        return descriptor_id(self.identifier)

    @property
    def live(self) -> Path:
        """What is served."""
        return self.server.inputs / self.identifier

    @property
    def staging(self) -> Path:
        """Where descriptor and data wait."""
        return self.server.root / "staging" / self.identifier

    @property
    def candidate(self) -> Path:
        """The next version, served beside."""
        return self.server.inputs / candidate_of(self.identifier)

    @property
    def previous(self) -> Path:
        """What was replaced, until the load is settled."""
        return self.server.root / "previous" / self.identifier

    @property
    def kept(self) -> Path:
        """What was replaced by a load that was settled."""
        return self.server.root / "kept" / self.identifier


def descriptor_id(identifier: str) -> str:
    """Return what DaCHS calls the descriptor of a resource."""
    return f"{identifier}/{DESCRIPTOR_NAME.removesuffix('.rd')}"


def data_file(csv: Path) -> str:
    """Return where a descriptor finds its data, relative to the resource directory."""
    return f"{DATA_FOLDER}/{csv.name}"
