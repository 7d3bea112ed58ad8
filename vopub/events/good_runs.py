"""Good-run lists: which runs, and which part of each, may be used, as a table in a file.

A list is CSV, or ECSV as astropy writes it, with the columns ``detector_id``, ``run``, ``start``,
``stop``, ``livetime`` and, if wanted, ``quality``. Times are UTC, as ISO 8601 text or Modified
Julian Dates; the livetime is in seconds, or in the unit that an ECSV column states.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from vopub.errors import DescriptionError, Problem, did_you_mean
from vopub.events.identifiers import Integers
from vopub.events.overlaps import SLACK, overlapping
from vopub.events.times import MJD_OF_1970, Times, from_datetime
from vopub.files import cannot
from vopub.model.data_taking import Run
from vopub.model.event_table import NOT_IN_LIST

NEEDED = ("detector_id", "run", "start", "stop", "livetime")
OPTIONAL = ("quality",)
NOT_IN_TIME = "outside the start and stop of the good-run list"
"""Name of the cut that leaves out events of the other parts of runs."""
MOST_PROBLEMS = 20
"""How many problems of one list are told."""

__all__ = ["NOT_IN_LIST", "NOT_IN_TIME", "GoodRunList", "read_good_runs"]

_ECSV = "# %ECSV"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = datetime(2005, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_Row = tuple[str, Mapping[str, Any]]
"""Where a row stands, and its values."""


@dataclass(frozen=True)
class GoodRunList:
    """The runs that may be used.

    Parameters
    ----------
    runs
        Each with start, stop and livetime; every pair of detector and run at most once.
    """

    runs: tuple[Run, ...]

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.int64], Times, Times]:
        """Keys in order, and start and stop for each."""
        rows = sorted(
            (_key(run.detector_id, run.run), from_datetime(run.start), from_datetime(run.stop))
            for run in self.runs
            if run.start is not None and run.stop is not None
        )
        key, start, stop = np.array(rows, dtype=np.int64).reshape(-1, 3).T
        return key, start, stop

    def names(self, detector: Integers, run: Integers) -> NDArray[np.bool_]:
        """Tell which events, by their detector and run, belong to a run of the list."""
        return self._find(detector, run)[0]

    def covers(self, detector: Integers, run: Integers, time: Times) -> NDArray[np.bool_]:
        """Tell which events, by their detector, run and time, lie in the good part of their run.

        Start and stop belong to it. ``time`` is in nanoseconds since 1970.
        """
        found, place = self._find(detector, run)
        _, start, stop = self._sorted
        inside: NDArray[np.bool_] = (start[place] <= time) & (time <= stop[place])
        return found & inside

    def _find(
        self, detector: Integers, run: Integers
    ) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        wanted: Times = _key(detector.astype(np.int64), run.astype(np.int64))
        keys = self._sorted[0]
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.equal(keys[place], wanted), place


def _key(detector: Any, run: Any) -> Any:
    """Return one number for detector and run, both 32-bit integers."""
    return detector * (1 << 32) + run


def read_good_runs(path: Path) -> GoodRunList:
    """Read a good-run list.

    Raises
    ------
    FileError
        If the file cannot be read.
    DescriptionError
        With everything that is wrong in it, each with its place: columns that are missing or
        unknown, values that cannot be, runs that are there twice or overlap.
    """
    problems: list[Problem] = []
    runs: list[tuple[str, Run]] = []
    for place, row in _rows(path):
        try:
            runs.append((place, _run(row)))
        except ValidationError as error:
            problems += [_told(place, row, detail) for detail in error.errors()]
        except ValueError as error:
            problems.append(Problem(place, str(error)))
    problems += _contradictions(runs)
    if not runs and not problems:
        problems.append(Problem("", "names no run", "without good_runs all runs are taken"))
    if len(problems) > MOST_PROBLEMS:
        more = Problem("", f"and {len(problems) - MOST_PROBLEMS} more problems")
        problems = [*problems[:MOST_PROBLEMS], more]
    if problems:
        raise DescriptionError(problems, where=path)
    return GoodRunList(tuple(run for _, run in runs))


def _rows(path: Path) -> Iterator[_Row]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise cannot("read", path, error) from error
    except UnicodeDecodeError as error:
        raise DescriptionError([Problem("", "is not UTF-8 text")], where=path) from error
    rows = _ecsv_rows(text, path) if text.startswith(_ECSV) else _csv_rows(text, path)
    yield from rows


def _csv_rows(text: str, path: Path) -> Iterator[_Row]:
    reader = csv.reader(text.splitlines(), skipinitialspace=True, strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        _check_columns(names, path)
        for cells in reader:
            place = f"line {reader.line_num}"
            if len(cells) == len(names):
                yield place, dict(zip(names, map(str.strip, cells), strict=True))
            elif cells:
                what = f"has {len(cells)} values for {len(names)} columns"
                raise DescriptionError([Problem(place, what)], where=path)
    except csv.Error as error:
        place = f"line {reader.line_num}"
        raise DescriptionError([Problem(place, f"is not CSV: {error}")], where=path) from error


def _ecsv_rows(text: str, path: Path) -> Iterator[_Row]:
    # Imported here: astropy's tables take long to load, and most lists are CSV.
    from astropy.table import Table  # noqa: PLC0415

    try:
        table = Table.read(text.splitlines(), format="ascii.ecsv")
        if table.colnames.count("livetime") and table["livetime"].unit is not None:
            table["livetime"] = table["livetime"].to("s").value
    except (ValueError, TypeError, KeyError) as error:
        what = f"is not ECSV: {str(error).splitlines()[0]:.200}"
        raise DescriptionError([Problem("", what)], where=path) from error
    _check_columns(table.colnames, path)
    for number, row in enumerate(table, start=1):
        yield f"row {number}", {name: _plain(row[name]) for name in table.colnames}


def _plain(value: Any) -> Any:
    """Return what a cell of an astropy table holds; nothing for a masked one."""
    if value is np.ma.masked:
        return ""
    if hasattr(value, "to_datetime"):
        return value.utc.to_datetime(timezone=UTC)
    return value.item() if isinstance(value, np.generic) else value


def _check_columns(names: list[str], path: Path) -> None:
    known = (*NEEDED, *OPTIONAL)
    wrong = [
        Problem(f"column {name}", "is unknown", did_you_mean(name, known))
        for name in names
        if name not in known
    ]
    wrong += [Problem(f"column {n}", "is there twice") for n in known if names.count(n) > 1]
    wrong += [Problem(f"column {n}", "is missing") for n in NEEDED if n not in names]
    if wrong:
        raise DescriptionError(wrong, where=path)


def _run(row: Mapping[str, Any]) -> Run:
    livetime = float(row["livetime"])
    if not math.isfinite(livetime):
        raise ValueError(f"livetime is {livetime}")
    run = Run(
        detector_id=row["detector_id"],
        run=row["run"],
        start=_time(row["start"], "start"),
        stop=_time(row["stop"], "stop"),
        livetime=livetime,
        quality=str(row.get("quality", "")),
        source="good-run list",
    )
    if not -(1 << 31) <= run.detector_id < 1 << 31 or not 0 <= run.run < 1 << 31:
        raise ValueError(f"detector {run.detector_id}, run {run.run} cannot be")
    _check_livetime(run)
    return run


def _check_livetime(run: Run) -> None:
    """Refuse more livetime than time; clocks and rounding may make a second of difference."""
    if run.start is not None and run.stop is not None and run.livetime is not None:
        lasts = run.stop - run.start
        if run.livetime > (lasts + SLACK).total_seconds():
            raise ValueError(
                f"run {run.run} has a livetime of {run.livetime} s, it lasts only "
                f"{lasts.total_seconds()} s"
            )


def _time(value: Any, name: str) -> datetime:
    """Return a time given as ISO 8601, UTC unless it says otherwise, or as MJD."""
    try:
        time = _from_text(value) if isinstance(value, str) else value
        if isinstance(time, float | int):
            time = _EPOCH + timedelta(days=time - MJD_OF_1970)
    except (ValueError, OverflowError):
        time = None
    if not isinstance(time, datetime):
        what = f"{name} {value!r} is neither ISO 8601 (2021-02-24T12:00:05Z) nor an MJD"
        raise ValueError(what)  # noqa: TRY004  # a wrong value in a file, not a wrong call
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    if not _EARLIEST <= time <= _LATEST:
        raise ValueError(f"{name} {value!r} is not a time of data taking")
    return time


def _from_text(text: str) -> datetime | float:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return float(text)


def _told(place: str, row: Mapping[str, Any], detail: Any) -> Problem:
    name = ".".join(map(str, detail["loc"]))
    message = detail["msg"].removeprefix("Value error, ")
    return Problem(place, f"{name} {row.get(name)!r}: {message}" if name else message)


def _contradictions(runs: Iterable[tuple[str, Run]]) -> Iterator[Problem]:
    places: dict[tuple[int, int], str] = {}
    once = []
    for place, run in runs:
        first = places.setdefault((run.detector_id, run.run), place)
        if first is place:
            once.append(run)
        else:
            what = f"run {run.run} of detector {run.detector_id} is also in {first}"
            yield Problem(place, what, "name each run once")
    for one, other in overlapping(once):
        place = places[other.detector_id, other.run]
        what = f"run {other.run} of detector {other.detector_id} overlaps with run {one.run}"
        yield Problem(place, what, "a detector takes one run at a time")
