"""Charts: curves, steps and areas of colour, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LogNorm, Normalize
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "vopub",  # the same file gives the same bytes
    "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 9,
    "axes.grid": True, "grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip
DECADES = 2.5
"""Values over more powers of ten than this get a logarithmic axis."""


class UndrawableError(Exception):
    """Nothing that can be drawn; the text says why, for the reader of a page."""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve through points, or steps between edges (one more than values)."""

    label: str
    x: Floats
    y: Floats


@dataclass(frozen=True, slots=True)
class Lines:
    """Curves or steps over one axis."""

    x: str
    y: str
    lines: Sequence[Line]
    dates: bool = False
    """Whether the axis is of time, in days since 1970 (UTC)."""

    def draw(self, axes: Axes, _figure: Figure) -> None:
        """Draw all of them, with a legend if they are several."""
        for line in self.lines:
            if len(line.x) == len(line.y) + 1:
                axes.stairs(line.y, line.x, label=plain(line.label), linewidth=1.5)
            else:
                mark = "o" if len(line.x) < 3 else ""
                axes.plot(line.x, line.y, label=plain(line.label), linewidth=1.5, marker=mark)
        if self.dates:
            ticks = AutoDateLocator()  # type: ignore[no-untyped-call]
            axes.xaxis.set_major_locator(ticks)
            form = ConciseDateFormatter(ticks)  # type: ignore[no-untyped-call]
            axes.xaxis.set_major_formatter(form)
        elif spread(np.concatenate([line.x for line in self.lines])):
            axes.set_xscale("log")
        if not self.dates and spread(np.concatenate([line.y for line in self.lines])):
            axes.set_yscale("log")
        axes.set(xlabel=plain(self.x), ylabel=plain(self.y))
        if len(self.lines) > 1:
            axes.legend(frameon=False)


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of coloured cells."""

    x: Floats
    """Edges, one more than columns."""
    y: Floats
    values: Floats
    """Of shape (rows, columns)."""


@dataclass(frozen=True, slots=True)
class Areas:
    """Values in colours over two axes."""

    x: str
    y: str
    value: str
    areas: Sequence[Area]

    def draw(self, axes: Axes, figure: Figure) -> None:
        """Draw all of them in the same colours, with a bar that says what they mean."""
        values = np.concatenate([area.values.ravel() for area in self.areas])
        there = values[np.isfinite(values)]
        if not there.size:
            raise UndrawableError("all values are not numbers")
        logarithmic = spread(there)
        norm = (LogNorm if logarithmic else Normalize)(there.min(), there.max())
        for area in self.areas:
            mesh = axes.pcolormesh(area.x, area.y, area.values, norm=norm, rasterized=True)
        if all(spread(area.x) for area in self.areas):
            axes.set_xscale("log")
        if all(spread(area.y) for area in self.areas):
            axes.set_yscale("log")
        axes.grid(visible=False)
        axes.set(xlabel=plain(self.x), ylabel=plain(self.y))
        figure.colorbar(mesh, ax=axes, label=plain(self.value))


Chart = Lines | Areas


def plain(text: str) -> str:
    """Return a text of a record so that matplotlib takes no part of it for a formula."""
    return text.replace("$", r"\$")


def spread(values: Floats) -> bool:
    """Tell whether values are all positive and lie over several powers of ten."""
    there = values[np.isfinite(values)]
    if not there.size or there.min() <= 0:
        return False
    return bool(np.log10(there.max()) - np.log10(there.min()) > DECADES)


def svg_of(chart: Chart) -> bytes:
    """Draw a chart.

    Returns
    -------
    bytes
        An SVG document; equal charts give equal bytes.

    Raises
    ------
    UndrawableError
        If there is no number in it.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(8, 4.4), facecolor="white", layout="constrained")
        FigureCanvasSVG(figure)
        chart.draw(figure.add_subplot(), figure)
        stream = BytesIO()
        figure.savefig(stream, format="svg", dpi=150, metadata={"Date": None})
    return stream.getvalue()
