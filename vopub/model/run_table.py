"""The runs that data were taken in, as a table of its own."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from vopub.model.data_taking import DataTaking, Run
from vopub.model.event_table import EventTable
from vopub.model.parameter import Parameter

NOT_COUNTED = -1
"""In place of a number of events that nobody counted."""

_MJD_OF_1970 = 40_587
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VALUES: Mapping[str, Callable[[Run], Any]] = {
    "detector_id": lambda run: run.detector_id,
    "run_id": lambda run: run.run,
    "run_start": lambda run: _text(run.start),
    "run_stop": lambda run: _text(run.stop),
    "run_start_mjd": lambda run: _mjd(run.start),
    "run_stop_mjd": lambda run: _mjd(run.stop),
    "livetime": lambda run: np.nan if run.livetime is None else run.livetime,
    "events_read": lambda run: NOT_COUNTED if run.events_read is None else run.events_read,
    "events_kept": lambda run: NOT_COUNTED if run.events_kept is None else run.events_kept,
    "triggers": lambda run: " ".join(run.triggers),
    "quality": lambda run: run.quality,
    "said_by": lambda run: run.source,
}


@cache
def run_parameters() -> tuple[Parameter, ...]:
    """Return the columns of a table of runs."""
    text = files("vopub.model").joinpath("run_parameters.toml").read_text(encoding="utf-8")
    return tuple(
        Parameter.model_validate({"name": name, **entry})
        for name, entry in tomllib.loads(text).items()
    )


def run_table(data_taking: DataTaking) -> EventTable:
    """Return the runs of a table of events as a table with the columns `run_parameters`."""
    runs = data_taking.runs
    columns = {p.name: _column(p, runs) for p in run_parameters()}
    return EventTable(run_parameters(), columns)


def _column(parameter: Parameter, runs: Sequence[Run]) -> Any:
    return np.array([_VALUES[parameter.name](run) for run in runs], dtype=parameter.dtype.numpy)


def _text(when: datetime | None) -> str:
    return "" if when is None else when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _mjd(when: datetime | None) -> float:
    return np.nan if when is None else _MJD_OF_1970 + (when - _EPOCH) / timedelta(days=1)
