"""What part of the sky, of time and of energy the events of a table cover."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from mocpy import MOC
from numpy.typing import NDArray

from vopub.events.selection import Selection
from vopub.model.catalogue import known_parameters
from vopub.model.data_taking import DataTaking, Site
from vopub.model.event_table import Column, EventTable
from vopub.model.parameter import Dtype
from vopub.model.resource import Coverage, TimeSpan

ORDER = 4
"""HEALPix order of the spatial coverage: cells of 3.7 degrees."""
STEP = 0.25
"""Degrees between the directions that are looked at."""
MARGIN = 0.5
"""What is added to declinations: the step, and what the pole moves in 40 years."""


def declinations(site: Site, selections: Iterable[Selection]) -> tuple[float, float] | None:
    """Return which declinations a detector without a pointing sees events from.

    As the Earth turns, a direction at the detector goes round the pole at one declination. So
    what a selection leaves of the directions at the detector is what it leaves of the sky.

    Parameters
    ----------
    site
        Where the detector stands.
    selections
        What events have to fulfil. Of what they ask for besides directions, nothing is known.

    Returns
    -------
    tuple of float or None
        Smallest and largest declination in degrees, not narrower than it is; None if no direction
        is left.
    """
    zenith, azimuth = (
        grid.ravel()
        for grid in np.meshgrid(
            np.arange(0.0, 180.0 + STEP, STEP), np.arange(0.0, 360.0, STEP), indexing="ij"
        )
    )
    declination = _declination(zenith, azimuth, site)
    seen = np.ones(len(zenith), dtype=bool)
    known = {"zenith": zenith, "azimuth": azimuth, "dec": declination}
    for selection in selections:
        if not _texts(selection):
            nothing = {name: np.full(len(zenith), np.nan) for name in selection.parameters}
            seen &= ~selection.condition.truth({**nothing, **known}).fails
    if not seen.any():
        return None
    low, high = float(declination[seen].min()), float(declination[seen].max())
    return max(low - MARGIN, -90.0), min(high + MARGIN, 90.0)


def _declination(
    zenith: NDArray[np.float64], azimuth: NDArray[np.float64], site: Site
) -> NDArray[np.float64]:
    """Return the declination in degrees of directions at the detector; azimuth from UTM East."""
    from_north = np.radians(90.0 - azimuth + site.convergence)
    latitude, zenith = np.radians(site.latitude), np.radians(zenith)
    sine = np.sin(latitude) * np.cos(zenith)
    sine = sine + np.cos(latitude) * np.sin(zenith) * np.cos(from_north)
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def _texts(selection: Selection) -> bool:
    """Tell whether a selection looks at texts, of which none can stand for the unknown."""
    described = map(known_parameters().get, selection.parameters)
    return any(parameter and parameter.dtype is Dtype.TEXT for parameter in described)


class CoverageBuilder:
    """Gathers the coverage of a table from its chunks, in constant memory.

    Parameters
    ----------
    field
        Which declinations the detector could see events from; see `declinations`.
    """

    def __init__(self, field: tuple[float, float] | None = None) -> None:
        self._field = field
        self._sky = MOC.new_empty(ORDER)
        self._energy = _Extent()

    def add(self, chunk: EventTable) -> None:
        """Take in the next rows."""
        columns = chunk.columns
        if {"ra", "dec"} <= set(columns) and len(chunk) and self._sky.sky_fraction < 1:
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
            declination=self._field,
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
