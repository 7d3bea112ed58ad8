"""What shows a table at a glance: maps, histograms, and its coverage as a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mocpy import MOC

from vopub.figures.histogram import Histogram, draw_histogram
from vopub.figures.skymap import SkyMap
from vopub.formats.products import ExtraFile
from vopub.model.dataset import TableMetadata
from vopub.model.event_table import EventTable
from vopub.model.resource import FileRole
from vopub.vo.coverage import sky_moc
from vopub.vo.registry import published_title

SVG = "image/svg+xml"
SIMULATED = "Coverage of simulated events, not of observed ones."


@dataclass(frozen=True, slots=True)
class _Shown:
    """A column that a histogram is drawn of."""

    column: str
    suffix: str
    label: str
    description: str
    decades: bool = False


SHOWN = (
    _Shown("energy", "energy", "energy estimate / GeV", "Energies of the events.", decades=True),
    _Shown("mjd", "time", "Modified Julian Date (UTC) / d", "Times of the events."),
)


class Previews:
    """Gathers what previews need while the table passes.

    Parameters
    ----------
    names
        Columns of the table.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self._sky = SkyMap() if {"ra", "dec"} <= names else None
        self._histograms = {shown: Histogram() for shown in SHOWN if shown.column in names}

    def add(self, chunk: EventTable) -> None:
        """Take in a piece of the table."""
        if self._sky is not None:
            self._sky.add(chunk["ra"], chunk["dec"])
        for shown, histogram in self._histograms.items():
            values = np.asarray(chunk[shown.column], dtype=np.float64)
            histogram.add(np.log10(values[values > 0]) if shown.decades else values)

    def files(self, metadata: TableMetadata, directory: Path) -> Iterator[ExtraFile]:
        """Write the pictures and the coverage of the table that passed."""
        stem, title = directory / metadata.identifier, published_title(metadata)
        if self._sky is not None:
            path = stem.with_name(f"{stem.name}.skymap.svg")
            path.write_bytes(self._sky.draw(title=title))
            yield ExtraFile(path, SVG, FileRole.PREVIEW, "Directions of the events.")
        for shown, histogram in self._histograms.items():
            if histogram.number:
                path = stem.with_name(f"{stem.name}.{shown.suffix}.svg")
                path.write_bytes(
                    draw_histogram(histogram, title=title, label=shown.label, decades=shown.decades)
                )
                yield ExtraFile(path, SVG, FileRole.PREVIEW, shown.description)
        coverage = sky_moc(metadata.coverage)
        if coverage:
            path = stem.with_name(f"{stem.name}.moc.fits")
            # In the form that readers of MOC 1 know, too: older STILTS silently misreads ranges.
            MOC.from_string(coverage, "ascii").save(
                path, "fits", v1_compatible=True,
                fits_keywords={"COMMENT": SIMULATED} if metadata.simulated else None,
            )  # fmt: skip
            yield ExtraFile(
                path, "application/fits", FileRole.METADATA,
                "Coverage on the sky as a MOC in FITS.",
            )  # fmt: skip
