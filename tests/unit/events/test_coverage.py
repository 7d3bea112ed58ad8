from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from hypothesis import given
from hypothesis import strategies as st
from mocpy import MOC

from vopub.events.coverage import ORDER, CoverageBuilder
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
