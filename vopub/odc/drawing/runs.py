"""Lists of runs: the livetime that they sum up to, over the time at which they were taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vopub.odc.drawing.charts import Chart, Floats, Line, Lines, UndrawableError
from vopub.odc.drawing.columns import names_in, pieces
from vopub.odc.drawing.meaning import DETECTOR, LIVETIME, START, STOP, column_of
from vopub.odc.drawing.subject import Task
from vopub.odc.drawing.tables import MOST_LINES
from vopub.odc.drawing.times import DAY, MJD_OF_1970, SECONDS, as_mjd

MOST_RUNS = 1_000_000
MOST_POINTS = 4_000
"""Of a curve; of more runs some are left out."""
LARGER = ((2 * DAY, "d"), (2 * 3600.0, "h"), (0.0, "s"))
"""From how many seconds on they are told in which unit."""


def runs_chart(path: Path, task: Task) -> Chart:
    """Draw the sum of livetimes over time: it rises while there are runs, and is flat between.

    There is a curve for each detector.
    """
    known, names = task.labels.parameters, names_in(path, task.media_type)
    found = {
        meaning: column_of(meaning, known, names) for meaning in (START, STOP, LIVETIME, DETECTOR)
    }
    if not found[START]:
        raise UndrawableError("no column is known to hold the start of the runs")
    if not (found[LIVETIME] or found[STOP]):
        raise UndrawableError("no column is known to hold the livetime or the stop of the runs")
    columns = _whole(path, task.media_type, [name for name in found.values() if name])
    units = {name: task.labels.unit(name.lower()) for name in columns}
    start = as_mjd(columns[found[START]], units[found[START]])
    if name := found[LIVETIME]:
        if columns[name].dtype == object or units[name] not in SECONDS:
            raise UndrawableError(f"{name} holds no livetime in a unit that is known")
        livetime = columns[name] * SECONDS[units[name]]
    else:
        livetime = (as_mjd(columns[found[STOP]], units[found[STOP]]) - start) * DAY
    there = np.isfinite(start) & (livetime >= 0)
    if not there.any():
        raise UndrawableError("no run has both a start and a livetime")
    detectors = columns[found[DETECTOR]][there] if found[DETECTOR] else np.zeros(there.sum())
    return _chart(start[there], livetime[there], detectors, named=bool(found[DETECTOR]))


def _chart(start: Floats, livetime: Floats, detectors: Any, *, named: bool) -> Chart:
    kinds, which = np.unique(detectors.astype(str), return_inverse=True)
    if len(kinds) > MOST_LINES:
        kinds, which = np.array([""]), np.zeros(len(start), dtype=int)
    sums = [livetime[which == number].sum() for number in range(len(kinds))]
    unit = next(unit for least, unit in LARGER if max(sums) >= least)
    lines = [
        Line(
            f"detector {kind.removesuffix('.0')}" if named and len(kinds) > 1 else "",
            *_summed(start[which == number], livetime[which == number], SECONDS[unit]),
        )
        for number, kind in enumerate(kinds)
    ]
    return Lines("Time (UTC)", f"Livetime, summed up [{unit}]", lines, dates=True)


def _summed(start: Floats, livetime: Floats, unit: float) -> tuple[Floats, Floats]:
    """Return days since 1970 and the livetime so far, at the beginning and the end of each run."""
    order = np.argsort(start, kind="stable")
    begin, lasted = start[order] - MJD_OF_1970, livetime[order]
    after = np.cumsum(lasted) / unit
    # A run whose livetime is longer than the time to the next one ends there at the latest.
    end = np.minimum(begin + lasted / DAY, np.append(begin[1:], np.inf))
    x = np.column_stack([begin, end]).ravel()
    y = np.column_stack([np.append(0.0, after[:-1]), after]).ravel()
    if len(x) > MOST_POINTS:
        chosen = np.unique(np.linspace(0, len(x) - 1, MOST_POINTS).astype(int))
        x, y = x[chosen], y[chosen]
    return x, y


def _whole(path: Path, media_type: str, names: list[str]) -> dict[str, Any]:
    parts: list[Any] = []
    number = 0
    for piece in pieces(path, media_type, list(dict.fromkeys(names))):
        parts.append(piece)
        number += len(piece[names[0]])
        if number > MOST_RUNS:
            raise UndrawableError(f"it has more than {MOST_RUNS} runs")
    if not number:
        raise UndrawableError("it has no runs")
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
