"""Histograms of columns, gathered in bounded memory from a table that passes in pieces."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vopub.figures.skymap import STYLE

MOST_CELLS = 4096
"""More cells than this are joined in pairs."""
FINEST = -20
"""Cells begin with a width of two to this power."""
MOST_BARS = 60


class Histogram:
    """Counts values in cells whose width is a power of two, as wide as their range makes it.

    Cells begin at multiples of their width, so the outcome does not depend on the pieces in which
    the values came.
    """

    def __init__(self) -> None:
        self._power = FINEST
        self._first = 0
        self._counts = np.zeros(0, dtype=np.int64)

    @property
    def number(self) -> int:
        """How many values were counted."""
        return int(self._counts.sum())

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many values are in each cell, of shape (n,)."""
        return self._counts

    @property
    def edges(self) -> NDArray[np.float64]:
        """Where the cells begin and end, of shape (n + 1,)."""
        cells = self._first + np.arange(len(self._counts) + 1, dtype=np.float64)
        return cells * np.float64(2.0**self._power)

    def add(self, values: ArrayLike) -> None:
        """Take in values of shape (n,); what is not finite is left out."""
        given = np.asarray(values, dtype=np.float64)
        given = given[np.isfinite(given)]
        if not len(given):
            return
        while self._cells(given) > MOST_CELLS:
            self._join()
        cells = np.floor(given / 2.0**self._power).astype(np.int64)
        self._reach(int(cells.min()), int(cells.max()))
        self._counts += np.bincount(cells - self._first, minlength=len(self._counts))

    def bars(self, most: int = MOST_BARS) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return edges and counts of at most so many bars, by joining cells."""
        coarse = Histogram()
        coarse._power, coarse._first, coarse._counts = self._power, self._first, self._counts
        while len(coarse._counts) > most:
            coarse._join()
        return coarse.edges, coarse.counts

    def _cells(self, given: NDArray[np.float64]) -> float:
        """Return how many cells of the present width the values would need, old and new."""
        width = 2.0**self._power
        low, high = given.min() / width, given.max() / width
        if len(self._counts):
            low, high = min(low, self._first), max(high, self._first + len(self._counts) - 1)
        return float(np.floor(high) - np.floor(low) + 1)

    def _join(self) -> None:
        """Make cells twice as wide."""
        self._power += 1
        if not len(self._counts):
            return
        before, after = self._first % 2, (self._first + len(self._counts)) % 2
        padded = np.pad(self._counts, (before, after))
        self._first = (self._first - before) // 2
        self._counts = padded.reshape(-1, 2).sum(axis=1)

    def _reach(self, low: int, high: int) -> None:
        """Let there be cells from one to another."""
        if not len(self._counts):
            self._first, self._counts = low, np.zeros(high - low + 1, dtype=np.int64)
            return
        before = max(0, self._first - low)
        after = max(0, high - (self._first + len(self._counts) - 1))
        self._counts = np.pad(self._counts, (before, after))
        self._first -= before


def draw_histogram(histogram: Histogram, *, title: str, label: str, decades: bool = False) -> bytes:
    """Draw a histogram as an SVG document; equal input gives equal bytes.

    Parameters
    ----------
    histogram
        What was counted.
    title
        Text above the picture.
    label
        What the values are, with their unit.
    decades
        Whether the values are powers of ten of what is shown.
    """
    # Imported here: matplotlib takes longer to load than the whole service to start.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    edges, counts = histogram.bars()
    with rc_context(STYLE):
        figure = Figure(figsize=(9, 4.2), facecolor="white", layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        places = 10.0**edges if decades else edges
        axes.stairs(counts, places, fill=True, color="#0b5d7a")
        if decades:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        _dress(axes, title, label, histogram.number)
        stream = BytesIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Title": title or label})
    return stream.getvalue()


def _dress(axes: Any, title: str, label: str, number: int) -> None:
    counted = f"{number:,} values".replace(",", "\N{THIN SPACE}")
    axes.set_title("\n".join(filter(None, (title, counted))), pad=10)
    axes.set_xlabel(label)
    axes.set_ylabel("events")
    axes.set_ylim(bottom=0)
    axes.set_facecolor("#f3f8fb")
    axes.grid(color="#9fb6c4", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.ticklabel_format(axis="y", useOffset=False)
    if axes.get_xscale() == "linear":
        axes.ticklabel_format(axis="x", useOffset=False, style="plain")
