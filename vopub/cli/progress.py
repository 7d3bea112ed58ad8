"""Progress of a publication: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.status import Status

from vopub.cli.options import is_terminal, say
from vopub.publish.stages import Progress, Stage


class PlainProgress:
    """One line when a stage is done."""

    def __init__(self) -> None:
        self._began = monotonic()

    def start(self, resource: str, stage: Stage) -> None:
        """Remember when the stage began."""
        del resource, stage
        self._began = monotonic()

    def done(self, resource: str, stage: Stage, what: str) -> None:
        """Print what the stage did and how long it took."""
        self.note(f"{resource}  {stage.value:<8}  {what} ({monotonic() - self._began:.1f} s)")

    def note(self, text: str) -> None:
        """Print a line."""
        say(text)


class LiveProgress(PlainProgress):
    """The same lines, with a spinner for the stage under way."""

    def __init__(self, console: Console, status: Status) -> None:
        super().__init__()
        self._console = console
        self._status = status

    def start(self, resource: str, stage: Stage) -> None:
        """Show the stage beside the spinner."""
        super().start(resource, stage)
        self._status.update(f"{resource}  {stage.value} …")

    def note(self, text: str) -> None:
        """Print a line above the spinner."""
        self._console.print(text, highlight=False, markup=False)


@contextmanager
def make_progress() -> Iterator[Progress]:
    """Give the progress that fits where standard error goes."""
    if not is_terminal():
        yield PlainProgress()
        return
    console = Console(stderr=True)
    with console.status("starting …") as status:
        yield LiveProgress(console, status)
