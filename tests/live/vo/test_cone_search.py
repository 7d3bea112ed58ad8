"""The cone search at the ends of its parameters, against arithmetic that knows nothing of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import pytest
import pyvo
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import votable
from astropy.table import Table

from vopub.model.dataset import EventDataset
from vopub.model.server import DachsServer
from vopub.vo.prove import cone_url, tap_url

pytestmark = pytest.mark.live

IDENTIFIER = "evts30_05"
ODD = {
    "ra": [0.0, 359.9999999, 1e-7, 0.0, 123.4, 180.0, 359.5, 0.5, 270.0],
    "dec": [0.0, 0.0, 0.0, 90.0, -90.0, 89.9, -0.3, 0.3, -89.99],
}
"""Positions where formulas that are not careful go wrong."""
CONES = [
    (0.0, 0.0, 180.0), (77.0, -33.0, 180.0), (181.3, 7.0, 90.0), (0.0, 90.0, 179.5),
    (0.0, 0.0, 1.0), (360.0, 0.0, 1.0), (359.999, 0.01, 30.0), (0.0, 90.0, 5.0),
    (222.0, 90.0, 5.0), (13.0, -90.0, 25.0), (123.4, -89.995, 0.1), (10.0, 20.0, 1e-6),
]  # fmt: skip


@pytest.fixture(scope="module")
def product(
    make_loader: Callable[[Path], Any], samples: ModuleType, tmp_path_factory: Any
) -> Table:
    """Publish a table that has such positions; give its CSV as astropy reads it."""
    columns = samples.columns(samples.ROWS)
    for name, values in ODD.items():
        columns[name][: len(values)] = values
    table = samples.table(ra=columns["ra"], dec=columns["dec"])
    loader = make_loader(tmp_path_factory.mktemp("cone"))
    loader(EventDataset(samples.metadata(identifier=IDENTIFIER), table))
    return Table.read(loader.directory / f"{IDENTIFIER}.csv", format="ascii.csv")


def ask(server: DachsServer, **question: Any) -> bytes:
    return httpx.get(cone_url(server, IDENTIFIER), params=question, timeout=60).content


def answer(server: DachsServer, **question: Any) -> tuple[set[str], str]:
    """Return the events that were found, and what the answer says of itself."""
    found = votable.parse(io.BytesIO(ask(server, **question)))
    said = [info.value for r in found.resources for info in r.infos if info.name == "QUERY_STATUS"]
    return set(found.get_first_table().to_table()["event_id"]), said[-1]


def within(product: Table, ra: float, dec: float, radius: float) -> Any:
    """Tell of each event whether it is in a cone, where no rounding decides."""
    events = SkyCoord(product["ra"], product["dec"], unit="deg")
    separation = events.separation(SkyCoord(ra * u.deg, dec * u.deg)).deg
    assert np.min(np.abs(separation - radius)) > 1e-9 or radius == 180
    return separation <= radius


@pytest.mark.parametrize("cone", CONES, ids=str)
def test_cone_holds_what_is_near(
    server: DachsServer, product: Table, cone: tuple[float, float, float]
) -> None:
    ra, dec, radius = cone
    expected = set(product["event_id"][within(product, *cone)])
    assert answer(server, RA=ra, DEC=dec, SR=radius) == (expected, "OK")


def test_radius_of_zero_gives_the_columns(server: DachsServer, product: Table) -> None:
    found = votable.parse(io.BytesIO(ask(server, RA=10, DEC=20, SR=0, VERB=3)))
    table = found.get_first_table().to_table()
    assert len(table) == 0
    assert set(product.colnames) <= set(table.colnames)


def test_time_window_and_energy_range_narrow_it_down(server: DachsServer, product: Table) -> None:
    middle, energy = float(np.median(product["mjd"])), np.ma.filled(product["energy"], np.nan)
    for cone in [(0.0, 0.0, 180.0), (10.0, 20.0, 60.0)]:
        near = within(product, *cone)
        for window in [(middle, middle + 0.002), (middle, np.inf), (-np.inf, middle)]:
            for span in [(10.0, 1000.0), (500.0, np.inf), None]:
                question = {"RA": cone[0], "DEC": cone[1], "SR": cone[2], "mjd": interval(window)}
                wanted = near & (product["mjd"] >= window[0]) & (product["mjd"] <= window[1])
                if span is not None:
                    question["energy"] = interval(span)
                    with np.errstate(invalid="ignore"):
                        wanted = wanted & (energy >= span[0]) & (energy <= span[1])
                assert wanted.any()
                expected = set(product["event_id"][wanted])
                assert answer(server, **question) == (expected, "OK"), question
    # What comes from a table is a bound that is still in it.
    exactly = float(product["mjd"][7])
    found, _ = answer(server, RA=0, DEC=0, SR=180, mjd=interval((exactly, exactly)))
    assert found == {product["event_id"][7]}


def interval(bounds: tuple[float, float]) -> str:
    """Write an interval as DALI 1.1 has it."""
    return " ".join(repr(bound).replace("inf", "Inf") for bound in bounds)


def test_overflow_is_said_exactly_when_rows_are_left_out(
    server: DachsServer, product: Table
) -> None:
    everything = len(product)
    near = int(within(product, 0.0, 0.0, 60.0).sum())
    for radius, there in [(180.0, everything), (60.0, near)]:
        for most in (1, there - 1, there, there + 1):
            found, said = answer(server, RA=0, DEC=0, SR=radius, MAXREC=most)
            assert len(found) == min(most, there)
            assert said == ("OVERFLOW" if most < there else "OK"), most
    assert b'value="OVERFLOW"' not in ask(server, RA=0, DEC=0, SR=180, MAXREC=0)


def test_every_format_holds_the_same_rows(server: DachsServer, product: Table) -> None:
    question = {"RA": 0, "DEC": 0, "SR": 60, "VERB": 3}
    expected = product[within(product, 0.0, 0.0, 60.0)]
    readers: dict[str, dict[str, Any]] = {
        "votable": {"format": "votable"},
        "votabletd": {"format": "votable"},
        "application/x-votable+xml;serialization=binary2": {"format": "votable"},
        "csv": {"format": "ascii.csv"},
        "fits": {"format": "fits"},
    }
    for form, reader in readers.items():
        found = Table.read(io.BytesIO(ask(server, **question, RESPONSEFORMAT=form)), **reader)
        if form == "fits":
            found.convert_bytestring_to_unicode()
        row_of = {str(name).strip(): row for row, name in enumerate(found["event_id"])}
        assert set(row_of) == set(expected["event_id"]), form
        order = [row_of[name] for name in expected["event_id"]]
        for name in product.colnames[1:]:
            values = np.ma.filled(np.ma.asarray(found[name][order]).astype(float), np.nan)
            known = np.ma.filled(np.ma.asarray(expected[name]).astype(float), np.nan)
            assert np.allclose(values, known, rtol=1e-12, equal_nan=True), (form, name)


def test_list_of_positions_in_one_request(server: DachsServer, product: Table) -> None:
    random = np.random.default_rng(5)
    count = 40
    positions = Table(
        {
            "name": [f"source {n}" for n in range(count)],
            "ra": np.append(random.uniform(0, 360, count - 4), [0.0, 360.0, 45.0, 200.0]),
            "dec": np.append(random.uniform(-90, 90, count - 4), [0.0, 0.0, 90.0, -90.0]),
            "radius": random.uniform(0.5, 20, count),
        }
    )
    query = f"""
        SELECT p.name, e.event_id,
          DISTANCE(POINT(e.ra, e.dec), POINT(p.ra, p.dec)) AS separation
        FROM tap_upload.positions AS p
        JOIN {IDENTIFIER}.events AS e
        ON 1 = CONTAINS(POINT(e.ra, e.dec), CIRCLE(p.ra, p.dec, p.radius))
    """
    service = pyvo.dal.TAPService(tap_url(server))
    found = service.search(query, uploads={"positions": positions}).to_table()
    pairs = {(str(row["name"]), str(row["event_id"])) for row in found}
    expected = {
        (str(row["name"]), str(event))
        for row in positions
        for event in product["event_id"][within(product, row["ra"], row["dec"], row["radius"])]
    }
    assert len(expected) > count
    assert pairs == expected
    assert len(found) == len(expected)
    by_name = {name: row for row, name in enumerate(positions["name"])}
    at = positions[[by_name[name] for name in found["name"]]]
    of_event = {name: row for row, name in enumerate(product["event_id"])}
    events = product[[of_event[name] for name in found["event_id"]]]
    separation = SkyCoord(at["ra"], at["dec"], unit="deg").separation(
        SkyCoord(events["ra"], events["dec"], unit="deg")
    )
    assert np.allclose(found["separation"], separation.deg, atol=1e-9)
