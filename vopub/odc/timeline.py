"""An axis of time, drawn as SVG inside a page: bars for how much there is, each a link."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

WIDTH, HEIGHT = 960, 180
LEFT, TOP, BOTTOM = 44, 14, 34
BARS = 48
_STEPS = [
    timedelta(seconds=s)
    for s in (1, 5, 15, 60, 300, 900, 3600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800)
]
"""Distances of ticks below a month."""
MOST_TICKS = 7
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12_000, 24_000)
"""Distances of ticks from a month on, in months: the last is far enough for all years there are."""
_LATEST = datetime.max.replace(tzinfo=UTC)


def utc(moment: datetime) -> datetime:
    """Return a time of the database, which has no zone, as the UTC that it is."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def share(moment: datetime, start: datetime, stop: datetime) -> float:
    """Return where between start and stop a moment lies, from 0 to 1."""
    return min(max((moment - start) / (stop - start), 0.0), 1.0)


def draw_timeline(moments: Sequence[datetime], stream: str) -> Markup:
    """Draw how many elements of a stream there are over time.

    Parameters
    ----------
    moments
        When their data begin, in order, UTC; at least one.
    stream
        Identifier, for the links of the bars.

    Returns
    -------
    Markup
        An ``svg`` element with a title and a description.
    """
    start, stop = _span(utc(moments[0]), utc(moments[-1]))
    counts = _counts(moments, start, stop)
    most = max(counts.values())
    parts = [*_frame(most), *_ticks(start, stop), *_bars(counts, most, start, stop, stream)]
    about = f"{len(moments)} elements; at most {most} in one bar."
    return Markup(  # noqa: S704 - every text in it is escaped where it is put in
        f'<svg class="axis" viewBox="0 0 {WIDTH} {HEIGHT}" role="group" '
        f'aria-label="Elements over time. {about}">{"".join(parts)}</svg>'
    )


def _span(first: datetime, last: datetime) -> tuple[datetime, datetime]:
    """Return the ends of the axis: a little more than from the first to the last.

    After the last moment that a calendar of four digits has, there is no more.
    """
    margin = max(last - first, timedelta(minutes=1)) / BARS
    stop = last + min(margin, _LATEST - last)
    return (first if first < stop else first - margin), stop


def _counts(moments: Sequence[datetime], start: datetime, stop: datetime) -> dict[int, int]:
    """Return how many moments fall under each bar; all lie before the stop."""
    edges = (_edge(bar, start, stop) for bar in range(1, BARS))
    if moments[0].tzinfo is None:
        edges = (edge.replace(tzinfo=None) for edge in edges)
    places = [0, *(bisect_left(moments, edge) for edge in edges), len(moments)]
    numbers = enumerate(after - before for before, after in pairwise(places))
    return {bar: number for bar, number in numbers if number}


def _edge(bar: int, start: datetime, stop: datetime) -> datetime:
    """Return where a bar begins."""
    return start + (stop - start) * bar / BARS


def _x(part: float) -> float:
    return round(LEFT + part * (WIDTH - LEFT - 4), 1)


def _frame(most: int) -> Iterator[str]:
    floor = HEIGHT - BOTTOM
    yield f'<line class="base" x1="{LEFT}" y1="{floor}" x2="{WIDTH}" y2="{floor}"/>'
    yield f'<line class="line" x1="{LEFT}" y1="{TOP}" x2="{WIDTH}" y2="{TOP}"/>'
    yield f'<text x="{LEFT - 8}" y="{TOP + 4}" text-anchor="end">{most}</text>'
    yield f'<text x="{LEFT - 8}" y="{floor}" text-anchor="end">0</text>'


def _bars(
    counts: dict[int, int], most: int, start: datetime, stop: datetime, stream: str
) -> Iterator[str]:
    width = round((WIDTH - LEFT - 4) / BARS - 2, 1)
    all_of_it = escape(f"/resources?{urlencode({'stream': stream})}")
    for bar, count in sorted(counts.items()):
        begin, end = (_exact(_edge(edge, start, stop)) for edge in (bar, bar + 1))
        height = max(round((HEIGHT - TOP - BOTTOM) * count / most, 1), 2)
        span = f"from={quote(begin)}&amp;until={quote(end)}"
        address = f"{all_of_it}&amp;{span}&amp;sort=earliest-data"
        elements = f"{count} {'element' if count == 1 else 'elements'}"
        label = f"{elements} from {_said(begin)} to {_said(end)} UTC"
        yield (
            f'<a href="{address}" aria-label="{label}"><title>{label}</title>'
            f'<rect class="mark" x="{_x(bar / BARS)}" y="{HEIGHT - BOTTOM - height}" '
            f'width="{width}" height="{height}" rx="1.5"/></a>'
        )


def _exact(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def _said(exact: str) -> str:
    """Return a time to the minute, for people."""
    return exact[: len("2026-11-22T10:00")].replace("T", " ")


def _ticks(start: datetime, stop: datetime) -> Iterator[str]:
    """Yield lines and labels at round times."""
    form = _form(stop - start)
    for tick in _round_times(start, stop):
        x = _x(share(tick, start, stop))
        floor = HEIGHT - BOTTOM
        anchor = "end" if x > WIDTH - 60 else "start" if x < LEFT + 30 else "middle"
        yield f'<line class="base" x1="{x}" y1="{floor}" x2="{x}" y2="{floor + 6}"/>'
        yield f'<text x="{x}" y="{floor + 22}" text-anchor="{anchor}">{tick:{form}}</text>'


def _form(length: timedelta) -> str:
    if length > timedelta(days=60):
        return "%Y-%m"
    return "%Y-%m-%d" if length > timedelta(days=3) else "%m-%d %H:%M"


def _round_times(start: datetime, stop: datetime) -> Iterator[datetime]:
    fitting = (step for step in _STEPS if (stop - start) / step <= MOST_TICKS)
    step = next(fitting, None)
    if step is None:
        yield from _months(start, stop)
        return
    zero = datetime(1970, 1, 1, tzinfo=UTC)
    for number in range(-((zero - start) // step), (stop - zero) // step + 1):
        yield zero + number * step


def _months(start: datetime, stop: datetime) -> Iterator[datetime]:
    """Yield firsts of months, so far apart that there are few."""
    first, last = (moment.year * 12 + moment.month - 1 for moment in (start, stop))
    apart = next(n for n in _MONTHS if (last - first) / n <= MOST_TICKS)
    for month in range(first + 1, last + 1):
        if month % apart == 0:
            yield datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
