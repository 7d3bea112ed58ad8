"""Maps of coverages and of positions, looked at by astropy's own projection and angles."""

from __future__ import annotations

import io
from base64 import b64decode

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from lxml import etree
from PIL import Image

from vopub.figures.skymap import (
    Circle,
    SkyMap,
    circle_around,
    draw_coverage,
    draw_position,
    draw_skymap,
)

from .projected import LINK, SVG, marks, places

NEAR = 0.25
"""In points, of a map that is 600 of them wide: 0.15 degrees, as exact as matplotlib projects."""


def test_events_stand_where_astropy_projects_them() -> None:
    random = np.random.default_rng(5)
    ra, dec = random.uniform(0, 360, 200), random.uniform(-89, 89, 200)
    svg = draw_skymap(ra, dec, title="Events")
    assert np.abs(marks(svg) - places(svg, ra, dec)).max() < NEAR


def test_the_map_of_pieces_keeps_what_was_taken_in() -> None:
    sky = SkyMap()
    sky.add([180.0, np.nan], [0.0, 5.0])
    sky.add([90.0], [45.0])
    assert sky.number == 2
    longitude, latitude = np.degrees(sky.directions)
    assert longitude.tolist() == [0, 90]
    assert latitude.tolist() == [0, 45]


def test_a_covered_part_stands_where_astropy_projects_it() -> None:
    centre = SkyCoord(60 * u.deg, 30 * u.deg)

    def covers(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
        assert np.all((ra > 0) & (ra < 360) & (np.abs(dec) < 90))
        near: np.ndarray = centre.separation(SkyCoord(ra * u.deg, dec * u.deg)).deg < 15
        return near

    svg = draw_coverage(covers, title="Survey", about="1.7 % of the sky")
    (image,) = etree.fromstring(svg).findall(f".//{SVG}image")
    picture = Image.open(io.BytesIO(b64decode(image.get(LINK, "").partition(",")[2])))
    rows, columns = np.nonzero(np.asarray(picture)[:, :, 3] > 60)
    dots = 72 / 200  # points of a pixel
    found_x = float(image.get("x", "nan")) + columns * dots
    # Its transformation, scale(1 -1) translate(0 ...), turns it upside down.
    shift = float(image.get("transform", "").partition("translate(0 ")[2].rstrip(")"))
    found_y = -(float(image.get("y", "nan")) + rows * dots + shift)
    edge = centre.directional_offset_by(np.arange(0, 360, 5) * u.deg, 15 * u.deg)
    expected = places(svg, edge.ra.deg, edge.dec.deg)
    assert found_x.min() == pytest.approx(expected[:, 0].min(), abs=2)
    assert found_x.max() == pytest.approx(expected[:, 0].max(), abs=2)
    assert found_y.min() == pytest.approx(expected[:, 1].min(), abs=2)
    assert found_y.max() == pytest.approx(expected[:, 1].max(), abs=2)


def test_a_tiny_part_is_still_seen_where_it_is() -> None:
    def covers(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
        found: np.ndarray = (np.abs(ra - 100.25) < 0.1) & (np.abs(dec + 40.25) < 0.1)
        return found

    svg = draw_coverage(covers, title="", about="little")
    assert marks(svg).shape == (1, 2)
    assert np.abs(marks(svg) - places(svg, 100.25, -40.25)).max() < NEAR


@pytest.mark.parametrize(
    ("ra", "dec", "radius"), [(94.3, -7.8, 2.2), (359.0, 89.5, 3.0), (10.0, -60.0, 120.0)]
)
def test_a_circle_is_everywhere_as_far_as_its_radius(ra: float, dec: float, radius: float) -> None:
    points = SkyCoord(*circle_around(ra, dec, radius), unit="deg")
    apart = SkyCoord(ra * u.deg, dec * u.deg).separation(points).deg
    assert np.abs(apart - radius).max() < 1e-9
    east = SkyCoord(ra * u.deg, dec * u.deg).directional_offset_by(90 * u.deg, radius * u.deg)
    assert points[90].separation(east).deg < 1e-9


def lines_of(svg: bytes) -> list[str]:
    """Return the paths of the circles."""
    paths = etree.fromstring(svg).iterfind(f".//{SVG}path[@clip-path]")
    return [path.get("d", "") for path in paths if "#0b5d7a" in path.get("style", "")]


def crosses(svg: bytes) -> np.ndarray:
    uses = etree.fromstring(svg).findall(f".//{SVG}use")
    marked = [use for use in uses if "#b3401f" in use.get("style", "")]
    return np.array([[float(use.get(axis, "nan")) for axis in "xy"] for use in marked])


def test_a_circle_over_the_edge_of_the_map_is_two_lines() -> None:
    circle = [Circle("error radius 30°", 30.0)]
    (across,) = lines_of(draw_position(2.0, 0.0, circle, title="", about="here"))
    (inside,) = lines_of(draw_position(180.0, 0.0, circle, title="", about="here"))
    assert (across.count("M"), inside.count("M")) == (3, 1)  # the circle begins in the middle


def test_a_position_is_marked_and_small_circles_are_shown_from_close_by() -> None:
    circles = [Circle("90 %", 2.2), Circle("50 %", 1.2)]
    svg = draw_position(94.3, -7.8, circles, title="Alert", about="here")
    assert b"<title>Alert</title>" in svg
    there = crosses(svg)
    assert len(there) == 2
    assert np.abs(there[0] - places(svg, 94.3, -7.8)[0]).max() < NEAR
    far = draw_position(94.3, -7.8, [Circle("90 %", 40.0)], title="", about="here")
    assert len(crosses(far)) == 1
