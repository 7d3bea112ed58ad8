"""Runs of one detector that claim the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from vopub.model.data_taking import Run

SLACK = timedelta(seconds=1)
"""Files give start and stop in whole seconds, so that runs seem to touch."""
NEVER = datetime.max.replace(tzinfo=UTC)
"""Stands for the start of runs of which it is not known."""


def overlapping(runs: Iterable[Run]) -> Iterator[tuple[Run, Run]]:
    """Yield each run that starts before an earlier one of its detector stops, after that one.

    Runs without start or stop are left out. Of several earlier ones, the one that stops last is
    named.
    """
    last: dict[int, Run] = {}
    for run in sorted(runs, key=lambda run: run.start or NEVER):
        before = last.get(run.detector_id)
        if run.start is None or run.stop is None:
            continue
        if before is None or before.stop is None:
            last[run.detector_id] = run
            continue
        if run.start < before.stop - SLACK:
            yield before, run
        if run.stop > before.stop:
            last[run.detector_id] = run
