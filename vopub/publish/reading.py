"""How inputs are read in one run, where that is not left to what their description says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vopub.model.duplicates import Duplicates
from vopub.model.malformed import MalformedLimit

if TYPE_CHECKING:
    from vopub.events.scale.workers import Workers


@dataclass(frozen=True, slots=True)
class Reading:
    """What whoever starts a run wants of the reading of its inputs."""

    workers: Workers | None = None
    """Who reads them; this process if nobody is named."""
    duplicates: Duplicates | None = None
    """What is done with an event that comes again; None for what the description says."""
    malformed: MalformedLimit | None = None
    """The most malformed events; None for what the description says."""


AS_DESCRIBED = Reading()
