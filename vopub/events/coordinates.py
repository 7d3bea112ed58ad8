"""Directions in the detector's frame to directions on the sky.

The detector's frame has x to UTM East, y to UTM North and z up. Formula and sites: the
collaboration's conventions as in its software ``km3astro`` 0.17 (UTM coordinates on WGS84).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from astropy import units as u
from astropy.coordinates import ICRS, AltAz, EarthLocation
from astropy.coordinates.erfa_astrom import ErfaAstromInterpolator, erfa_astrom
from astropy.time import Time
from astropy.utils import iers
from astropy.utils.exceptions import AstropyWarning
from erfa import ErfaWarning  # type: ignore[import-untyped]
from numpy.typing import NDArray

from vopub.events.earth import Orientation, icrs_direction
from vopub.events.flat_tracks import direction_of_flight
from vopub.events.times import NANOSECONDS, Times
from vopub.model.data_taking import Site

SITES = MappingProxyType(
    {
        site.name: site
        for site in (
            Site(
                name="ORCA", latitude=42.800839643852264, longitude=6.022280575785778,
                height=-2440.0, convergence=-2.0242,
            ),
            Site(
                name="ARCA", latitude=36.29220052151268, longitude=15.975552397716397,
                height=-3450.0, convergence=0.5775,
            ),
            Site(
                name="ANTARES", latitude=42.79891663112718, longitude=6.165700501914472,
                height=-2500.0, convergence=-1.9265,
            ),
        )
    }
)  # fmt: skip
"""Where the detectors stand."""

STEP = 300 * u.s
"""Between such times the rotation of the Earth's axis is interpolated: 1e-7 arcsec, 60x faster."""

Floats = NDArray[np.float64]
T = TypeVar("T")


def zenith_azimuth(direction: Floats) -> tuple[Floats, Floats]:
    """Return where particles came from, at the detector.

    Parameters
    ----------
    direction
        Where they fly to: vectors of shape (n, 3), of any length but zero.

    Returns
    -------
    zenith
        Degrees from straight above, 0 to 180.
    azimuth
        Degrees counter-clockwise from UTM East, 0 to less than 360.
    """
    x, y, z = -direction.T
    zenith = np.degrees(np.arctan2(np.hypot(x, y), z))
    return zenith, _around(y, x)


def to_icrs(zenith: Floats, azimuth: Floats, time: Times, site: Site) -> tuple[Floats, Floats]:
    """Return right ascension and declination (ICRS) of directions at a detector.

    True azimuth (North through East) = 90 deg - azimuth + convergence; altitude = 90 deg - zenith.
    There is no refraction for neutrinos.

    The Earth's orientation comes from the IERS tables that are installed with astropy, which reach
    a year into the future; nothing is ever downloaded. For times beyond them UT1 - UTC stays at its
    last known value and polar motion is its mean. That costs 0.002 deg in a year or so, and never
    more than 0.008 deg: leap seconds keep UT1 - UTC between -0.9 s and 0.9 s.

    Parameters
    ----------
    zenith, azimuth
        Degrees, as from `zenith_azimuth`.
    time
        Nanoseconds since 1970 (UTC).
    site
        The detector's.

    Returns
    -------
    ra, dec
        Degrees; ``ra`` from 0 to less than 360.
    """
    return sky_position(direction_from_source(zenith, azimuth), time, site)


def direction_from_source(zenith: Floats, azimuth: Floats) -> Floats:
    """Return where particles fly to, as unit vectors (n, 3): the inverse of `zenith_azimuth`.

    Parameters
    ----------
    zenith, azimuth
        Of the source at the detector in degrees, azimuth counter-clockwise from UTM East.
    """
    return -direction_of_flight(np.radians(zenith), np.radians(azimuth))


def sky_position(direction: Floats, time: Times, site: Site) -> tuple[Floats, Floats]:
    """Return right ascension and declination (ICRS) of where particles came from.

    Parameters
    ----------
    direction
        Where they fly to, in the detector's frame: unit vectors of shape (n, 3).
    time, site
        As of `to_icrs`.

    Returns
    -------
    ra, dec
        Degrees; ``ra`` from 0 to less than 360.
    """
    if not len(time):
        return np.empty(0), np.empty(0)
    x, y, up = -np.ascontiguousarray(direction.T)
    turn = np.radians(site.convergence)
    east, north = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    place = f"{site.latitude} {site.longitude} {site.height}"
    orientation = Orientation(time, place, partial(_horizontal_frame, site))
    x, y, z = icrs_direction(-north, east, up, site.latitude, orientation)
    return _around(y, x), np.degrees(np.arctan2(z, np.hypot(x, y)))


def _horizontal_frame(site: Site, orientation: Callable[[AltAz], T], seconds: Floats) -> T:
    """Return what is computed from astropy's frame of a detector at times since 1970."""
    nanoseconds = np.rint(seconds).astype(np.int64) * NANOSECONDS
    with _installed_earth_orientation():
        return orientation(AltAz(**_when_and_where(nanoseconds, site)))


def from_icrs(ra: Floats, dec: Floats, time: Times, site: Site) -> tuple[Floats, Floats]:
    """Return zenith and azimuth at a detector of positions on the sky: the inverse of `to_icrs`.

    Parameters
    ----------
    ra, dec
        Right ascension and declination (ICRS) in degrees.
    time
        Nanoseconds since 1970 (UTC).
    site
        The detector's.

    Returns
    -------
    zenith
        Degrees from straight above, 0 to 180.
    azimuth
        Degrees counter-clockwise from UTM East, 0 to less than 360.
    """
    if not len(time):
        return np.empty(0), np.empty(0)
    with _installed_earth_orientation():
        sky = ICRS(ra=ra * u.deg, dec=dec * u.deg)
        at_detector = sky.transform_to(AltAz(**_when_and_where(time, site)))
    azimuth = 90.0 + site.convergence - at_detector.az.deg
    return np.asarray(90.0 - at_detector.alt.deg), _wrapped(azimuth)


def _when_and_where(time: Times, site: Site) -> dict[str, Any]:
    """Return what fixes the frame of a detector at times."""
    seconds, rest = np.divmod(time, NANOSECONDS)
    return {
        "obstime": Time(seconds.astype(float), rest / NANOSECONDS, format="unix", scale="utc"),
        "location": EarthLocation.from_geodetic(site.longitude, site.latitude, site.height),
    }


def _around(y: Floats, x: Floats) -> Floats:
    """Return the angle from the x axis in degrees, from 0 to less than 360."""
    degrees = np.degrees(np.arctan2(y, x))
    degrees[degrees < 0] += 360.0
    degrees[degrees >= 360.0] = 0.0  # what a tiny negative angle becomes
    return degrees


def _wrapped(degrees: Floats) -> Floats:
    """Return angles from 0 to less than 360, which the remainder of a tiny negative one is not."""
    turned = np.mod(degrees, 360.0)
    return np.where(turned >= 360.0, 0.0, turned)


@contextmanager
def _installed_earth_orientation() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        # Both speak of dates beyond the tables, whose accuracy `to_icrs` documents.
        warnings.simplefilter("ignore", AstropyWarning)
        warnings.simplefilter("ignore", ErfaWarning)
        stack.enter_context(iers.conf.set_temp("auto_download", False))
        stack.enter_context(iers.conf.set_temp("iers_degraded_accuracy", "ignore"))
        stack.enter_context(iers.earth_orientation_table.set(_earth_orientation()))
        stack.enter_context(erfa_astrom.set(ErfaAstromInterpolator(STEP)))
        yield


@cache
def _earth_orientation() -> iers.IERS_A:
    return iers.IERS_A.open(iers.IERS_A_FILE)
