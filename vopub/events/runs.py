"""The runs of several files, once each, and how many events each gave."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from vopub.errors import InputError, SeveralError, VopubError
from vopub.events.good_runs import GoodRunList
from vopub.events.identifiers import Integers
from vopub.events.overlaps import SLACK, overlapping
from vopub.events.readers.base import FileHeader
from vopub.model.data_taking import Run, RunCount

LIVETIME_TOLERANCE = 1e-5
"""Relative; ``Head`` writes six digits."""

_Key = tuple[int, int]
_RUNS = 1 << 32
"""How many 32-bit numbers there are for runs, half of them negative."""
_LEAVE_OUT = "leave out the file that is wrong"


def merge_runs(
    headers: Iterable[FileHeader], good_runs: GoodRunList | None = None
) -> tuple[Run, ...]:
    """Return the runs that data were taken in, once each and in order.

    Parameters
    ----------
    headers
        Of all files. Of a run that several describe, the fullest account is taken.
    good_runs
        If given, data taking consists of its runs, with its start, stop and livetime, whether a
        file holds events of them or not; the files add the triggers.

    Raises
    ------
    VopubError
        An `InputError`, or several together: every contradiction between two files about a run,
        or between a file and the list, and every two runs of a detector that overlap, each with
        the names of the files.
    """
    merging = _Merging(good_runs)
    for header in headers:
        for run in header.runs:
            merging.add(run, header.name)
    runs = merging.runs()
    errors = [*merging.errors, *map(merging.overlap, overlapping(runs))]
    if len(errors) > 1:
        raise SeveralError(errors)
    if errors:
        raise errors[0]
    return runs


def count_runs(events: Mapping[str, Integers], kept: NDArray[np.bool_]) -> tuple[RunCount, ...]:
    """Count the events of each run in a chunk, and those that are kept.

    Parameters
    ----------
    events
        What the file says once per event; if it does not say detector and run, nothing is counted.
    kept
        Which of them are kept.
    """
    if not {"detector_id", "run_id"} <= set(events):
        return ()
    keys = events["detector_id"].astype(np.int64) * _RUNS + events["run_id"] + _RUNS // 2
    runs, number = _distinct(keys)
    read = np.bincount(number, minlength=len(runs)).tolist()
    left = np.bincount(number[kept], minlength=len(runs)).tolist()
    return tuple(
        RunCount(detector_id=int(key // _RUNS), run=int(key % _RUNS) - _RUNS // 2, read=r, kept=k)
        for key, r, k in zip(runs, read, left, strict=True)
    )


def _distinct(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the distinct keys, and for each key which of these it is; quick if all are one."""
    if len(keys) and (keys == keys[0]).all():
        return keys[:1], np.zeros(len(keys), dtype=np.intp)
    return np.unique(keys, return_inverse=True)


def add_counts(counts: Iterable[RunCount]) -> tuple[RunCount, ...]:
    """Add up counts of the same runs; one for each run, in order."""
    read: Counter[_Key] = Counter()
    kept: Counter[_Key] = Counter()
    for count in counts:
        key = count.detector_id, count.run
        read[key] += count.read
        kept[key] += count.kept
    return tuple(
        RunCount(detector_id=key[0], run=key[1], read=read[key], kept=kept[key])
        for key in sorted(read)
    )


def with_counts(runs: Iterable[Run], counts: Iterable[RunCount]) -> tuple[Run, ...]:
    """Return the runs with the number of their events; no event where none was counted."""
    known = {(count.detector_id, count.run): count for count in add_counts(counts)}
    none = RunCount(detector_id=0, run=0, read=0, kept=0)
    counted = ((run, known.get((run.detector_id, run.run), none)) for run in runs)
    return tuple(
        run.model_copy(update={"events_read": count.read, "events_kept": count.kept})
        for run, count in counted
    )


class _Merging:
    """What is known of the runs so far, from which file, and what does not go together."""

    def __init__(self, good_runs: GoodRunList | None) -> None:
        good = () if good_runs is None else good_runs.runs
        self._good = {(run.detector_id, run.run): run for run in good}
        self._only_good = good_runs is not None
        self._known: dict[_Key, tuple[Run, str]] = {}
        self.errors: list[VopubError] = []

    def add(self, run: Run, file: str) -> None:
        """Take in what a file says of a run."""
        key = (run.detector_id, run.run)
        if self._only_good and key not in self._good:
            return
        other, where = self._known.get(key, (run, file))
        disagreement = _disagreement(run, other)
        if disagreement:
            what = f"{_named(run)} has {disagreement[0]}, in {where} {disagreement[1]}"
            self.errors.append(InputError(what, where=file, hint=_LEAVE_OUT))
        if key not in self._known or _facts(run) > _facts(other):
            self._known[key] = (run, file)
            if self._only_good:
                self._check_within(self._good[key], run, file)

    def runs(self) -> tuple[Run, ...]:
        """Return the runs in order."""
        if not self._only_good:
            return tuple(run for _, (run, _) in sorted(self._known.items()))
        return tuple(self._with_triggers(key) for key in sorted(self._good))

    def overlap(self, pair: Sequence[Run]) -> InputError:
        """Return the error that two runs overlap."""
        one, other = pair
        files = [self._file(run) for run in (one, other)]
        return InputError(
            f"{_named(other)} starts at {other.start}, before run {one.run} stops at {one.stop}"
            + (f" ({files[0]})" if files[0] else ""),
            where=files[1],
            hint=f"a detector takes one run at a time; {_LEAVE_OUT}",
        )

    def _with_triggers(self, key: _Key) -> Run:
        good = self._good[key]
        triggers = self._known[key][0].triggers if key in self._known else ()
        return good.model_copy(update={"triggers": triggers})

    def _file(self, run: Run) -> str:
        return self._known.get((run.detector_id, run.run), (run, ""))[1]

    def _check_within(self, good: Run, run: Run, file: str) -> None:
        """Check that the good part of a run is no more than the run."""
        for excess in _excesses(good, run):
            what = f"{_named(run)} {excess}"
            hint = "correct the good-run list or leave out the file"
            self.errors.append(InputError(what, where=file, hint=hint))


def _named(run: Run) -> str:
    return f"run {run.run} of detector {run.detector_id}"


def _facts(run: Run) -> int:
    return sum(fact is not None for fact in (run.start, run.stop, run.livetime))


def _disagreement(run: Run, other: Run) -> tuple[str, str] | None:
    """Return what one account of a run says, and what the other does, if they contradict."""
    wrong = [
        (f"{here}{unit} as its {fact}", f"{there}{unit}")
        for fact, unit in (("livetime", " s"), ("start", ""), ("stop", ""))
        if not _same(here := getattr(run, fact), there := getattr(other, fact))
    ]
    if not wrong:
        return None
    ours, theirs = zip(*wrong, strict=True)
    return " and ".join(ours), " and ".join(theirs)


def _same(one: float | datetime | None, two: float | datetime | None) -> bool:
    if isinstance(one, float) and isinstance(two, float):
        return math.isclose(one, two, rel_tol=LIVETIME_TOLERANCE)
    return one is None or two is None or one == two


def _excesses(good: Run, run: Run) -> list[str]:
    """Say in what the good-run list gives more than the run has."""
    said = []
    if good.start and run.start and good.start < run.start - SLACK:
        said.append(f"starts at {run.start}, in the good-run list already at {good.start}")
    if good.stop and run.stop and good.stop > run.stop + SLACK:
        said.append(f"stops at {run.stop}, in the good-run list only at {good.stop}")
    if good.livetime is not None and run.livetime is not None:
        most = max(run.livetime * (1 + LIVETIME_TOLERANCE), run.livetime + SLACK.total_seconds())
        if good.livetime > most:
            said.append(
                f"has a livetime of {run.livetime} s, in the good-run list {good.livetime} s"
            )
    return said
