"""The chart of the cut flow, file by file: which share of its events each step left."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vopub.model.cut_flow import steps_of
from vopub.model.event_table import FileAccount

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize

WIDTH = 44
"""Characters in a line of a label."""
MOST_LINEAR = 50
"""If files have steps that leave less than one in so many events, colours are logarithmic."""
NOTHING = "#ffffff"
UNREAD = "#e8e8e8"
"""Colour of files without events."""


def shares_left(files: Sequence[FileAccount]) -> tuple[list[str], NDArray[np.float64]]:
    """Return which share of the events of each file is left after each step.

    Returns
    -------
    names
        Of the steps.
    shares
        Array of shape (steps, files), from 0 to 1; NaN where a file has no event.
    """
    flows = [steps_of(file.account) for file in files]
    names = list(dict.fromkeys(step.name for steps in flows for step in steps))
    shares = np.full((len(names), len(files)), np.nan)
    for column, (file, steps) in enumerate(zip(files, flows, strict=True)):
        left = {step.name: step.left for step in steps}
        going = file.account.read
        for row, name in enumerate(names):
            going = left.get(name, going)  # a step that a file does not know left nothing out
            shares[row, column] = going / file.account.read if file.account.read else np.nan
    return names, shares


def draw_files(axes: Axes, bar: Axes, files: Sequence[FileAccount], colour: str) -> None:
    """Draw a row for each step and a column for each file, the darker the more events are left.

    Parameters
    ----------
    axes
        Where to draw.
    bar
        Where to draw what the colours mean.
    files
        At least one.
    colour
        Where all events are left.
    """
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415

    names, shares = shares_left(files)
    ramp = LinearSegmentedColormap.from_list("left", [NOTHING, colour])
    colours = ramp.with_extremes(bad=UNREAD)
    image = axes.imshow(
        shares,
        aspect="auto",
        cmap=colours,
        norm=_scale(shares),
        interpolation="none",
        extent=(0.5, len(files) + 0.5, len(names) - 0.5, -0.5),
    )
    axes.set_yticks(range(len(names)), ["\n".join(textwrap.wrap(n, WIDTH)) for n in names])
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    axes.set_xlabel("file, in the order of the inputs")
    axes.tick_params(axis="y", length=0)
    shown = axes.figure.colorbar(image, cax=bar, format=FuncFormatter(_percent))
    shown.minorticks_off()
    bar.set_title("left", fontsize="medium")


def _percent(share: float, _: object) -> str:
    return f"{100 * share:.6g} %"


def _scale(shares: NDArray[np.float64]) -> Normalize:
    """Return how shares become colours; what is 0 has the colour of nothing on both scales."""
    from matplotlib.colors import LogNorm, Normalize  # noqa: PLC0415

    some = shares[shares > 0]
    least = float(some.min()) if len(some) else 1.0
    if least * MOST_LINEAR < 1:
        # A little below the least, so that it shows; zeros are clipped to there.
        return LogNorm(least / 2, 1, clip=True)
    return Normalize(0, 1)
