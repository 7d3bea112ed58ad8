"""A map of the sky with the directions of events."""

from __future__ import annotations

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
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "vopub",  # the same table gives the same bytes
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.parse_math": False,
}


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
    return _drawn(title, len(longitude), lambda axes: _draw_points(axes, longitude, latitude))


class SkyMap:
    """Gathers directions in bounded memory and draws them: many of them as a density.

    The map does not depend on the pieces in which the directions came.
    """

    def __init__(self) -> None:
        self._pieces: list[tuple[NDArray[Any], NDArray[Any]]] = []
        self._number = 0
        self._density = np.zeros((round(360 / CELL), round(180 / CELL)), dtype=np.int64)

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
        if self._number > MOST_POINTS:
            return _drawn(title, self._number, lambda axes: _draw_density(axes, self._density))
        pieces = self._pieces or [(np.empty(0), np.empty(0))]
        longitude, latitude = (np.concatenate(part) for part in zip(*pieces, strict=True))
        return _drawn(title, self._number, lambda axes: _draw_points(axes, longitude, latitude))


def _drawn(title: str, number: int, draw: Callable[[Axes], None]) -> bytes:
    """Draw the grid of the sky, the events on it, and a title that tells their number."""
    # Imported here: matplotlib takes longer to load than the whole service to start.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with rc_context(STYLE):
        figure = Figure(figsize=(9, 5.2), facecolor="white", layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot(projection="mollweide")
        _draw_grid(axes)
        draw(axes)
        axes.set_title(f"{title}\n{_counted(number)}", pad=14)
        stream = BytesIO()
        figure.savefig(stream, format="svg", dpi=200, metadata={"Date": None, "Title": title})
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
    axes.set_facecolor("#f3f8fb")
    axes.grid(color="#9fb6c4", linewidth=0.5)
    axes.tick_params(axis="x", colors="#33505f", labelsize=7)
    axes.tick_params(axis="y", colors="#33505f", labelsize=8)
    # These labels lie among the points.
    for label in axes.get_xticklabels():
        label.set_path_effects([withStroke(linewidth=2.5, foreground="#f3f8fb")])


def _draw_points(axes: Axes, longitude: NDArray[Any], latitude: NDArray[Any]) -> None:
    number = max(len(longitude), 1)
    # Fainter and smaller the more there are, so that crowded parts of the sky still show.
    opacity = float(np.clip(30.0 / np.sqrt(number), 0.05, 0.75))
    area = float(np.clip(400.0 / np.sqrt(number), 1.5, 18.0))
    axes.scatter(
        longitude, latitude, s=area, alpha=opacity, color="#0b5d7a", linewidths=0,
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


def _signed(degrees: float) -> str:
    text = f"{degrees:+.0f}°" if degrees else "0°"
    return text.replace("-", "\N{MINUS SIGN}")


def _counted(number: int) -> str:
    return "1 event" if number == 1 else f"{number:,} events".replace(",", "\N{THIN SPACE}")
