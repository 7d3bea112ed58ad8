"""Times of events, without losing nanoseconds to floating-point numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

NANOSECONDS = 1_000_000_000
"""Nanoseconds in a second."""
DAY = 86_400 * NANOSECONDS
"""A day without leap second in nanoseconds."""
MJD_OF_1970 = 40_587
JD_OF_1970 = 2_440_587.5
FIRST_TIME = int(datetime(2005, 1, 1, tzinfo=UTC).timestamp()) * NANOSECONDS
"""No neutrino telescope of the collaboration took data before."""
LONGEST_OFFSET = 1e15
"""Track times beyond this many ns (12 days) are garbage, and might not fit 64-bit integers."""

LATEST_SECOND = 1 << 33
"""Seconds beyond (the year 2242) are garbage too."""

MOST_DAYS = 50_000
"""Dates farther from 1970 (137 years) are garbage too."""

Times = NDArray[np.int64]


def track_time(
    t_sec: NDArray[np.integer[Any]], t_ns: NDArray[np.integer[Any]], t: NDArray[np.float64]
) -> tuple[Times, NDArray[np.bool_]]:
    """Return when the reconstructed particle was there.

    Parameters
    ----------
    t_sec, t_ns
        Time of the event: seconds since 1970 (UTC, leap seconds not counted) and nanoseconds.
    t
        Time of the track after that of the event in ns.

    Returns
    -------
    time
        Nanoseconds since 1970; that of the event where ``t`` is not a number.
    known
        Where ``t`` is a number that can be.
    """
    known = np.abs(t) < LONGEST_OFFSET
    offset = np.rint(np.where(known, t, 0.0)).astype(np.int64)
    seconds = np.clip(t_sec.astype(np.int64), -LATEST_SECOND, LATEST_SECOND)
    return seconds * NANOSECONDS + t_ns.astype(np.int64) + offset, known


def modified_julian_date(time: Times) -> NDArray[np.float64]:
    """Return nanoseconds since 1970 as Modified Julian Date (UTC), good to 0.4 µs.

    Days and the rest of the day are added last, so that only the result is rounded: a 64-bit
    number of that size has steps of 0.6 µs.
    """
    days, rest = np.divmod(time, DAY)
    return (MJD_OF_1970 + days) + rest / DAY


def from_datetime(when: datetime) -> int:
    """Return a date, exact to microseconds, as nanoseconds since 1970."""
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def from_modified_julian_date(mjd: NDArray[np.float64]) -> tuple[Times, NDArray[np.bool_]]:
    """Return Modified Julian Dates (UTC) as nanoseconds since 1970, and where they are dates.

    They are as exact as the date, a 64-bit number with steps of 0.6 µs. What is no number, or
    beyond `MOST_DAYS`, is 0.
    """
    return _nanoseconds(mjd - MJD_OF_1970, np.zeros(len(mjd)))


def from_julian_date(
    jd1: NDArray[np.float64], jd2: NDArray[np.float64]
) -> tuple[Times, NDArray[np.bool_]]:
    """Return Julian Dates (UTC) in two parts, as astropy keeps them, as nanoseconds since 1970.

    They are exact to the nanosecond. The second array tells where they are dates, as above.
    """
    return _nanoseconds(jd1 - JD_OF_1970, jd2)


def _nanoseconds(
    days: NDArray[np.float64], more: NDArray[np.float64]
) -> tuple[Times, NDArray[np.bool_]]:
    known = (np.abs(days) < MOST_DAYS) & (np.abs(more) < MOST_DAYS)
    days, more = np.where(known, days, 0.0), np.where(known, more, 0.0)
    whole = np.floor(days)
    # Whole days apart from their parts: together, a 64-bit number has no room for nanoseconds.
    rest = np.rint((days - whole + more) * DAY)
    return whole.astype(np.int64) * DAY + rest.astype(np.int64), known


def to_datetime(time: int) -> datetime:
    """Return nanoseconds since 1970 as a date with microseconds."""
    seconds, rest = divmod(time, NANOSECONDS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
