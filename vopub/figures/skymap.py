"""Maps of the sky: the directions of events, what part is covered, where an alert points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

CENTRE = 180.0
"""Right ascension in the middle of the map, in degrees."""
MOST_VECTOR_POINTS = 5000
"""More points than this are drawn as an image inside the SVG, which stays small."""
MOST_POINTS = 50_000
"""More events than this are counted in cells of the sky."""
CELL = 0.5
"""Size of these cells in degrees of right ascension and declination."""
WIDEST_CLOSE = 20.0
"""Largest radius in degrees that is shown from close by, too."""
BEARINGS = 361
"""Points of a circle."""
FEWEST_CELLS = 100
"""Fewer cells that are covered are drawn larger than they are, so that they are seen."""
INK, MARK, GRID, BACKGROUND = "#0b5d7a", "#b3401f", "#9fb6c4", "#f3f8fb"
CIRCLES = ("-", "--", "-.", ":")
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "vopub",  # the same table gives the same bytes
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.parse_math": False,
}


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle around a position."""

    label: str
    """What its radius is."""
    radius: float
    """In degrees."""


def draw_skymap(ra: ArrayLike, dec: ArrayLike, *, title: str) -> bytes:
    """Draw directions on the whole sky: Mollweide projection, right ascension to the left.

    Parameters
    ----------
    ra, dec
        ICRS coordinates in degrees, both of shape (n,); NaN are left out.
    title
        Text above the map.

    Returns
    -------
    bytes
        An SVG document; equal input gives equal bytes.
    """
    longitude, latitude = _projected(np.asarray(ra, float), np.asarray(dec, float))
    return _drawn(
        title, _counted(len(longitude)), lambda axes: _draw_points(axes, longitude, latitude)
    )


def draw_coverage(
    covers: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]], *, title: str, about: str
) -> bytes:
    """Draw what part of the sky is covered.

    Parameters
    ----------
    covers
        Tells of right ascensions and declinations (ICRS, degrees, both of shape (n, m)) whether
        they are covered. It is asked for the middles of cells of `CELL` degrees.
    title, about
        Text above the map: what it is of, and how much is covered.

    Returns
    -------
    bytes
        An SVG document; equal input gives equal bytes.
    """
    columns, rows = round(360 / CELL), round(180 / CELL)
    # The map's longitude grows to the left; see `_projected`.
    ra = CENTRE + 180.0 - CELL * (np.arange(columns) + 0.5)
    dec = -90.0 + CELL * (np.arange(rows) + 0.5)
    covered = covers(*np.meshgrid(ra, dec, indexing="ij"))
    return _drawn(title, about, lambda axes: _draw_area(axes, covered))


def draw_position(
    ra: float, dec: float, circles: Sequence[Circle], *, title: str, about: str
) -> bytes:
    """Draw a position with circles around it, and from close by if they are small.

    Parameters
    ----------
    ra, dec
        ICRS coordinates in degrees.
    circles
        As they are written beside the map, at most as many as there are kinds of lines.
    title, about
        Text above the map.

    Returns
    -------
    bytes
        An SVG document; equal input gives equal bytes.
    """
    widest = max((circle.radius for circle in circles), default=0.0)
    near = 0.0 < widest <= WIDEST_CLOSE

    def draw(axes: Axes) -> None:
        _draw_position(axes, ra, dec, circles)
        if near:
            _draw_close(axes.figure.add_subplot(1, 3, 3), ra, dec, circles, widest)

    return _drawn(title, about, draw, (1, 3, (1, 2)) if near else (1, 1, 1))


def circle_around(ra: float, dec: float, radius: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return right ascensions and declinations of a circle on the sphere, in degrees.

    Source: the rules of sine and cosine of spherical triangles, for the triangle of pole, centre
    and point; R. M. Green, Spherical Astronomy (1985), section 1.3.
    """
    bearing = np.linspace(0.0, 2 * np.pi, BEARINGS)
    centre, far = np.radians(dec), np.radians(radius)
    height = np.sin(centre) * np.cos(far) + np.cos(centre) * np.sin(far) * np.cos(bearing)
    across = np.sin(bearing) * np.sin(far) * np.cos(centre)
    along = np.cos(far) - np.sin(centre) * height
    latitude = np.arcsin(np.clip(height, -1.0, 1.0))
    return (ra + np.degrees(np.arctan2(across, along))) % 360.0, np.degrees(latitude)


class SkyMap:
    """Gathers directions in bounded memory and draws them: many of them as a density.

    The map does not depend on the pieces in which the directions came.
    """

    def __init__(self) -> None:
        self._pieces: list[tuple[NDArray[Any], NDArray[Any]]] = []
        self._number = 0
        self._density = np.zeros((round(360 / CELL), round(180 / CELL)), dtype=np.int64)

    @property
    def number(self) -> int:
        """How many directions were taken in."""
        return self._number

    @property
    def directions(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Longitudes and latitudes on the map in radians, none if they are too many to be kept."""
        pieces = self._pieces or [(np.empty(0), np.empty(0))]
        longitude, latitude = (np.concatenate(part) for part in zip(*pieces, strict=True))
        return longitude, latitude

    def add(self, ra: ArrayLike, dec: ArrayLike) -> None:
        """Take in directions: ICRS coordinates in degrees, both of shape (n,)."""
        piece = _projected(np.asarray(ra, float), np.asarray(dec, float))
        self._number += len(piece[0])
        self._density += _counted_in_cells(*piece)
        if self._number <= MOST_POINTS:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    def draw(self, *, title: str) -> bytes:
        """Return the map as an SVG document; see `draw_skymap`."""
        about = _counted(self._number)
        if self._number > MOST_POINTS:
            return _drawn(title, about, lambda axes: _draw_density(axes, self._density))
        longitude, latitude = self.directions
        return _drawn(title, about, lambda axes: _draw_points(axes, longitude, latitude))


def _drawn(
    title: str, about: str, draw: Callable[[Axes], None], place: tuple[Any, ...] = (1, 1, 1)
) -> bytes:
    """Draw the grid of the sky, what is on it, and text above it."""
    # Imported here: matplotlib takes longer to load than the whole service to start.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with rc_context(STYLE):
        figure = Figure(figsize=(9, 5.2), facecolor="white", layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot(*place, projection="mollweide")
        _draw_grid(axes)
        draw(axes)
        axes.set_title("\n".join(filter(None, (title, about))), pad=14)
        stream = BytesIO()
        told = {"Date": None, "Title": title or about}
        figure.savefig(stream, format="svg", dpi=200, metadata=told)
    return stream.getvalue()


def _counted_in_cells(longitude: NDArray[Any], latitude: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many directions are in each cell of longitude and latitude."""
    columns, rows = round(360 / CELL), round(180 / CELL)
    column = np.clip((np.degrees(longitude) + 180) / CELL, 0, columns - 1).astype(np.int64)
    row = np.clip((np.degrees(latitude) + 90) / CELL, 0, rows - 1).astype(np.int64)
    counts = np.bincount(column * rows + row, minlength=columns * rows)
    return counts.reshape(columns, rows)


def _projected(ra: NDArray[Any], dec: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return longitude (growing to the left) and latitude in radians, without what is not finite.

    The map spans longitudes from -pi to pi around its centre.
    """
    there = np.isfinite(ra) & np.isfinite(dec)
    from_centre = (ra[there] - CENTRE + 180.0) % 360.0 - 180.0
    return np.radians(-from_centre), np.radians(dec[there])


def _draw_grid(axes: Axes) -> None:
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    hours = np.arange(30.0, 360.0, 30.0)
    axes.set_xticks(np.radians(CENTRE - hours), [f"{ra:.0f}°" for ra in hours])
    degrees = np.arange(-75.0, 90.0, 15.0)
    axes.set_yticks(np.radians(degrees), [_signed(dec) for dec in degrees])
    axes.set_xlabel("right ascension (ICRS)")
    axes.set_ylabel("declination (ICRS)")
    axes.set_facecolor(BACKGROUND)
    axes.grid(color=GRID, linewidth=0.5)
    axes.tick_params(axis="x", colors="#33505f", labelsize=7)
    axes.tick_params(axis="y", colors="#33505f", labelsize=8)
    # These labels lie among the points.
    for label in axes.get_xticklabels():
        label.set_path_effects([withStroke(linewidth=2.5, foreground=BACKGROUND)])


def _draw_points(axes: Axes, longitude: NDArray[Any], latitude: NDArray[Any]) -> None:
    number = max(len(longitude), 1)
    # Fainter and smaller the more there are, so that crowded parts of the sky still show.
    opacity = float(np.clip(30.0 / np.sqrt(number), 0.05, 0.75))
    area = float(np.clip(400.0 / np.sqrt(number), 1.5, 18.0))
    axes.scatter(
        longitude, latitude, s=area, alpha=opacity, color=INK, linewidths=0,
        rasterized=number > MOST_VECTOR_POINTS,
    )  # fmt: skip


def _draw_density(axes: Axes, counts: NDArray[np.int64]) -> None:
    from matplotlib.colors import LogNorm  # noqa: PLC0415

    longitude, latitude = (
        np.radians(np.linspace(-end, end, cells + 1))
        for end, cells in zip((180, 90), counts.shape, strict=True)
    )
    mesh = axes.pcolormesh(
        longitude, latitude, np.ma.masked_equal(counts.T, 0), cmap="viridis_r",
        norm=LogNorm(1, max(2, int(counts.max()))), rasterized=True,
    )  # fmt: skip
    label = f"events per {CELL:g}° of right ascension and declination"
    axes.figure.colorbar(mesh, ax=axes, label=label, shrink=0.7)


def _draw_area(axes: Axes, covered: NDArray[Any]) -> None:
    from matplotlib.colors import ListedColormap  # noqa: PLC0415

    longitude, latitude = (
        np.radians(np.linspace(-end, end, cells + 1))
        for end, cells in zip((180, 90), covered.shape, strict=True)
    )
    axes.pcolormesh(
        longitude, latitude, np.ma.masked_equal(covered.T.astype(int), 0), alpha=0.55,
        cmap=ListedColormap([INK]), linewidth=0, rasterized=True,
    )  # fmt: skip
    if covered.sum() < FEWEST_CELLS:
        column, row = np.nonzero(covered)
        middles = [(edges[1:] + edges[:-1]) / 2 for edges in (longitude, latitude)]
        axes.scatter(middles[0][column], middles[1][row], s=16, color=INK, linewidths=0)


def _draw_position(axes: Axes, ra: float, dec: float, circles: Sequence[Circle]) -> None:
    for circle, line in zip(circles, CIRCLES, strict=False):
        longitude, latitude = _projected(*circle_around(ra, dec, circle.radius))
        # Nothing is drawn from one edge of the map to the other.
        leaps = np.flatnonzero(np.abs(np.diff(longitude)) > np.pi) + 1
        axes.plot(
            np.insert(longitude, leaps, np.nan), np.insert(latitude, leaps, np.nan),
            color=INK, linewidth=1.2, linestyle=line, label=circle.label,
        )  # fmt: skip
    longitude, latitude = _projected(np.array([ra]), np.array([dec]))
    axes.plot(
        longitude, latitude, marker="+", markersize=13, markeredgewidth=1.8, color=MARK,
        clip_on=False,
    )  # fmt: skip
    if circles:
        axes.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, frameon=False, fontsize=8
        )


def _draw_close(
    axes: Axes, ra: float, dec: float, circles: Sequence[Circle], widest: float
) -> None:
    """Draw the circles as seen from close by: angles east and north of the position."""
    bearing = np.linspace(0.0, 2 * np.pi, BEARINGS)
    for circle, line in zip(circles, CIRCLES, strict=False):
        radius = circle.radius
        axes.plot(
            radius * np.sin(bearing), radius * np.cos(bearing), color=INK, linewidth=1.2,
            linestyle=line,
        )  # fmt: skip
    axes.plot(0, 0, marker="+", markersize=13, markeredgewidth=1.8, color=MARK)
    side = 1.15 * widest
    axes.set(xlim=(side, -side), ylim=(-side, side), aspect="equal")
    axes.set_title("from close by", fontsize=9)
    axes.set_xlabel(f"degrees east of {ra:.2f}°")
    axes.set_ylabel(f"degrees north of {_signed(dec, 2)}")
    axes.set_facecolor(BACKGROUND)
    axes.grid(color=GRID, linewidth=0.5)
    axes.tick_params(labelsize=7)


def _signed(degrees: float, digits: int = 0) -> str:
    text = f"{degrees:+.{digits}f}°" if degrees else "0°"
    return text.replace("-", "\N{MINUS SIGN}")


def _counted(number: int) -> str:
    return "1 event" if number == 1 else f"{number:,} events".replace(",", "\N{THIN SPACE}")
