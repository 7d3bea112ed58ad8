"""Directions on the sky, interpolated between times, against astropy event by event."""

from __future__ import annotations

import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import ICRS, AltAz, EarthLocation, SkyCoord, get_sun
from astropy.time import Time
from astropy.utils import iers

from vopub.events.coordinates import SITES, to_icrs
from vopub.model.data_taking import Site

MILLIARCSECOND = 1 / 3_600_000
LEAP = 1_483_228_800
"""The moment after the leap second at the end of 2016, in seconds since 1970."""


def exactly(az: u.Quantity, alt: u.Quantity, time: Time, site: Site) -> SkyCoord:
    """Transform each direction on its own; the tables are those installed with astropy."""
    place = EarthLocation.from_geodetic(site.longitude, site.latitude, site.height)
    table = iers.IERS_A.open(iers.IERS_A_FILE)
    with iers.conf.set_temp("auto_download", False), iers.earth_orientation_table.set(table):
        frame = AltAz(az=az, alt=alt, obstime=time, location=place)
        return SkyCoord(frame.transform_to(ICRS()))


def compare(seconds: np.ndarray, alt: np.ndarray, az: np.ndarray, site: Site) -> float:
    """Return the largest separation in milliarcseconds."""
    azimuth = (90 - az + site.convergence) % 360
    ours = to_icrs(90 - alt, azimuth, seconds.astype(np.int64) * 10**9, site)
    time = Time(seconds.astype(float), format="unix")
    theirs = exactly(az * u.deg, alt * u.deg, time, site)
    apart = SkyCoord(*ours, unit="deg").separation(SkyCoord(theirs.ra, theirs.dec)).deg
    return float(apart.max() / MILLIARCSECOND)


@pytest.mark.parametrize("name", SITES)
def test_everywhere_within_a_milliarcsecond(name: str) -> None:
    random = np.random.default_rng(7)
    seconds = random.integers(1_173_000_000, 1_760_000_000, 300)
    alt = np.degrees(np.arcsin(random.uniform(-1, 1, 300)))
    assert compare(seconds, alt, random.uniform(0, 360, 300), SITES[name]) < 0.5


def test_around_a_leap_second() -> None:
    seconds = np.arange(LEAP - 1200, LEAP + 1200, 7)
    alt, az = np.full(len(seconds), -30.0), np.full(len(seconds), 200.0)
    assert compare(seconds, alt, az, SITES["ANTARES"]) < 0.5


def test_beside_the_sun() -> None:
    site, seconds = SITES["ORCA"], np.arange(1_600_000_000, 1_600_086_400, 600)
    place = EarthLocation.from_geodetic(site.longitude, site.latitude, site.height)
    time = Time(seconds.astype(float), format="unix")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the Sun is not at infinity, which does not matter here
        sun = get_sun(time).transform_to(AltAz(obstime=time, location=place))
    away = np.geomspace(0.1, 5, len(seconds))
    assert compare(seconds, sun.alt.deg + away, sun.az.deg, site) < 0.5


def test_the_order_of_events_and_their_number_make_no_difference() -> None:
    random = np.random.default_rng(8)
    time = random.integers(1_614_168_000, 1_614_190_000, 50) * 10**9 + 123
    zenith, azimuth = random.uniform(0, 180, 50), random.uniform(0, 360, 50)
    together = np.array(to_icrs(zenith, azimuth, time, SITES["ORCA"]))
    for k in range(50):
        alone = to_icrs(zenith[[k]], azimuth[[k]], time[[k]], SITES["ORCA"])
        assert np.array_equal(np.ravel(alone), together[:, k])
