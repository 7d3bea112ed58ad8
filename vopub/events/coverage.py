"""What part of the sky, of time and of energy the events of a table cover."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from mocpy import MOC

from vopub.model.event_table import Column, EventTable
from vopub.model.resource import Coverage, TimeSpan

ORDER = 4
"""HEALPix order of the spatial coverage: cells of 3.7 degrees."""
MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)


class CoverageBuilder:
    """Gathers the coverage of a table from its chunks, in constant memory."""

    def __init__(self) -> None:
        self._sky = MOC.new_empty(ORDER)
        self._mjd = _Extent()
        self._energy = _Extent()

    def add(self, chunk: EventTable) -> None:
        """Take in the next rows."""
        columns = chunk.columns
        if "ra" in columns and "dec" in columns and len(chunk):
            ra, dec = Longitude(columns["ra"] * u.deg), Latitude(columns["dec"] * u.deg)
            self._sky = self._sky.union(MOC.from_lonlat(ra, dec, max_norder=ORDER))
        if "mjd" in columns:
            self._mjd.add(columns["mjd"])
        if "energy" in columns:
            self._energy.add(columns["energy"])

    def result(self) -> Coverage:
        """Return the coverage of all rows taken in."""
        mjd = self._mjd.bounds
        return Coverage(
            spatial="" if self._sky.empty() else " ".join(self._sky.to_string("ascii").split()),
            temporal=None if mjd is None else TimeSpan(start=_utc(mjd[0]), stop=_utc(mjd[1])),
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


def _utc(mjd: float) -> datetime:
    return MJD_EPOCH + timedelta(days=mjd)
