"""Directions on the sky, against tables and files that the collaboration's own software made."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import uproot
from astropy import units as u
from astropy.coordinates import FK5, ICRS, AltAz, EarthLocation, SkyCoord
from astropy.time import Time
from astropy.utils import iers
from hypothesis import given, settings
from hypothesis import strategies as st
from km3net_testdata import data_path
from numpy.typing import NDArray

from vopub.events.coordinates import SITES, from_icrs, to_icrs, zenith_azimuth
from vopub.events.readers import open_reader
from vopub.events.times import track_time

Floats = NDArray[np.float64]

ANGLES = np.array([42.8]), np.array([270.0])
BENCHMARKS = {"ORCA": "ORCA", "ARCA": "ARCA", "ANTARES": "antares"}
OFFLINE = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "urllib.Request"):
        raise SystemExit(f"network: {event} {arguments}")
sys.addaudithook(watch)
import warnings
warnings.simplefilter("error")
import numpy as np
from vopub.events.coordinates import SITES, to_icrs
times = np.array([1104537600, 1614168011, 2208988800, 4102444800]) * 10**9
ra, dec = to_icrs(np.full(4, 120.0), np.full(4, 30.0), times, SITES["ORCA"])
assert np.isfinite(ra).all() and np.isfinite(dec).all()
print("computed")
"""


def separation(ra: Floats, dec: Floats, other_ra: Floats, other_dec: Floats) -> Floats:
    """Return the angle between directions given in degrees."""
    here, there = SkyCoord(ra * u.deg, dec * u.deg), SkyCoord(other_ra * u.deg, other_dec * u.deg)
    return np.asarray(here.separation(there).deg)


def nanoseconds(seconds: Floats) -> NDArray[np.int64]:
    return seconds.astype(np.int64) * 1_000_000_000


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_tables_of_the_collaboration(name: str) -> None:
    path = data_path(f"astro/{BENCHMARKS[name]}_coordinate_systems_benchmark.csv")
    table = pd.read_csv(path, comment="#")
    assert len(table) == 17
    unix = pd.to_datetime(table["date"] + "T" + table["time"] + "Z").map(pd.Timestamp.timestamp)
    theta, phi = np.radians(table["theta"].to_numpy()), np.radians(table["phi"].to_numpy())
    direction = np.stack(
        [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=1
    )
    zenith, azimuth = zenith_azimuth(direction)
    assert np.allclose(zenith, table["zenith"], atol=1e-9)
    assert np.allclose(azimuth, table["azimuth"], atol=1e-9)
    ra, dec = to_icrs(zenith, azimuth, nanoseconds(unix.to_numpy()), SITES[name])
    apart = separation(ra, dec, table["RA-J2000"].to_numpy(), table["DEC-J2000"].to_numpy())
    assert apart.max() < 0.02


def test_table_made_by_aanet_over_25_years() -> None:
    table = pd.read_csv(data_path("astro/local2eq_aanet_2.7.1.csv"))
    table = table[table["j2000"]]
    parts = table[["year", "month", "day", "hour", "min", "sec"]].rename(
        columns={"min": "minute", "sec": "second"}
    )
    unix = pd.to_datetime(parts, utc=True).map(pd.Timestamp.timestamp).to_numpy()
    zenith, azimuth = zenith_azimuth(table[["dx", "dy", "dz"]].to_numpy())
    ra, dec = to_icrs(zenith, azimuth, nanoseconds(unix), SITES["ARCA"])
    theirs = np.degrees(table["eq_ra"].to_numpy()), np.degrees(table["eq_dec"].to_numpy())
    assert len(table) == 240
    assert separation(ra, dec, *theirs).max() < 0.02


class Dst:
    """The reconstructed events of a DST file, and the coordinates that the file itself gives."""

    def __init__(self, path: Path) -> None:
        with open_reader(path) as reader:
            (chunk,) = reader.chunks(10_000)
        found, best = chunk.tracks.best("jmuon")
        self.zenith, self.azimuth = zenith_azimuth(best.direction)
        seconds, rest = chunk.events["t_sec"][found], chunk.events["t_ns"][found]
        self.event_time, _ = track_time(seconds, rest, np.zeros(len(best)))
        self.time, _ = track_time(seconds, rest, best.t)
        with uproot.open(path) as file:
            coords = {name: file["T"][f"coords/{name}"].array(library="np")[found]
                      for name in ("mjd", "trackfit_ra", "trackfit_dec")}  # fmt: skip
        self.mjd = coords["mjd"]
        self.ra, self.dec = np.degrees(coords["trackfit_ra"]), np.degrees(coords["trackfit_dec"])


@pytest.fixture(scope="module", params=["orca6", "orca4"])
def dst(request: pytest.FixtureRequest) -> Dst:
    return Dst(request.getfixturevalue(request.param))


def test_every_event_is_where_its_own_file_says(dst: Dst) -> None:
    ra, dec = to_icrs(dst.zenith, dst.azimuth, dst.time, SITES["ORCA"])
    assert separation(ra, dec, dst.ra, dst.dec).max() < 0.01


def test_the_files_leave_out_the_time_of_the_track(dst: Dst) -> None:
    seconds = (dst.mjd - 40587) * 86400 - dst.event_time / 1e9
    assert np.abs(seconds).max() < 5e-5
    late = (dst.time - dst.event_time) / 1e9
    assert late.min() > 0
    assert late.max() < 0.11  # a frame lasts 0.1 s


def test_the_difference_to_the_files_is_mostly_aberration_and_nutation(dst: Dst) -> None:
    """Without both, with mean sidereal time and precession only, the difference is a third."""
    site = SITES["ORCA"]
    time = Time(dst.event_time / 1e9, format="unix", scale="utc")
    time.delta_ut1_utc = 0.0
    sidereal = time.sidereal_time("mean", longitude=site.longitude * u.deg).rad
    azimuth = np.radians(90 - dst.azimuth + site.convergence)
    altitude, latitude = np.radians(90 - dst.zenith), np.radians(site.latitude)
    north = np.cos(altitude) * np.cos(azimuth)
    up = np.sin(altitude)
    dec = np.arcsin(np.sin(latitude) * up + np.cos(latitude) * north)
    hour_angle = np.arctan2(
        -np.sin(azimuth) * np.cos(altitude), up * np.cos(latitude) - north * np.sin(latitude)
    )
    of_date = FK5(equinox=Time(time.jd.mean(), format="jd"))
    sky = SkyCoord((sidereal - hour_angle) * u.rad, dec * u.rad, frame=of_date)
    mean = sky.transform_to(FK5(equinox="J2000"))
    assert separation(mean.ra.deg, mean.dec.deg, dst.ra, dst.dec).max() < 0.004


def test_the_site_matters(dst: Dst) -> None:
    ra, dec = to_icrs(dst.zenith, dst.azimuth, dst.time, SITES["ARCA"])
    assert np.median(separation(ra, dec, dst.ra, dst.dec)) > 5


def test_coordinates_of_the_date_are_not_icrs(dst: Dst) -> None:
    ra, dec = to_icrs(dst.zenith, dst.azimuth, dst.time, SITES["ORCA"])
    date = Time(dst.time[0] / 1e9, format="unix")
    moved = SkyCoord(dst.ra * u.deg, dst.dec * u.deg, frame=FK5(equinox=date)).icrs
    assert np.median(separation(ra, dec, moved.ra.deg, moved.dec.deg)) > 0.1


@pytest.mark.parametrize(
    ("direction", "zenith", "azimuth"),
    [
        ((0, 0, -1), 0, None),
        ((0, 0, 1), 180, None),
        ((1, 0, 0), 90, 180),
        ((-1, 0, 0), 90, 0),
        ((0, 1, 0), 90, 270),
        ((0, -2, 0), 90, 90),
        ((-1, 1e-20, 0), 90, 0),
    ],
)
def test_where_it_came_from(
    direction: tuple[float, float, float], zenith: float, azimuth: float | None
) -> None:
    ours = zenith_azimuth(np.array([direction], dtype=float))
    assert ours[0][0] == pytest.approx(zenith)
    assert azimuth is None or ours[1][0] == pytest.approx(azimuth)


@settings(deadline=None, max_examples=50)  # the first example loads the IERS tables
@given(
    st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1), st.integers(1_104_537_600, 2**32)
)  # fmt: skip
def test_all_angles_are_in_their_ranges(x: float, y: float, z: float, second: int) -> None:
    zenith, azimuth = zenith_azimuth(np.array([[x, y, z or 1.0]]))
    ra, dec = to_icrs(zenith, azimuth, nanoseconds(np.array([second])), SITES["ARCA"])
    assert 0 <= zenith[0] <= 180
    assert 0 <= azimuth[0] < 360
    assert 0 <= ra[0] < 360
    assert -90 <= dec[0] <= 90


def test_no_event() -> None:
    nothing = np.empty(0)
    ra, dec = to_icrs(nothing, nothing, np.empty(0, np.int64), SITES["ORCA"])
    assert (len(ra), len(dec)) == (0, 0)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_from_the_sky_against_the_tables_of_the_collaboration(name: str) -> None:
    path = data_path(f"astro/{BENCHMARKS[name]}_coordinate_systems_benchmark.csv")
    table = pd.read_csv(path, comment="#")
    unix = pd.to_datetime(table["date"] + "T" + table["time"] + "Z").map(pd.Timestamp.timestamp)
    ra, dec = table["RA-J2000"].to_numpy(), table["DEC-J2000"].to_numpy()
    zenith, azimuth = from_icrs(ra, dec, nanoseconds(unix.to_numpy()), SITES[name])
    assert ((azimuth >= 0) & (azimuth < 360)).all()
    known = table["azimuth"].to_numpy(), 90 - table["zenith"].to_numpy()
    assert separation(azimuth, 90 - zenith, *known).max() < 0.02


@given(
    st.sampled_from(sorted(SITES)),
    st.floats(0, 360, exclude_max=True),
    st.floats(-90, 90),
    st.integers(1104537600, 2208988800),
)
@settings(max_examples=50, deadline=None)
def test_from_the_sky_and_back(site: str, ra: float, dec: float, second: int) -> None:
    time = nanoseconds(np.array([second]))
    zenith, azimuth = from_icrs(np.array([ra]), np.array([dec]), time, SITES[site])
    assert 0 <= zenith[0] <= 180
    assert 0 <= azimuth[0] < 360
    back = to_icrs(zenith, azimuth, time, SITES[site])
    assert separation(*back, np.array([ra]), np.array([dec]))[0] < 1e-7


def test_no_position_gives_no_direction() -> None:
    nothing = np.empty(0)
    zenith, azimuth = from_icrs(nothing, nothing, nanoseconds(nothing), SITES["ORCA"])
    assert (len(zenith), len(azimuth)) == (0, 0)


def test_nothing_is_downloaded_and_no_date_warns(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], capture_output=True, text=True, env=environment,
        check=False, timeout=120,
    )  # fmt: skip
    assert (done.stdout.strip(), done.stderr) == ("computed", "")


@pytest.mark.parametrize("offset", [-0.9, 0.9])
def test_beyond_the_tables_the_error_is_as_small_as_documented(offset: float) -> None:
    """Compare with UT1 - UTC at its largest, which `to_icrs` cannot know there."""
    site, second = SITES["ORCA"], 4102444800
    ra, dec = to_icrs(*ANGLES, nanoseconds(np.array([second])), site)
    frame = AltAz(
        az=(90 - ANGLES[1] + site.convergence) * u.deg,
        alt=(90 - ANGLES[0]) * u.deg,
        obstime=late(second, offset),
        location=EarthLocation.from_geodetic(site.longitude, site.latitude, site.height),
    )
    with warnings.catch_warnings(), iers.conf.set_temp("auto_download", False):
        warnings.simplefilter("ignore")
        known = frame.transform_to(ICRS())
    apart = separation(ra, dec, known.ra.deg, known.dec.deg)
    assert 0.001 < apart[0] < 0.008


def late(second: int, offset: float) -> Time:
    """Return a time at which UT1 is known to be later than UTC."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        time = Time([second], format="unix", scale="utc")
        time.delta_ut1_utc = offset
    return time


def test_astropy_is_left_as_it_was() -> None:
    before = iers.conf.auto_download, iers.conf.iers_degraded_accuracy
    to_icrs(np.array([10.0]), np.array([10.0]), nanoseconds(np.array([1.6e9])), SITES["ORCA"])
    assert (iers.conf.auto_download, iers.conf.iers_degraded_accuracy) == before
