"""Progress of a publication or conversion: live lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Progress as RichProgress

from vopub.cli.options import is_terminal, say
from vopub.events.scale.tally import Tally
from vopub.publish.stages import Progress, Stage

PLAIN_SECONDS = 10.0
"""How often a plain line tells how far it is; what is done sooner tells nothing."""
LIVE_SECONDS = 0.1
"""How often a live line changes."""


class Rate:
    """Tells how fast it goes and how long it will take, from when something began.

    Parameters
    ----------
    clock
        Gives the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._began: tuple[float, Tally] | None = None

    def line(self, tally: Tally) -> str:
        """Return how far it is, in events per second, and the time that remains."""
        if self._began is None or self._began[1].doing != tally.doing:
            self._began = (self._clock(), tally)
        since, first = self._began
        seconds = self._clock() - since
        unit = "files" if tally.doing == "reading" else "rows"
        parts = [f"{tally.doing} {tally.done} of {tally.total} {unit}"]
        if tally.failed:
            parts.append(f"{tally.failed} failed")
        if tally.under_way:
            parts.append(f"{100 * (tally.done + tally.under_way) / tally.total:.0f} %")
        done, before = (each.done + each.under_way for each in (tally, first))
        if seconds > 0 and done > before:
            parts.append(f"{max(0, tally.events - first.events) / seconds:.0f} events/s")
            left = seconds * (tally.total - done) / (done - before)
            parts.append(f"{_clock_time(left)} left")
        return ", ".join(parts)


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class PlainProgress:
    """One line when a stage is done, and now and then one in between.

    Parameters
    ----------
    clock
        Gives the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._began = self._told = clock()
        self._rate = Rate(clock)

    def start(self, resource: str, stage: Stage) -> None:
        """Remember when the stage began."""
        del resource, stage
        self._began = self._told = self._clock()
        self._rate = Rate(self._clock)

    def done(self, resource: str, stage: Stage, what: str) -> None:
        """Print what the stage did and how long it took."""
        self.note(f"{resource}  {stage.value:<8}  {what} ({self._clock() - self._began:.1f} s)")

    def tell(self, resource: str, tally: Tally) -> None:
        """Print how far the reduction is, not too often."""
        line = self._rate.line(tally)
        if self._clock() - self._told >= PLAIN_SECONDS:
            self._told = self._clock()
            self.note(f"{resource}  {line}")

    def note(self, text: str) -> None:
        """Print a line."""
        say(text)


class LiveProgress(PlainProgress):
    """The same lines, with a bar for what is under way."""

    def __init__(self, bar: RichProgress, task: TaskID) -> None:
        super().__init__()
        self._bar = bar
        self._task = task

    def start(self, resource: str, stage: Stage) -> None:
        """Show the stage beside a bar that knows no end."""
        super().start(resource, stage)
        self._bar.reset(self._task, total=None, description=f"{resource}  {stage.value}")
        self._bar.update(self._task, line="…")

    def tell(self, resource: str, tally: Tally) -> None:
        """Show how far the reduction is."""
        line = self._rate.line(tally)
        if self._clock() - self._told >= LIVE_SECONDS or tally.done == tally.total:
            self._told = self._clock()
            self._bar.update(
                self._task,
                total=tally.total,
                completed=tally.done + tally.under_way,
                description=resource,
                line=line,
            )

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(text, highlight=False, markup=False)


@contextmanager
def make_progress() -> Iterator[Progress]:
    """Give the progress that fits where standard error goes."""
    if not is_terminal():
        yield PlainProgress()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[line]}", markup=False),
    )
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield LiveProgress(bar, bar.add_task("starting", total=None, line="…"))
