"""What the registry is told of the sky, of time and of energy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from astropy.time import Time
from mocpy import MOC, TimeMOC

from vopub.model.data_taking import DataTaking, Run
from vopub.model.resource import Coverage, TimeSpan
from vopub.vo.coverage import coverage_block, good_times, sky_moc, time_moc

DAY = datetime(2021, 2, 24, tzinfo=UTC)


def hours(start: float, stop: float) -> TimeSpan:
    return TimeSpan(start=DAY + timedelta(hours=start), stop=DAY + timedelta(hours=stop))


def taken(*spans: TimeSpan | None) -> DataTaking:
    runs = [
        Run(detector_id=49, run=number, source="list")
        if span is None
        else Run(detector_id=49, run=number, start=span.start, stop=span.stop, source="list")
        for number, span in enumerate(spans)
    ]
    return DataTaking(detector="ORCA", runs=tuple(runs), reconstruction="jmuon")


def test_runs_without_a_gap_are_one_interval() -> None:
    runs = taken(hours(6, 12), hours(0, 6), hours(13, 14), hours(13.2, 13.5))
    assert good_times(runs, Coverage()) == (hours(0, 12), hours(13, 14))


def test_events_stand_for_runs_that_do_not_tell() -> None:
    events = Coverage(temporal=hours(1, 2))
    assert good_times(taken(hours(0, 6), None), events) == (hours(1, 2),)
    assert good_times(taken(), events) == (hours(1, 2),)
    assert good_times(taken(), Coverage()) == ()


def test_times_are_written_as_the_registry_and_as_mocs_count_them(samples: ModuleType) -> None:
    runs = taken(hours(0, 6), hours(7, 8))
    first, second = coverage_block(Coverage(), runs)["temporal"]
    assert float(first.split()[0]) == pytest.approx(Time(DAY).tt.mjd, abs=1e-8)
    assert float(second.split()[1]) == pytest.approx(Time(hours(7, 8).stop).tt.mjd, abs=1e-8)
    moc = TimeMOC.from_str(time_moc(good_times(runs, Coverage())))
    asked = [DAY + timedelta(hours=h) for h in (-0.1, 0.1, 5.9, 6.5, 7.5, 8.1)]
    assert list(moc.contains(Time(asked))) == [False, True, True, False, True, False]
    assert time_moc(()) == ""


@pytest.mark.parametrize("band", [(-90.0, 47.7), (-21.0, 31.0), (-47.7, 90.0)])
def test_sky_is_the_band_of_declinations_and_little_more(band: tuple[float, float]) -> None:
    moc = MOC.from_string(sky_moc(Coverage(declination=band, spatial="3/1")), format="ascii")
    dec = [-89.0, *range(-80, 90, 10), 89.0]
    for ra in (0.0, 123.0, 359.9):
        inside = moc.contains_lonlat(Longitude([ra] * len(dec) * u.deg), Latitude(dec * u.deg))
        assert list(inside) == [band[0] <= d <= band[1] for d in dec]
    assert len(moc.to_string("ascii")) < 3000


def test_sky_is_that_of_the_events_if_nothing_else_is_known() -> None:
    assert sky_moc(Coverage(spatial="3/1-5\n 17")) == "3/1-5 17"
    assert sky_moc(Coverage(declination=(-90.0, 90.0))) == "0/0-11"
    assert sky_moc(Coverage()) == ""


def test_energy_is_written_in_joule() -> None:
    block = coverage_block(Coverage(energy=(1.0, 1e4)), taken())
    assert block["spectral"] == "1.602176634e-10 1.602176634e-06"
