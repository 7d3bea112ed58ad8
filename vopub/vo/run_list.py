"""The runs of a table of events, as a table of their own that the events refer to."""

from __future__ import annotations

from typing import Any

import numpy as np

from vopub.model.dataset import TableMetadata
from vopub.model.event_table import EventTable
from vopub.model.parameter import Dtype, Parameter
from vopub.model.run_table import run_parameters, run_table
from vopub.vo.columns import columns_block

KEY = ("detector_id", "run_id")
"""What runs are told apart by."""


def runs_block(metadata: TableMetadata) -> dict[str, Any] | None:
    """Return the table of runs as the template writes it; None if no run is known.

    Returns
    -------
    dict or None
        As `columns_block`, and: ``rows``, their number; ``lines``, the rows as CSV without a
        header; ``key``, the columns by which each event refers to its run, empty if it cannot;
        ``unique``, the columns that no two runs have in common, empty if there are none.
    """
    runs = metadata.data_taking.runs
    if not runs:
        return None
    table = run_table(metadata.data_taking)
    unique = len({(run.detector_id, run.run) for run in runs}) == len(runs)
    return {
        **columns_block(run_parameters()),
        "rows": len(runs),
        "lines": [_line(table, row) for row in range(len(runs))],
        "key": _key(metadata),
        "unique": KEY if unique else (),
    }


def _key(metadata: TableMetadata) -> tuple[str, ...]:
    """Return the columns that lead from an event to its run, if every event has one."""
    runs, columns = metadata.data_taking.runs, {p.name for p in metadata.parameters}
    if sum(run.events_kept or 0 for run in runs) != metadata.rows:
        return ()
    key = tuple(name for name in KEY if name in columns)
    numbers = [tuple({"detector_id": r.detector_id, "run_id": r.run}[n] for n in key) for r in runs]
    leads = "run_id" in key and len(set(numbers)) == len(runs)
    return key if leads else ()


def _line(table: EventTable, row: int) -> str:
    return ",".join(_field(parameter, table[parameter.name][row]) for parameter in table.parameters)


def _field(parameter: Parameter, value: Any) -> str:
    """Return a value for PostgreSQL's COPY: text in quotes, nothing where there is no value."""
    if parameter.dtype is Dtype.TEXT:
        return '"' + str(value).replace('"', '""') + '"'
    return "" if np.isnan(value) else str(value.item())
