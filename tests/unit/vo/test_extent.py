from __future__ import annotations

from datetime import UTC, datetime, timedelta

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time
from mocpy import TimeMOC

from vopub.model.observation import FieldOfView
from vopub.model.resource import Coverage
from vopub.vo.extent import (
    CORNERS,
    LONGEST_INTERVALS,
    Circle,
    circle_of,
    electronvolts,
    time_intervals,
    wavelengths,
)

START = datetime(2021, 2, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_what_the_publisher_says_goes_before_the_coverage() -> None:
    field = FieldOfView(ra=10, dec=-30, diameter=40)
    assert circle_of(field, Coverage(spatial="1/0-47")) == Circle(10, -30, 20)


@pytest.mark.parametrize(
    ("declination", "expected"),
    [
        ((-90.0, 47.2), Circle(0, -90, 137.2)),
        ((-20.0, 90.0), Circle(0, 90, 110)),
        ((-80.0, 30.0), Circle(0, -90, 120)),
        ((-90.0, 90.0), Circle(0, -90, 180)),
    ],
)
def test_declinations_are_a_circle_around_the_nearer_pole(
    declination: tuple[float, float], expected: Circle
) -> None:
    circle = circle_of(None, Coverage(spatial="3/1", declination=declination))
    assert circle == expected
    assert circle.diameter == 2 * expected.radius


def test_circle_of_a_band_of_declinations_is_around_the_pole() -> None:
    south = "0/8-11"  # the four base cells that reach to the pole; their tips are at -0 degrees
    circle = circle_of(None, Coverage(spatial=south))
    assert circle is not None
    assert circle.dec == pytest.approx(-90, abs=0.01)
    assert circle.radius == pytest.approx(90, abs=0.01)


def test_whole_sky_and_nothing() -> None:
    whole = circle_of(None, Coverage(spatial="0/0-11"))
    assert whole is not None
    assert whole.diameter == 360.0
    assert whole.polygon() is None
    assert circle_of(None, Coverage()) is None


def test_polygon_lies_on_the_circle() -> None:
    circle = Circle(350.0, -60.0, 40.0)
    text = circle.polygon()
    assert text is not None
    points = [p.split(",") for p in text.strip("{()}").replace("d", "").split("),(")]
    corners = SkyCoord(np.array(points, dtype=float) * u.deg)
    assert len(corners) == CORNERS
    centre = SkyCoord(350 * u.deg, -60 * u.deg)
    np.testing.assert_allclose(corners.separation(centre).deg, 40.0, atol=1e-5)


def test_intervals_are_a_tmoc_that_holds_the_runs_and_not_the_gap() -> None:
    text = time_intervals([(START, START + HOUR), (START + 3 * HOUR, START + 4 * HOUR)])
    assert text is not None
    moc = TimeMOC.from_string(text)
    inside = Time([START + HOUR / 2, START + 3.5 * HOUR]).tcb
    outside = Time([START - HOUR, START + 2 * HOUR, START + 5 * HOUR]).tcb
    assert moc.contains(inside).all()
    assert not moc.contains(outside).any()
    assert moc.total_duration.to_value("s") == pytest.approx(7200, abs=5)


def test_many_intervals_are_coarser_but_cover_all() -> None:
    starts = [START + number * 7 * HOUR + number * timedelta(seconds=37) for number in range(3000)]
    text = time_intervals([(start, start + HOUR) for start in starts])
    assert text is not None
    assert len(text) <= LONGEST_INTERVALS
    moc = TimeMOC.from_string(text)
    assert moc.contains(Time([start + HOUR / 2 for start in starts]).tcb).all()


def test_no_intervals() -> None:
    assert time_intervals([]) is None


def test_energies_in_electronvolt_and_as_wavelengths() -> None:
    assert electronvolts((1.0, 100.0)) == (1e9, 1e11)
    shortest, longest = wavelengths((1.0, 100.0))
    expected = (1 * u.GeV).to_value(u.m, equivalencies=u.spectral())
    assert longest == pytest.approx(expected, rel=1e-9)
    assert shortest == pytest.approx(expected / 100, rel=1e-9)
    assert electronvolts(None) == wavelengths(None) == (None, None)
    assert wavelengths((0.0, 10.0)) == (None, None)
