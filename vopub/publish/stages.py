"""The stages of a publication and how their progress is told."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from vopub.events.scale.tally import Tally


class Stage(StrEnum):
    """What is done to each resource, in this order."""

    CHECK = "check"
    CONVERT = "convert"
    DESCRIBE = "describe"
    LOAD = "load"
    PROVE = "prove"
    REGISTER = "register"

    def reaches(self, other: Stage) -> bool:
        """Tell whether a publication that goes until this stage includes another."""
        order = list(Stage)
        return order.index(other) <= order.index(self)


class Progress(Protocol):
    """Where progress is told."""

    def start(self, resource: str, stage: Stage) -> None:
        """Say that a stage begins."""

    def done(self, resource: str, stage: Stage, what: str) -> None:
        """Say what a stage did."""

    def tell(self, resource: str, tally: Tally) -> None:
        """Say how far the reduction of the inputs is."""

    def note(self, text: str) -> None:
        """Say something else, e.g. that a server was started."""
