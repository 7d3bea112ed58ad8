"""What part of the sky, of time and of energy the events of a table cover."""

from __future__ import annotations

import numpy as np
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from mocpy import MOC

from vopub.model.data_taking import DataTaking
from vopub.model.event_table import Column, EventTable
from vopub.model.resource import Coverage, TimeSpan

ORDER = 4
"""HEALPix order of the spatial coverage: cells of 3.7 degrees."""


class CoverageBuilder:
    """Gathers the coverage of a table from its chunks, in constant memory."""

    def __init__(self) -> None:
        self._sky = MOC.new_empty(ORDER)
        self._energy = _Extent()

    def add(self, chunk: EventTable) -> None:
        """Take in the next rows."""
        columns = chunk.columns
        if "ra" in columns and "dec" in columns and len(chunk):
            known = np.isfinite(columns["ra"]) & np.isfinite(columns["dec"])
            ra = Longitude(columns["ra"][known] * u.deg)
            dec = Latitude(columns["dec"][known] * u.deg)
            self._sky = self._sky.union(MOC.from_lonlat(ra, dec, max_norder=ORDER))
        if "energy" in columns:
            self._energy.add(columns["energy"])

    def result(self, taken: DataTaking) -> Coverage:
        """Return the coverage of all rows taken in, whose times are in the data-taking metadata."""
        first, last = taken.first_event, taken.last_event
        return Coverage(
            spatial="" if self._sky.empty() else " ".join(self._sky.to_string("ascii").split()),
            temporal=TimeSpan(start=first, stop=last) if first and last else None,
            energy=self._energy.bounds,
        )


class _Extent:
    """Smallest and largest finite value seen."""

    def __init__(self) -> None:
        self.bounds: tuple[float, float] | None = None

    def add(self, values: Column) -> None:
        finite = values[np.isfinite(values)]
        if len(finite):
            low, high = float(finite.min()), float(finite.max())
            if self.bounds is not None:
                low, high = min(low, self.bounds[0]), max(high, self.bounds[1])
            self.bounds = (low, high)
