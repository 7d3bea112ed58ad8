"""``vopub publish``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vopub.cli.options import (
    DachsPortOption,
    JsonOption,
    OdcPortOption,
    SiteOption,
    settings_of,
    show_json,
    show_table,
)
from vopub.cli.progress import make_progress
from vopub.cli.ways import (
    DuplicatesOption,
    MalformedOption,
    SchedulerOption,
    WorkersOption,
    limit_of,
    workers_of,
)
from vopub.errors import SeveralError
from vopub.publish.stages import Stage
from vopub.resources import find_folders

if TYPE_CHECKING:
    from vopub.publish.composer import Outcome

Resources = Annotated[
    list[str] | None,
    typer.Argument(help="Resources by id; all if none is named.", show_default=False),
]
Until = Annotated[Stage, typer.Option("--until", help="Stop after this stage.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Go the same way, change nothing, say what would change.")
]


def publish(
    resources: Resources = None,
    until: Until = Stage.REGISTER,
    dry_run: DryRun = False,
    site: SiteOption = None,
    dachs_port: DachsPortOption = None,
    odc_port: OdcPortOption = None,
    duplicates: DuplicatesOption = None,
    malformed: MalformedOption = "",
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Reduce, write, load, publish, prove and register resources; does only what is missing."""
    # Imported here, so that the other commands start without it.
    from vopub.publish.composer import Publisher  # noqa: PLC0415
    from vopub.publish.reading import Reading  # noqa: PLC0415

    reading = Reading(workers_of(workers, scheduler), duplicates, limit_of(malformed))
    settings = settings_of(site, dachs_port, odc_port)
    folders = find_folders(settings.resources, tuple(resources or ()))
    with make_progress() as progress:
        publisher = Publisher(settings, progress, reading)
        go = publisher.preview if dry_run else publisher.publish
        outcomes = go(folders, until=until)
    if as_json:
        show_json([outcome.as_json() for outcome in outcomes])
    else:
        show_outcomes(outcomes)
    failures = [outcome.error for outcome in outcomes if outcome.error is not None]
    if failures:
        raise failures[0] if len(failures) == 1 else SeveralError(failures)


def show_outcomes(outcomes: list[Outcome]) -> None:
    """Print the table of what is now served."""
    rows = [
        (
            outcome.id,
            outcome.version,
            "" if outcome.rows is None else str(outcome.rows),
            outcome.change,
            "\n".join(outcome.urls),
        )
        for outcome in outcomes
    ]
    show_table("", ("resource", "version", "rows", "what happened", "now served at"), rows)
