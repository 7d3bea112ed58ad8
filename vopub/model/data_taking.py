"""Data-taking metadata: detector, runs, start and stop, livetime, how events were selected."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator


class Site(BaseModel):
    """Where a detector stands.

    Source of the values in use: facts of the collaboration's software ``km3astro``
    (UTM coordinates on WGS84).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    latitude: float
    """Geodetic latitude in degrees."""
    longitude: float
    """Longitude in degrees, East positive."""
    height: float
    """Height above the ellipsoid in metres; negative in the sea."""
    convergence: float
    """Meridian convergence of the UTM grid at the site in degrees."""


class Run(BaseModel):
    """One data-taking run, as far as its files tell."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    detector_id: int
    """Number of the detector configuration."""
    run: int
    """Number of the run in that configuration."""
    start: AwareDatetime | None = None
    """Beginning of the run (UTC); none if no file tells."""
    stop: AwareDatetime | None = None
    """End of the run (UTC); none if no file tells."""
    livetime: Annotated[float, Field(ge=0)] | None = None
    """Seconds during which the run could record events."""
    triggers: tuple[str, ...] = ()
    """Names of the triggers that were enabled."""
    quality: str = ""
    """What the good-run list says about it."""
    events_read: Annotated[int, Field(ge=0)] | None = None
    """How many of its events the input files hold; None if nobody counted."""
    events_kept: Annotated[int, Field(ge=0)] | None = None
    """How many of them are in the table."""
    source: str
    """Where this was read, e.g. ``headerTree``."""

    @model_validator(mode="after")
    def _ordered(self) -> Run:
        if self.start is not None and self.stop is not None and self.stop < self.start:
            raise ValueError(f"run {self.run} stops before it starts")
        return self


class RunCount(BaseModel):
    """How many events of a run were read and how many of them are in the table."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    detector_id: int
    run: int
    read: int = Field(ge=0)
    kept: int = Field(ge=0)


class DataTaking(BaseModel):
    """How the events of a table were taken and chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    detector: str
    """Name of the detector, e.g. ``ORCA``."""
    runs: tuple[Run, ...]
    """Its data-taking runs."""
    first_event: AwareDatetime | None = None
    """Time of the earliest event in the table."""
    last_event: AwareDatetime | None = None
    """Time of the latest event in the table."""
    reconstruction: str
    """Name of the chosen reconstruction, e.g. ``jmuon``."""
    selection: tuple[str, ...] = ()
    """The cuts, as readable expressions."""

    @property
    def start(self) -> datetime | None:
        """Start of the earliest run that has one, or the time of the first event."""
        return min((r.start for r in self.runs if r.start), default=self.first_event)

    @property
    def stop(self) -> datetime | None:
        """Stop of the latest run that has one, or the time of the last event."""
        return max((r.stop for r in self.runs if r.stop), default=self.last_event)

    @property
    def livetime(self) -> float | None:
        """Sum of the runs' livetimes in seconds; None if a run does not tell."""
        times = [r.livetime for r in self.runs]
        known = [t for t in times if t is not None]
        return sum(known) if known and len(known) == len(times) else None
