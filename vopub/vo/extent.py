"""How far data reach in space, time and energy, in the terms of ObsCore."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time
from erfa import ErfaWarning  # type: ignore[import-untyped]
from mocpy import MOC, TimeMOC

from vopub.model.observation import FieldOfView
from vopub.model.resource import Coverage

HC = 1.239841984332e-6
"""Planck's constant times the speed of light in eV m (CODATA 2022), as the HEA draft has it."""
EV_PER_GEV = 1e9
LONGEST_INTERVALS = 8000
"""Characters of a list of time intervals; a longer one is given in coarser steps."""
FINEST, COARSEST = 41, 20
"""Orders of the TMOC that are tried: steps of a second, and of a month."""
HALF_SKY = 90.0
"""Radius in degrees from which on a circle cannot be written as a polygon of the database."""
CORNERS = 36
"""Of the polygon that stands for a circle; each side misses it by less than 0.4 % of its radius."""

Interval = tuple[datetime, datetime]
_MJD_OF_1970 = 40_587
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle on the sky in degrees (ICRS)."""

    ra: float
    dec: float
    radius: float

    @property
    def diameter(self) -> float:
        """Twice the radius: beyond 180 degrees if it is more than half of the sky.

        Only so a circle of half of it around the centre holds all that is seen, which is how
        ObsCore's ``s_fov`` is searched.
        """
        return 2 * self.radius

    def polygon(self) -> str | None:
        """Return it as pgSphere writes polygons; None if it is half of the sky or more."""
        if self.radius >= HALF_SKY:
            return None
        centre = SkyCoord(self.ra * u.deg, self.dec * u.deg)
        around = np.linspace(360, 0, CORNERS, endpoint=False) * u.deg
        corners = centre.directional_offset_by(around, self.radius * u.deg)
        points = (f"({c.ra.deg:.6f}d,{c.dec.deg:.6f}d)" for c in corners)
        return "{" + ",".join(points) + "}"


def circle_of(field: FieldOfView | None, coverage: Coverage) -> Circle | None:
    """Return the circle that is seen.

    Parameters
    ----------
    field
        What the publisher says; it goes before all else.
    coverage
        Of the resource: the declinations that can be seen, or else where events came from.

    Returns
    -------
    Circle or None
        Around a pole for declinations, around the centre of mass for a MOC; it holds all of it.
    """
    if field is not None:
        return Circle(field.ra, field.dec, field.diameter / 2)
    if coverage.declination is not None:
        low, high = coverage.declination
        south, north = high + 90, 90 - low  # radii around the poles
        return Circle(0.0, -90.0, south) if south <= north else Circle(0.0, 90.0, north)
    return _around(MOC.from_string(coverage.spatial)) if coverage.spatial else None


def _around(moc: MOC) -> Circle | None:
    if moc.empty():
        return None
    if moc.sky_fraction > 1 - 1e-9:  # it has no centre
        return Circle(0.0, 0.0, 180.0)
    centre = moc.barycenter()
    radius = moc.largest_distance_from_coo_to_vertices(centre).to_value(u.deg)
    return Circle(round(centre.ra.deg, 6), round(centre.dec.deg, 6), round(float(radius), 6))


def mjd(moment: datetime) -> float:
    """Return a moment as Modified Julian Date in UTC."""
    return _MJD_OF_1970 + (moment - _EPOCH) / timedelta(days=1)


def time_intervals(intervals: Sequence[Interval]) -> str | None:
    """Return intervals as a TMOC (MOC 2.0: TCB) in its ASCII form; None if there are none.

    It is as fine as its length allows: it covers all of them, and at its ends up to a step more.
    """
    if not intervals:
        return None
    start, stop = (in_scale([interval[end] for interval in intervals], "tcb") for end in (0, 1))
    moc = TimeMOC.from_time_ranges(start, stop, order=FINEST)
    for order in range(FINEST - 3, COARSEST, -3):
        text = " ".join(moc.to_string("ascii").split())
        if len(text) <= LONGEST_INTERVALS:
            break
        moc = moc.degrade_to_order(order)
    return " ".join(moc.to_string("ascii").split())


def in_scale(moments: Sequence[datetime], scale: Literal["tt", "tdb", "tcb"]) -> Time:
    """Return moments in a time scale, also those in years to come."""
    with warnings.catch_warnings():
        # astropy warns that their leap seconds are not known yet.
        warnings.simplefilter("ignore", ErfaWarning)
        return getattr(Time(list(moments), scale="utc"), scale)


def electronvolts(energy: tuple[float, float] | None) -> tuple[float | None, float | None]:
    """Return energies in GeV as ObsCore's extension has them."""
    return (None, None) if energy is None else (energy[0] * EV_PER_GEV, energy[1] * EV_PER_GEV)


def wavelengths(energy: tuple[float, float] | None) -> tuple[float | None, float | None]:
    """Return what ObsCore has for energies in GeV: smallest and largest wavelength in metres.

    For particles with mass these are a way of writing energies, not their wavelengths.
    """
    if energy is None or not all(math.isfinite(e) and e > 0 for e in energy):
        return None, None
    low, high = energy
    return HC / (high * EV_PER_GEV), HC / (low * EV_PER_GEV)
