"""Options of the commands that reduce files: by whom, and what is done with odd events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vopub.errors import UsageError
from vopub.model.duplicates import Duplicates
from vopub.model.malformed import MalformedLimit

if TYPE_CHECKING:
    from vopub.events.scale.workers import Workers

DuplicatesOption = Annotated[
    Duplicates | None,
    typer.Option(
        "--duplicates",
        help="An event that comes again: an error, only the first is kept, or all are; "
        "if left out, what the description says, else an error.",
        show_default=False,
    ),
]
MalformedOption = Annotated[
    str,
    typer.Option(
        "--max-malformed",
        help="Stop if more events are malformed: a number, or a percentage such as 1%.",
        show_default=False,
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        help="Processes on this machine; all cores if there is enough to do.",
        show_default=False,
    ),
]
SchedulerOption = Annotated[
    str,
    typer.Option(
        "--scheduler",
        help="Address of a Dask scheduler whose workers do it, e.g. tcp://host:8786.",
        show_default=False,
    ),
]


def limit_of(malformed: str) -> MalformedLimit | None:
    """Return the most malformed events that somebody named; None if nobody did.

    Raises
    ------
    UsageError
        If it is no limit.
    """
    try:
        return MalformedLimit.parse(malformed) if malformed else None
    except ValueError as error:
        raise UsageError(f"--max-malformed: {error}") from error


def workers_of(workers: int | None, scheduler: str) -> Workers:
    """Return who reads the files.

    Raises
    ------
    UsageError
        If both are given, or the address is none.
    """
    # Imported here, so that the other commands start without it.
    from vopub.events.scale.cluster import Scheduler  # noqa: PLC0415
    from vopub.events.scale.processes import LocalWorkers  # noqa: PLC0415

    if not scheduler:
        return LocalWorkers(workers)
    if workers is not None:
        raise UsageError("--workers is for this machine, --scheduler for another", hint="use one")
    if not scheduler.startswith(("tcp://", "tls://")):
        what = f"--scheduler: {scheduler!r} is no address"
        raise UsageError(what, hint="write tcp://host:port or tls://host:port")
    return Scheduler(scheduler)
