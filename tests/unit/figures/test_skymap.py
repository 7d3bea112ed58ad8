from __future__ import annotations

import numpy as np
import pytest
from lxml import etree
from numpy.typing import NDArray

from vopub.figures import skymap
from vopub.figures.skymap import SkyMap, _counted_in_cells, _projected, draw_skymap

SVG = "{http://www.w3.org/2000/svg}"


def directions(number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(7)
    return random.uniform(0, 360, number), np.degrees(np.arcsin(random.uniform(-1, 1, number)))


def markers(svg: bytes) -> int:
    root = etree.fromstring(svg)
    return len(root.findall(f".//{SVG}g[@id='PathCollection_1']//{SVG}use"))


def test_the_map_is_an_svg_with_one_marker_per_event() -> None:
    svg = draw_skymap(*directions(226), title="Events")
    assert etree.fromstring(svg).tag == f"{SVG}svg"
    assert markers(svg) == 226


def test_the_same_table_gives_the_same_bytes() -> None:
    one, other = (draw_skymap(*directions(50), title="Events") for _ in range(2))
    assert one == other
    assert b"<dc:date>" not in one


def test_right_ascension_grows_to_the_left_and_declination_upwards() -> None:
    ra, dec = np.array([170.0, 180.0, 190.0]), np.array([-10.0, 0.0, 10.0])
    longitude, latitude = _projected(ra, dec)
    assert longitude == pytest.approx(np.radians([10, 0, -10]))
    assert latitude == pytest.approx(np.radians([-10, 0, 10]))


def test_every_right_ascension_is_on_the_map() -> None:
    ra = np.array([0.0, 359.999, 360.0, 720.0, -1.0])
    longitude, _ = _projected(ra, np.zeros(5))
    assert (np.abs(longitude) <= np.pi).all()


def test_directions_that_are_not_numbers_are_left_out() -> None:
    svg = draw_skymap([10, np.nan, 30], [0, 5, np.inf], title="Events")
    assert markers(svg) == 1


def test_a_table_without_events_has_a_map() -> None:
    assert markers(draw_skymap([], [], title="Nothing")) == 0


def test_many_events_do_not_make_a_huge_file() -> None:
    svg = draw_skymap(*directions(50_000), title="Events")
    assert len(svg) < 1_500_000
    assert etree.fromstring(svg).findall(f".//{SVG}image")


def test_titles_are_text_not_markup_or_formulas() -> None:
    title = "$x^2$ <b>&amp; Ντετέκτορ $unbalanced \\frac{"
    root = etree.fromstring(draw_skymap(*directions(3), title=title))
    assert root.findtext(".//{http://purl.org/dc/elements/1.1/}title") == title


def gathered(number: int, pieces: int) -> SkyMap:
    sky = SkyMap()
    for ra, dec in zip(*(np.array_split(part, pieces) for part in directions(number)), strict=True):
        sky.add(ra, dec)
    return sky


def test_gathered_directions_give_the_same_map() -> None:
    assert gathered(226, 5).draw(title="Events") == draw_skymap(*directions(226), title="Events")
    assert markers(SkyMap().draw(title="Nothing")) == 0


def test_very_many_events_are_a_density_in_bounded_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(skymap, "MOST_POINTS", 1000)
    svg = gathered(3000, 7).draw(title="Events")
    assert svg == gathered(3000, 2).draw(title="Events")
    assert gathered(3000, 7)._pieces == []
    assert len(svg) < 1_500_000
    assert etree.fromstring(svg).findall(f".//{SVG}image")


def test_every_direction_is_in_the_cell_where_it_is_drawn() -> None:
    ra, dec = np.array([180.0, 0.0, 359.9, 90.0]), np.array([0.1, 90.0, -90.0, 45.2])
    counts = _counted_in_cells(*_projected(ra, dec))
    assert counts.sum() == 4
    found = {(int(column), int(row)) for column, row in np.argwhere(counts)}
    assert found == {(360, 180), (719, 359), (0, 0), (540, 270)}
    many = _counted_in_cells(*_projected(*directions(100_000)))
    assert many.sum() == 100_000
