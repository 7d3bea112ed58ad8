"""Times, against astropy with two-part Julian dates."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from vopub.events.times import (
    DAY,
    FIRST_TIME,
    from_julian_date,
    from_modified_julian_date,
    modified_julian_date,
    to_datetime,
    track_time,
)

SECONDS = st.integers(1_104_537_600, 2**31 - 1)
NANOSECONDS = st.integers(0, 999_999_999)


@given(SECONDS, NANOSECONDS, st.integers(-(10**9), 10**9))
def test_no_nanosecond_is_lost(second: int, rest: int, offset: int) -> None:
    time, known = track_time(
        np.array([second], np.int32), np.array([rest], np.int32), np.array([float(offset)])
    )
    assert known.all()
    assert int(time[0]) == second * 10**9 + rest + offset


def test_fractions_of_a_nanosecond_are_rounded() -> None:
    time, _ = track_time(np.array([1]), np.array([2]), np.array([3.6]))
    assert time.tolist() == [1_000_000_006]


def test_what_is_no_time() -> None:
    offsets = np.array([np.nan, np.inf, -np.inf, 1e300, 1e15, 5.0])
    time, known = track_time(np.full(6, 7), np.zeros(6, int), offsets)
    assert known.tolist() == [False] * 5 + [True]
    assert time.tolist() == [7_000_000_000] * 5 + [7_000_000_005]


def test_seconds_that_do_not_fit_do_not_wrap() -> None:
    time, _ = track_time(np.array([2**62, -(2**62)]), np.zeros(2, int), np.zeros(2))
    assert time[0] > FIRST_TIME * 4
    assert time[1] < 0


@given(SECONDS, NANOSECONDS)
def test_mjd_is_better_than_a_microsecond(second: int, rest: int) -> None:
    ours = modified_julian_date(np.array([second * 10**9 + rest]))[0]
    exact = Time(float(second), rest * 1e-9, format="unix", scale="utc")
    days = (exact.jd1 - 2_400_000.5 - np.floor(ours)) + (exact.jd2 - (ours - np.floor(ours)))
    assert abs(days) * 86400e6 < 0.5


def test_mjd_of_known_days() -> None:
    days = [datetime(2021, 2, 24, 12, tzinfo=UTC), datetime(2016, 12, 31, tzinfo=UTC)]
    times = np.array([int(day.timestamp()) * 10**9 for day in days])
    assert modified_julian_date(times).tolist() == [59269.5, 57753.0]


def test_as_datetime() -> None:
    assert to_datetime(1_614_168_011_400_123_999) == datetime(
        2021, 2, 24, 12, 0, 11, 400_123, tzinfo=UTC
    )
    assert to_datetime(FIRST_TIME) == datetime(2005, 1, 1, tzinfo=UTC)


@given(st.integers(-40_000 * DAY, 40_000 * DAY))
def test_julian_dates_in_two_parts_are_exact(time: int) -> None:
    """The first part is a day at noon or midnight, the second at most half a day, as in astropy."""
    halves = round(time / (DAY // 2))
    rest = time - halves * (DAY // 2)
    jd1, jd2 = np.array([2440587.5 + halves / 2]), np.array([rest / DAY])
    found, known = from_julian_date(jd1, jd2)
    assert known.all()
    assert found[0] == time


def test_dates_that_are_none() -> None:
    none = np.array([np.nan, np.inf, -np.inf, 1e300])
    for time, known in (
        from_modified_julian_date(none),
        from_julian_date(none, np.zeros(4)),
        from_julian_date(np.full(4, 2457000.5), none),
    ):
        assert not known.any()
        assert time.dtype == np.int64
