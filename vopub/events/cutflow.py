"""A chart of the cut flow: what entered each step, and what was left after it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from vopub.events.cutflow_files import WIDTH, draw_files
from vopub.model.cut_flow import Step, StepKind, steps_of
from vopub.model.event_table import EventAccount, FileAccount

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "vopub",  # the same account gives the same bytes
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.parse_math": False,
}
LEFT = "#0b5d7a"
"""Colour of what goes on."""
OUT: Mapping[StepKind, str] = {
    StepKind.RECONSTRUCTION: "#dcc68c",
    StepKind.MALFORMED: "#d9705c",
    StepKind.CUT: "#c9d8e0",
    StepKind.REPEATED: "#b9b9b9",
}
"""Colours of what a step leaves out, by its kind."""
MOST_LINEAR = 50
"""If more than this times the events kept were read, the axis is logarithmic."""
LOGARITHM_FROM = 0.5
"""Where it then begins: a single event still shows."""
BARS_FROM, BARS_TO = 0.36, 0.76
"""Where the bars are, in widths of the chart; on their left are the names of the steps."""
LEFT_AT, OUT_AT = 0.87, 0.98
"""Where the numbers on their right end."""
HEAD = -0.7
"""Where the heads of these columns are, in numbers of bars."""
LINE, BOTTOM = 0.17, 0.5
"""Height of a line of text, and of what is below the bars, in inches."""
GAP, ROW = 0.4, 0.22
"""Above the part that shows every file, and height of a step in it, in inches."""
COLOURS_AT, COLOURS_WIDTH = 0.80, 0.02
"""Where it tells what its colours mean."""
MOST_LINES = 3
"""Lines that the expression of a cut may take; the rest is in the metadata."""


def draw_cut_flow(
    account: EventAccount,
    *,
    title: str,
    simulated: bool,
    expressions: Mapping[str, str],
    files: Sequence[FileAccount] = (),
) -> bytes:
    """Draw how many events entered each step and how many it left, from top to bottom.

    Of several files, each is shown below with the share of its events that each step left.

    Parameters
    ----------
    account
        Of all files, or of one.
    title
        Text above the chart.
    simulated
        Whether the events are simulated, which is then said.
    expressions
        What each cut keeps, by its name; shown under the name.
    files
        The account of each file, in order.

    Returns
    -------
    bytes
        An SVG document; equal input gives equal bytes.
    """
    # Imported here: matplotlib takes longer to load than the rest of the command.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    steps = steps_of(account)
    labels = ["read", *(_label(step.name, expressions.get(step.name, "")) for step in steps)]
    lines = sum(label.count("\n") + 1 for label in labels)
    heading = _heading(title, account, simulated=simulated)
    top = 0.55 + LINE * heading.count("\n")
    several = len(files) > 1
    rows = ROW * lines if several else 0
    below = rows + GAP + BOTTOM if several else 0
    height = below + top + BOTTOM + LINE * lines + 0.2 * len(labels)
    with rc_context(STYLE):
        figure = Figure(figsize=(9, height), facecolor="white")
        FigureCanvasSVG(figure)
        bars = height - below - top - BOTTOM
        place = (BARS_FROM, (below + BOTTOM) / height, BARS_TO - BARS_FROM, bars / height)
        axes = figure.add_axes(place)
        _draw_bars(axes, account, steps)
        _draw_axes(axes, labels, account)
        if several:
            _draw_files(figure, files, rows / height, BOTTOM / height)
        figure.text(0.5, 1 - 0.08 / height, heading, fontsize=10, ha="center", va="top")
        stream = BytesIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Title": title})
    return stream.getvalue()


def _draw_files(figure: Figure, files: Sequence[FileAccount], height: float, low: float) -> None:
    """Draw the part that shows every file, below, and beside it what its colours mean."""
    shown = figure.add_axes((BARS_FROM, low, BARS_TO - BARS_FROM, height))
    colours = figure.add_axes((COLOURS_AT, low, COLOURS_WIDTH, height))
    draw_files(shown, colours, files, LEFT)


def _draw_bars(axes: Axes, account: EventAccount, steps: Sequence[Step]) -> None:
    def bar(row: int, events: int, colour: str) -> None:
        axes.barh(row, max(events - start, 0), left=start, height=0.62, color=colour)

    start = LOGARITHM_FROM if _is_logarithmic(account) else 0
    bar(0, account.read, LEFT)
    _number(axes, 0, LEFT_AT, _counted(account.read))
    for row, step in enumerate(steps, start=1):
        bar(row, step.entered, OUT[step.kind])
        bar(row, step.left, LEFT)
        _number(axes, row, LEFT_AT, _counted(step.left))
        _number(axes, row, OUT_AT, _counted(step.out))
    _number(axes, HEAD, LEFT_AT, "left")
    _number(axes, HEAD, OUT_AT, "left out")


def _is_logarithmic(account: EventAccount) -> bool:
    return account.read > MOST_LINEAR * max(account.kept, 1)


def _number(axes: Axes, row: float, column: float, text: str) -> None:
    """Write to the right of the bars: rows are counted in bars, columns in widths of the chart."""
    from matplotlib.transforms import blended_transform_factory  # noqa: PLC0415

    figure = axes.get_figure()
    if figure is not None:
        place = blended_transform_factory(figure.transFigure, axes.transData)
        axes.text(column, row, text, transform=place, ha="right", va="center")


def _draw_axes(axes: Axes, labels: Sequence[str], account: EventAccount) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator  # noqa: PLC0415

    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    most = max(account.read, 1)
    if _is_logarithmic(account):
        axes.set_xscale("log")
        axes.set_xlim(LOGARITHM_FROM, most)
        axes.xaxis.set_major_locator(LogLocator(numticks=6))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xlim(0, most)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: _counted(round(number))))
    axes.set_xlabel("events, on a logarithmic scale" if axes.get_xscale() == "log" else "events")
    axes.grid(axis="x", color="#9fb6c4", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _label(name: str, expression: str) -> str:
    """Return the name of a step and what it keeps, in lines."""
    lines = textwrap.wrap(name, WIDTH) or [""]
    kept = textwrap.wrap(expression, WIDTH)
    if len(kept) > MOST_LINES:
        kept = [*kept[: MOST_LINES - 1], f"{kept[MOST_LINES - 1][: WIDTH - 2]} …"]
    return "\n".join([*lines, *kept])


def _heading(title: str, account: EventAccount, *, simulated: bool) -> str:
    shown = "\n".join(textwrap.wrap(title, 90))
    kept = f"{_counted(account.kept)} of {_counted(account.read)} events are in the table"
    return f"{shown}\n{kept}" + (" — SIMULATED EVENTS" if simulated else "")


def _counted(number: int) -> str:
    return f"{number:,}".replace(",", "\N{THIN SPACE}")
