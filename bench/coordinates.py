"""Sky coordinates against KM3NeT's benchmark tables, times against astropy's two-part time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time
from km3net_testdata import data_path

from bench.report import Figure
from vopub.events.coordinates import SITES, to_icrs
from vopub.events.times import modified_julian_date

TABLES = {"ORCA": "ORCA", "ARCA": "ARCA", "ANTARES": "antares"}
EVENTS = 100_000


def measure() -> list[Figure]:
    figures = [
        Figure(f"sky position, {name}", _separation(name, table), "deg", 0.02)
        for name, table in TABLES.items()
    ]
    return [*figures, Figure("time of an event as mjd", _time_error(), "us", 1.0)]


def _separation(name: str, table: str) -> float:
    """Return the largest angle in degrees between our positions and the table's."""
    rows = pd.read_csv(data_path(f"astro/{table}_coordinate_systems_benchmark.csv"), comment="#")
    moments = Time([f"{day}T{hour}" for day, hour in zip(rows["date"], rows["time"], strict=True)])
    time = np.rint(moments.unix).astype(np.int64) * 1_000_000_000
    ra, dec = to_icrs(rows["zenith"].to_numpy(), rows["azimuth"].to_numpy(), time, SITES[name])
    ours = SkyCoord(ra * u.deg, dec * u.deg)
    theirs = SkyCoord(rows["RA-J2000"].to_numpy() * u.deg, rows["DEC-J2000"].to_numpy() * u.deg)
    return float(ours.separation(theirs).max().deg)


def _time_error() -> float:
    """Return the largest error of an MJD column in microseconds."""
    nanoseconds = np.random.default_rng(1).integers(1_104_537_600, 1_800_000_000, EVENTS)
    nanoseconds = nanoseconds * 1_000_000_000 + np.arange(EVENTS) * 9_973 % 1_000_000_000
    seconds, rest = np.divmod(nanoseconds, 1_000_000_000)
    exact = Time(seconds.astype(float), rest / 1e9, format="unix", scale="utc")
    column = modified_julian_date(nanoseconds)
    error = (column - 40_587.0 - (exact.jd1 - 2_440_587.5)) - exact.jd2
    return float(np.abs(error).max() * 86_400e6)
