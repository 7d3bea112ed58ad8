"""What is said about a table as small tables beside it, for people and for plots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple, get_type_hints

import numpy as np
from numpy.typing import NDArray

from vopub.formats.header import HeaderRow, header_rows
from vopub.model.data_taking import Run
from vopub.model.dataset import TableMetadata
from vopub.model.event_table import EventAccount
from vopub.model.run_table import NOT_COUNTED

ALL_FILES = "all files"
"""In place of a file name: the sum over the files."""


class CutFlowRow(NamedTuple):
    """How many events of a file entered a step, and how many left it."""

    file: str
    """Name of the file, or ``all files``."""
    identifier: str
    """``sha256:<hex>`` of the file; empty for all files."""
    step: str
    """What is asked for: a reconstruction, a cut, well-formed values, not to be a repetition."""
    entered: int
    left: int


class RunRow(NamedTuple):
    """One run; a time or livetime that is not known is empty or NaN."""

    detector_id: int
    run: int
    start: str
    """UTC, ISO 8601."""
    stop: str
    livetime: float
    """Seconds."""
    events_read: int
    """Events of the run in the input files; -1 if nobody counted."""
    events_kept: int
    """Events of the run in the table; -1 if nobody counted."""
    triggers: str
    quality: str
    """What the good-run list says about it."""
    source: str


def side_tables(metadata: TableMetadata, encode: Callable[[str], bytes]) -> dict[str, NDArray[Any]]:
    """Return the tables that go with an event table: ``header``, ``cut_flow`` and ``runs``.

    Parameters
    ----------
    metadata
        What is said about the table.
    encode
        Makes texts bytes; they become fields as wide as the longest.
    """
    return {
        "header": _array(HeaderRow, header_rows(metadata), encode),
        "cut_flow": _array(CutFlowRow, list(_cut_flow(metadata)), encode),
        "runs": _array(RunRow, list(map(_run, metadata.data_taking.runs)), encode),
    }


def _cut_flow(metadata: TableMetadata) -> Iterator[CutFlowRow]:
    parts = ((entry.name, entry.identifier, entry.account) for entry in metadata.cut_flow)
    for name, identifier, account in chain([(ALL_FILES, "", metadata.account)], parts):
        yield from _steps(name, identifier, account)


def _steps(name: str, identifier: str, account: EventAccount) -> Iterator[CutFlowRow]:
    left = account.read
    for entry in account.excluded:
        entered, left = left, left - entry.events
        yield CutFlowRow(name, identifier, entry.reason, entered, left)


def _run(run: Run) -> RunRow:
    return RunRow(
        detector_id=run.detector_id,
        run=run.run,
        start=_time(run.start),
        stop=_time(run.stop),
        livetime=np.nan if run.livetime is None else run.livetime,
        events_read=NOT_COUNTED if run.events_read is None else run.events_read,
        events_kept=NOT_COUNTED if run.events_kept is None else run.events_kept,
        triggers=", ".join(run.triggers),
        quality=run.quality,
        source=run.source,
    )


def _time(time: datetime | None) -> str:
    return time.isoformat() if time else ""


def _array(
    kind: type[NamedTuple], rows: Sequence[tuple[Any, ...]], encode: Callable[[str], bytes]
) -> NDArray[Any]:
    columns: dict[str, NDArray[Any]] = {}
    for number, (name, hint) in enumerate(get_type_hints(kind).items()):
        values = [row[number] for row in rows]
        if hint is str:
            texts = [encode(text) for text in values]
            width = max(1, max(map(len, texts), default=1))
            columns[name] = np.array(texts, dtype=f"S{width}")
        else:
            columns[name] = np.array(values, dtype=np.int64 if hint is int else np.float64)
    table = np.empty(len(rows), [(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        table[name] = column
    return table
