"""What an event file holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import get_args
from uuid import UUID

import numpy as np

from vopub.events.coordinates import SITES
from vopub.events.fit_parameters import FIT
from vopub.events.quantities import Quantities, Reconstructed
from vopub.events.readers import open_reader
from vopub.events.readers.base import EventChunk
from vopub.events.times import FIRST_TIME, to_datetime
from vopub.model.catalogue import known_parameters
from vopub.model.data_taking import Run
from vopub.model.description import EventsSection
from vopub.model.event_table import Column

ROWS = 10_000
"""How many events are in memory at a time, at most."""
RECONSTRUCTIONS: tuple[str, ...] = get_args(EventsSection.model_fields["reconstruction"].annotation)
"""Names of all reconstructions that a resource can ask for."""

_SKY = frozenset({"ra", "dec", "mc_ra", "mc_dec"})
"""There if an event has a time of day or the layout gives them: not computed, that takes long."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that the file says of some of its events."""

    name: str
    """Of the known parameter."""
    unit: str
    group: str
    """``event``, ``fit`` or ``truth``."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file holds."""

    name: str
    """File name without any directory."""
    layout: str
    uuid: UUID | None
    simulated: bool | None
    """None if the file does not tell."""
    detector: str
    """Name that the file gives its detector; empty if it gives none."""
    events: int
    first: datetime | None
    """Time of the earliest event; None if there is none since 2005."""
    last: datetime | None
    runs: tuple[Run, ...]
    reconstructions: dict[str, int]
    """How many events have each, of those that any event has."""
    quantities: tuple[Quantity, ...]
    """What at least one reconstructed event has, in the order of the catalogue."""
    summaries: dict[str, tuple[str, ...]]
    """What it says beside the catalogue, by what the names begin with."""
    history: tuple[str, ...]
    """Programs that made the file, oldest first."""

    @property
    def livetime(self) -> float | None:
        """Sum of the livetimes of the runs in seconds; None unless each is known."""
        times = [run.livetime for run in self.runs]
        known = [time for time in times if time is not None]
        return sum(known) if known and len(known) == len(times) else None


class _Findings:
    """What is gathered while the events are looked through."""

    def __init__(self) -> None:
        self.events = 0
        self.reconstructed: dict[str, int] = {}
        self.quantities: set[str] = set()
        self.times: list[int] = []

    def add(self, chunk: EventChunk) -> None:
        """Take in the events of a chunk."""
        self.events += len(chunk)
        self._add_times(chunk)
        for name in RECONSTRUCTIONS:
            found, best = chunk.tracks.best(name, tuple(FIT))
            if found.any():
                self.reconstructed[name] = self.reconstructed.get(name, 0) + int(found.sum())
                made = Reconstructed.of(chunk, np.flatnonzero(found), best)
                self.quantities |= set(_given(made, self.quantities))

    def _add_times(self, chunk: EventChunk) -> None:
        if "t_sec" not in chunk.events or not len(chunk):
            return
        seconds, rest = (chunk.events[name].astype(np.int64) for name in ("t_sec", "t_ns"))
        times = seconds * 1_000_000_000 + rest
        times = times[times >= FIRST_TIME]
        if len(times):
            both = [*self.times, int(times.min()), int(times.max())]
            self.times = [min(both), max(both)]


def inspect(path: Path) -> Inspection:
    """Look through a file of any layout that can be read, in bounded memory.

    Raises
    ------
    InputError
        If it cannot be read, is damaged or of no known layout.
    """
    findings = _Findings()
    with open_reader(path) as reader:
        header = reader.header
        for chunk in reader.chunks(ROWS):
            findings.add(chunk)
        summaries = dict(reader.find_summaries())
    there = findings.quantities - header.lacks
    first, last = map(to_datetime, findings.times) if findings.times else (None, None)
    return Inspection(
        name=header.name,
        layout=header.layout,
        uuid=header.uuid,
        simulated=header.simulated,
        detector=header.detector,
        events=findings.events,
        first=first,
        last=last,
        runs=header.runs,
        reconstructions=findings.reconstructed,
        quantities=tuple(
            Quantity(name, known.unit, _group(name))
            for name, known in known_parameters().items()
            if name in there
        ),
        summaries=summaries,
        history=tuple(step.software or step.name for step in header.history),
    )


def _given(events: Reconstructed, known: set[str]) -> Iterator[str]:
    """Yield the parameters, of those not known yet, that any of the events has a value of."""
    quantities = Quantities(events, next(iter(SITES.values())))
    on_sky = events.best.sky is not None or bool((events.time >= FIRST_TIME).any())
    for name in quantities:
        if name not in known and (on_sky if name in _SKY else _any(quantities[name])):
            yield name


def _any(values: Column) -> bool:
    return not (values.dtype.kind == "f" and np.isnan(values).all())


def _group(name: str) -> str:
    if known_parameters()[name].truth:
        return "truth"
    return "fit" if name in FIT else "event"
