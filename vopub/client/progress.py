"""A bar for a download, for a person at a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int], None]
"""Takes how many bytes are there."""


@contextmanager
def bar(name: str, size: int, *, wanted: bool | None = None) -> Iterator[Advance]:
    """Give what is told how far a download is.

    Parameters
    ----------
    name, size
        The file and its bytes.
    wanted
        Whether to show a bar; by default only if standard error is a terminal.
    """
    if not (sys.stderr.isatty() if wanted is None else wanted):
        yield lambda _there: None
        return
    # Imported here: it takes its time.
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn  # noqa: PLC0415
    from rich.progress import TransferSpeedColumn as Speed  # noqa: PLC0415

    text = TextColumn("{task.description}")
    console = Console(stderr=True)
    with Progress(text, BarColumn(), DownloadColumn(), Speed(), console=console) as progress:
        task = progress.add_task(escape(name), total=size)
        yield lambda there: progress.update(task, completed=there)
