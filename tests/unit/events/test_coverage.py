from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from hypothesis import given
from hypothesis import strategies as st
from mocpy import MOC

from vopub.events.coordinates import SITES, to_icrs
from vopub.events.coverage import MARGIN, ORDER, CoverageBuilder, _declination, declinations
from vopub.events.selection import parse_selection
from vopub.model.catalogue import parameter
from vopub.model.data_taking import DataTaking
from vopub.model.event_table import EventTable, empty
from vopub.model.resource import Coverage

PARAMETERS = tuple(map(parameter, ("ra", "dec", "energy")))
TAKEN = DataTaking(
    detector="ORCA",
    runs=(),
    first_event=datetime(2021, 2, 24, 12, tzinfo=UTC),
    last_event=datetime(2021, 2, 24, 13, tzinfo=UTC),
    reconstruction="jmuon",
)


def coverage(*chunks: EventTable) -> Coverage:
    builder = CoverageBuilder()
    for chunk in chunks:
        builder.add(chunk)
    return builder.result(TAKEN)


directions = st.lists(
    st.tuples(st.floats(0, 360), st.floats(-90, 90), st.floats(0, 1e6)), min_size=1, max_size=40
)


@given(directions, st.integers(1, 40))
def test_every_event_lies_in_the_coverage_however_it_is_cut_up(
    rows: list[tuple[float, float, float]], size: int
) -> None:
    ra, dec, energy = np.array(rows, dtype=float).T
    table = EventTable(PARAMETERS, {"ra": ra, "dec": dec, "energy": energy})
    found = coverage(*table.chunks(size))
    moc = MOC.from_string(found.spatial)
    assert moc.max_order <= ORDER
    assert moc.contains_lonlat(Longitude(ra * u.deg), Latitude(dec * u.deg)).all()
    assert found.energy == (energy.min(), energy.max())
    assert found.temporal is not None
    assert found.temporal.start == TAKEN.first_event


def test_values_that_are_not_available_do_not_count() -> None:
    values = {"ra": np.array([1.0, 2.0]), "dec": np.zeros(2), "energy": np.array([np.nan, 5.0])}
    assert coverage(EventTable(PARAMETERS, values)).energy == (5.0, 5.0)


def test_nothing_covers_nothing() -> None:
    found = coverage(empty(PARAMETERS))
    assert (found.spatial, found.energy) == ("", None)


ALL = np.linspace(0, 180, 37)


def seen(site: str, *cuts: str) -> tuple[float, float] | None:
    return declinations(SITES[site], [parse_selection(cut) for cut in cuts])


def test_declinations_of_directions_are_those_of_the_sky() -> None:
    zenith, azimuth = (grid.ravel() for grid in np.meshgrid(ALL, np.arange(0, 360, 7.0)))
    times = np.linspace(1.57e18, 1.65e18, len(zenith)).astype(np.int64)
    for site in SITES.values():
        _, dec = to_icrs(zenith, azimuth, times, site)
        assert np.max(np.abs(_declination(zenith, azimuth, site) - dec)) < MARGIN / 2


@pytest.mark.parametrize(
    ("site", "cuts", "expected"),
    [
        ("ORCA", (), (-90, 90)),
        ("ORCA", ("zenith > 90 deg",), (-90, 90 - 42.8)),
        ("ARCA", ("zenith > 90 deg",), (-90, 90 - 36.29)),
        ("ORCA", ("zenith < 90 deg",), (42.8 - 90, 90)),
        ("ORCA", ("zenith <= 10 deg", "likelihood > 50"), (32.8, 52.8)),
        ("ORCA", ("zenith > 90 deg and energy > 1 TeV",), (-90, 90 - 42.8)),
        ("ORCA", ("zenith > 90 deg or energy > 1 TeV",), (-90, 90)),
        ("ORCA", ("not zenith <= 90 deg", "n_hits > 5"), (-90, 90 - 42.8)),
        ("ORCA", ("dec > -20 deg", "zenith > 90 deg"), (-20, 90 - 42.8)),
        ("ORCA", ('event_id != "km3.1.2.3.4" and zenith > 90 deg',), (-90, 90)),
    ],
)
def test_declinations_follow_from_latitude_and_selection(
    site: str, cuts: tuple[str, ...], expected: tuple[float, float]
) -> None:
    found = seen(site, *cuts)
    assert found is not None
    assert found[0] <= expected[0]
    assert found[1] >= expected[1]
    assert found == pytest.approx(expected, abs=1.1 * MARGIN)


def test_nothing_is_seen_of_no_direction() -> None:
    assert seen("ORCA", "zenith > 90 deg", "zenith < 80 deg") is None


def test_coverage_tells_the_declinations() -> None:
    assert CoverageBuilder((-90.0, 47.0)).result(TAKEN).declination == (-90.0, 47.0)
