"""The runs of several files, once each."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime

from vopub.errors import InputError
from vopub.events.readers.base import FileHeader
from vopub.model.data_taking import Run

LIVETIME_TOLERANCE = 1e-5
"""Relative; ``Head`` writes six digits."""


def merge_runs(headers: Iterable[FileHeader]) -> tuple[Run, ...]:
    """Return the runs of all files in order; of a run that several describe, the fullest account.

    Raises
    ------
    InputError
        If two files contradict each other about a run of one detector.
    """
    known: dict[tuple[int, int], tuple[Run, str]] = {}
    for header in headers:
        for run in header.runs:
            key = (run.detector_id, run.run)
            other, where = known.get(key, (run, header.name))
            _check_agree(run, header.name, other, where)
            if key not in known or _facts(run) > _facts(other):
                known[key] = (run, header.name)
    return tuple(run for _, (run, _) in sorted(known.items()))


def _facts(run: Run) -> int:
    return sum(fact is not None for fact in (run.start, run.stop, run.livetime))


def _check_agree(run: Run, file: str, other: Run, other_file: str) -> None:
    for fact, unit in (("livetime", " s"), ("start", ""), ("stop", "")):
        here, there = getattr(run, fact), getattr(other, fact)
        if here is not None and there is not None and not _same(here, there):
            raise InputError(
                f"run {run.run} of detector {run.detector_id} has {here}{unit} as its {fact}, "
                f"in {other_file} {there}{unit}",
                where=file,
                hint="leave out the file that is wrong",
            )


def _same(one: float | datetime, two: float | datetime) -> bool:
    if isinstance(one, float) and isinstance(two, float):
        return math.isclose(one, two, rel_tol=LIVETIME_TOLERANCE)
    return one == two
