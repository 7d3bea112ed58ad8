"""Runs, as the metadata of a ROOT file describe them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from vopub.errors import InputError
from vopub.model.data_taking import Run

SIMULATION_KEYS = frozenset({"physics", "simul", "generator"})
"""Keys of a ``Head`` that only simulation programs write."""


def is_simulation_header(head: Mapping[str, str]) -> bool:
    """Tell whether a ``Head`` was written by a simulation; repeated keys end in ``_<number>``."""
    return any(key.split("_")[0] in SIMULATION_KEYS for key in head)


def describe_runs(
    detectors: Iterable[tuple[int, int]],
    table: Iterable[Mapping[str, Any]],
    head: Mapping[str, str],
    *,
    where: object,
) -> tuple[Run, ...]:
    """Return the runs of one file.

    Parameters
    ----------
    detectors
        Pairs of detector and run number that the events have.
    table
        Rows of the ``headerTree``: one per run, the detector only by name. A run of which no
        event is left still counts, if the events have one detector, so that its livetime does.
    head
        The ``Head``; its ``DAQ`` is the livetime in seconds if the file holds one run.
    where
        The file, for errors.

    Raises
    ------
    InputError
        If start, stop or livetime of a run cannot be true.
    """
    pairs = sorted(set(detectors))
    rows = {int(row["runNumber"]): row for row in table}
    found = sorted({detector for detector, _ in pairs})
    without_event = sorted(set(rows) - {run for _, run in pairs})
    if len(found) == 1:
        pairs += [(found[0], run) for run in without_event]
    livetime = _livetime(head, where) if len(pairs) == 1 and not rows else None
    return tuple(
        _from_table(detector, rows[run], where)
        if run in rows
        else _checked(
            where, detector_id=detector, run=run, livetime=livetime,
            source="events" if livetime is None else "events and Head",
        )
        for detector, run in pairs
    )  # fmt: skip


def _from_table(detector: int, row: Mapping[str, Any], where: object) -> Run:
    return _checked(
        where,
        detector_id=detector,
        run=int(row["runNumber"]),
        start=_time(row.get("UTCMin_s"), where),
        stop=_time(row.get("UTCMax_s"), where),
        livetime=row.get("livetime_s"),
        triggers=_triggers(row),
        source="headerTree",
    )


def _triggers(row: Mapping[str, Any]) -> tuple[str, ...]:
    names = (n for n in row if n.startswith("trigger") and n.endswith(".enabled"))
    return tuple(sorted(n.removesuffix(".enabled") for n in names if row[n]))


def _livetime(head: Mapping[str, str], where: object) -> float | None:
    text = head.get("DAQ", "").split()
    if not text:
        return None
    try:
        return float(text[0])
    except ValueError:
        raise InputError(f"DAQ livetime {text[0]!r} in Head is not a number", where=where) from None


def _time(seconds: float | None, where: object) -> datetime | None:
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        what = f"{seconds!r} in headerTree is not a time in seconds since 1970"
        raise InputError(what, where=where) from None


def _checked(where: object, **fields: Any) -> Run:
    livetime = fields.get("livetime")
    if livetime is not None and not math.isfinite(livetime):
        raise InputError(f"run {fields['run']} has a livetime of {livetime} s", where=where)
    try:
        return Run.model_validate(fields)
    except ValidationError as error:
        detail = error.errors()[0]
        message = detail["msg"].removeprefix("Value error, ")
        place = ".".join(map(str, detail["loc"])) or "times"
        what = f"run {fields['run']}: {place}: {message}"
        raise InputError(what, where=where) from error
