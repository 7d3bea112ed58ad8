"""Reductions that tests compare, whoever reads the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vopub.events.convert import Reduction
from vopub.events.scale.workers import Workers
from vopub.model.description import EventsSection
from vopub.model.duplicates import Duplicates
from vopub.model.event_table import EventTable, concatenate

MakeSection = Callable[..., EventsSection]
COLUMNS = ("event_id", "ra", "energy")


def reduced(reduction: Reduction) -> EventTable:
    chunks = list(reduction)
    return concatenate(chunks[0].parameters, chunks)


def reduction_of(
    paths: list[Path], make_section: MakeSection, workers: Workers, parts: Path | None = None
) -> Reduction:
    section = make_section("zenith > 90 deg", columns=COLUMNS)
    return Reduction(
        paths, section, simulated=False, workers=workers, duplicates=Duplicates.KEEP, parts=parts
    )
