"""Reader of lists of events as text: one line per event, columns named in a line above.

The columns may be separated by tabs, commas, semicolons, bars or spaces, in any order. Which
parameter a column is, its name tells (`COLUMNS`); its unit is that of the catalogue unless it
stands in brackets behind the name or in a line below. Such lists give positions on the sky, and
nothing of run and frame, so the events are named after the list and their row.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.units import Unit, dimensionless_unscaled
from numpy.typing import NDArray

from vopub.errors import InputError, did_you_mean
from vopub.events.flat_tracks import FlatTracks
from vopub.events.identifiers import Integers, name_of_list
from vopub.events.readers.base import EventChunk, FileHeader, Reader, all_but
from vopub.events.times import NANOSECONDS, from_modified_julian_date
from vopub.events.tracks import BestTracks, Floats
from vopub.events.tracks import numbers as without_sentinel
from vopub.model.catalogue import parameter

LAYOUT = "list of events (text)"
GIVEN = "given"
"""Name of the only reconstruction of a list, which does not say what it is."""

COLUMNS = {
    "event_id": ("event_id", "id", "name", "event"),
    "ra": ("ra", "raj2000", "ra_j2000", "ra_deg", "right_ascension", "alpha"),
    "dec": ("dec", "decl", "dej2000", "decj2000", "dec_j2000", "dec_deg", "declination", "delta"),
    "mjd": ("mjd", "mjd_utc", "time_mjd", "t_mjd"),
    "angular_error": ("angular_error", "beta", "ang_err", "angerr", "sigma", "error"),
    "energy": ("energy", "energy_gev", "e", "e_reco"),
    "likelihood": ("likelihood", "lik", "log_likelihood", "lambda"),
    "n_hits": ("n_hits", "nhit", "nhits", "n_hit"),
}
"""How columns of lists are called, in lower case, by the parameter that they are."""
REQUIRED = ("ra", "dec")
MOST_HEADER_LINES = 20
"""The names of the columns stand at most this far down."""
LONGEST_HEADER = 4096
"""The line with the names of the columns has at most this many characters."""
NOT_AVAILABLE = frozenset({"", "nan", "null", "none", "-", "--", "n/a"})
"""Fields, in lower case, that hold no number."""

_PARAMETERS = {alias: name for name, aliases in COLUMNS.items() for alias in aliases}
_SEPARATORS = "\t,;|"
_FULL_TURN = 360.0
_NAME = re.compile(r"(?P<name>[^\[(]*?)\s*(?:[\[(](?P<unit>[^\])]*)[\])])?")


@dataclass(frozen=True, slots=True)
class _Format:
    """How the lines of a list are to be read."""

    separator: str
    """Empty for white space."""
    columns: tuple[str, ...]
    """The parameter that each column is."""
    names: tuple[str, ...]
    """What the list calls it."""
    factors: tuple[float, ...]
    """What to multiply its numbers with."""
    first_line: int
    """Number of the first line of events, from 1."""


class TextReader(Reader):
    """An open list of events.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        If it is no UTF-8, a column is unknown, missing or twice, or a unit cannot be had.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._format = _find_format(path)
        self._list = name_of_list(path)

    @classmethod
    def recognises(cls, path: Path, beginning: bytes) -> bool:  # noqa: ARG003
        """Tell whether this is text in which a line names two columns or more."""
        try:
            text = beginning.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if error.start < len(beginning) - 4:  # not just a character cut in two
                return False
            text = beginning[: error.start].decode("utf-8-sig")
        return "\0" not in text and _names_line(text.splitlines()) is not None

    @property
    def header(self) -> FileHeader:
        """What the list says about itself: hardly anything."""
        gives = {*self._format.columns, "event_id"}
        if "mjd" in gives:
            gives |= {"unix_time", "zenith", "azimuth"}
        return FileHeader(
            name=self._path.name,
            layout=LAYOUT,
            uuid=None,
            runs=(),
            simulated=None,
            lacks=all_but(gives),
        )

    @property
    def entries(self) -> int:
        """Number of events."""
        return sum(1 for _ in self._rows())

    def chunks(self, rows: int) -> Iterator[EventChunk]:
        """Yield all events in order, at most ``rows`` at a time.

        Raises
        ------
        InputError
            If a line has another number of fields than the list has columns, or a field that
            should be a number is none.
        """
        lines = self._rows()
        number = 1
        while taken := list(itertools.islice(lines, rows)):
            yield self._chunk(taken, number)
            number += len(taken)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of each line that holds an event, and its fields."""
        with _reading(self._path) as lines:
            for number, line in enumerate(lines, start=1):
                if number >= self._format.first_line and _is_content(line):
                    where = f"{self._path}, line {number}"
                    fields = _split(line, self._format.separator, where)
                    self._check_length(fields, number)
                    yield number, fields

    def _check_length(self, fields: Sequence[str], line: int) -> None:
        expected = self._format.names
        if len(fields) != len(expected):
            raise InputError(
                f"{len(fields)} fields, where {len(expected)} columns are named",
                where=f"{self._path}, line {line}",
                hint=f"the columns are {', '.join(expected)}",
            )

    def _chunk(self, rows: Sequence[tuple[int, list[str]]], first: int) -> EventChunk:
        numbers = {
            name: self._numbers(rows, place)
            for place, name in enumerate(self._format.columns)
            if name != "event_id"
        }
        length = len(rows)
        events, t = _times(numbers.get("mjd"))
        best = BestTracks(
            direction=np.full((length, 3), np.nan),
            t=np.zeros(length) if t is None else t,
            energy=numbers.get("energy", np.full(length, np.nan)),
            length=np.full(length, np.nan),
            likelihood=numbers.get("likelihood", np.full(length, np.nan)),
            angular_error=np.radians(numbers.get("angular_error", np.full(length, np.nan))),
            n_hits=numbers.get("n_hits", np.zeros(length)),
            sky=np.stack([_below_full_turn(numbers["ra"]), numbers["dec"]], axis=1),
        )
        tracks = FlatTracks(length, {GIVEN: (np.ones(length, dtype=bool), best)})
        # As it stands in the list: to radians and back would change the last digit.
        given = {n: numbers[n] for n in ("angular_error",) if n in numbers}
        return EventChunk(events, tracks, given, identifiers=self._identifiers(rows, first))

    def _identifiers(
        self, rows: Sequence[tuple[int, list[str]]], first: int
    ) -> NDArray[np.object_]:
        if "event_id" not in self._format.columns:
            names = [f"{self._list}.{number}" for number in range(first, first + len(rows))]
            return np.array(names, dtype=object)
        place = self._format.columns.index("event_id")
        for line, fields in rows:
            if not fields[place]:
                raise self._bad_field(line, place, "is empty, but is to name the event")
        return np.array([fields[place] for _, fields in rows], dtype=object)

    def _numbers(self, rows: Sequence[tuple[int, list[str]]], place: int) -> Floats:
        numbers = np.empty(len(rows))
        for row, (line, fields) in enumerate(rows):
            text = fields[place]
            try:
                numbers[row] = _number(text)
            except ValueError:
                raise self._bad_field(line, place, f"{text!r} is not a number") from None
        return without_sentinel(numbers) * self._format.factors[place]

    def _bad_field(self, line: int, place: int, what: str) -> InputError:
        where = f"{self._path}, line {line}, column {self._format.names[place]}"
        return InputError(what, where=where, hint="correct the list")


def _find_format(path: Path) -> _Format:
    with _reading(path) as lines:
        head = list(itertools.islice(lines, MOST_HEADER_LINES + 1))
    place = _names_line(head)
    if place is None:
        wanted = ", ".join(REQUIRED)
        raise InputError("no line names the columns", where=path, hint=f"name at least {wanted}")
    line = head[place].lstrip("#! ")
    separator = next((s for s in _SEPARATORS if s in line), "")
    where = f"{path}, line {place + 1}"
    names, units = _parted(_split(line, separator, where))
    columns = _columns(names, where)
    next_line = head[place + 1].lstrip("#! ") if place + 1 < len(head) else ""
    below = _split(next_line, separator, f"{path}, line {place + 2}")
    units_below = len(below) == len(names) and _are_units(columns, below)
    if units_below:
        units = [unit or _bare(text) for unit, text in zip(units, below, strict=True)]
    factors = [_factor(*given, where) for given in zip(columns, names, units, strict=True)]
    first_line = place + 2 + units_below
    return _Format(separator, columns, tuple(names), tuple(factors), first_line)


def _names_line(lines: Sequence[str]) -> int | None:
    """Return the place of the first line in which two known columns are named, or None."""
    for place, line in enumerate(lines[:MOST_HEADER_LINES]):
        text = line.lstrip("#! \ufeff")[:LONGEST_HEADER]
        separator = next((s for s in _SEPARATORS if s in text), "")
        names, _ = _parted(_split(text, separator, f"line {place + 1}"))
        if len({_PARAMETERS[name.lower()] for name in names if name.lower() in _PARAMETERS}) > 1:
            return place
    return None


def _parted(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return names of columns, and the units that stand behind them in brackets."""
    found = [_NAME.fullmatch(text) for text in texts]
    names = [t if m is None else m["name"] for t, m in zip(texts, found, strict=True)]
    return names, ["" if m is None else (m["unit"] or "") for m in found]


def _columns(names: Sequence[str], where: str) -> tuple[str, ...]:
    for name in names:
        if name.lower() not in _PARAMETERS:
            hint = did_you_mean(name.lower(), _PARAMETERS)
            raise InputError(f"unknown column {name!r}", where=where, hint=hint)
    columns = tuple(_PARAMETERS[name.lower()] for name in names)
    for column in columns:
        if columns.count(column) > 1:
            twice = [n for n, c in zip(names, columns, strict=True) if c == column]
            raise InputError(f"columns {' and '.join(twice)} are both {column}", where=where)
    for required in REQUIRED:
        if required not in columns:
            hint = f"it may be called {', '.join(COLUMNS[required])}; there are {', '.join(names)}"
            raise InputError(f"no column is {required}", where=where, hint=hint)
    return columns


def _factor(column: str, name: str, unit: str, where: str) -> float:
    """Return what to multiply numbers in a unit with to have them in the catalogue's."""
    ours = parameter(column).unit
    if not unit or unit == ours:
        return 1.0
    try:
        given = Unit(unit, parse_strict="raise")
        return float(given.to(Unit(ours, format="vounit") if ours else dimensionless_unscaled))
    except (ValueError, TypeError) as error:
        hint = f"it is to be {ours}" if ours else "it has no unit"
        what = f"{unit!r} is not a unit of {column}"
        raise InputError(what, where=f"{where}, column {name}", hint=hint) from error


def _split(line: str, separator: str, where: str) -> list[str]:
    if not separator:
        return line.split()
    try:
        fields = next(csv.reader([line.rstrip("\r\n")], delimiter=separator), [])
    except csv.Error as error:
        what = f"cannot be parted into fields ({error})"
        raise InputError(what, where=where, hint="correct the list") from error
    return [field.strip() for field in fields]


def _is_content(line: str) -> bool:
    text = line.strip()
    return bool(text) and not text.startswith("#")


def _are_units(columns: Sequence[str], texts: Sequence[str]) -> bool:
    """Tell whether the line under the names holds units: some text, and nothing else.

    A line of an event that says nothing but its name holds none.
    """
    said = [text for column, text in zip(columns, texts, strict=True) if column != "event_id"]
    units = [text for text in said if _bare(text).lower() not in NOT_AVAILABLE]
    return bool(units) and not any(map(_is_number, texts))


def _number(text: str) -> float:
    """Return the number that a field holds, NaN if it says that there is none."""
    if text.lower() in NOT_AVAILABLE:
        return np.nan
    if "_" in text:  # which Python allows between digits
        raise ValueError(text)
    return float(text)


def _is_number(text: str) -> bool:
    try:
        return not np.isnan(_number(text))
    except ValueError:
        return False


def _bare(unit: str) -> str:
    """Return a unit without brackets around it; a dash is none."""
    return unit.strip("[]() -")


def _below_full_turn(degrees: Floats) -> Floats:
    """Return angles with a full turn, which is the same as none, as 0."""
    return np.where(degrees == _FULL_TURN, 0.0, degrees)


def _times(mjd: Floats | None) -> tuple[dict[str, Integers], Floats | None]:
    """Return the times of events as their chunk has them, and of the tracks: 0, or NaN if none."""
    if mjd is None:
        return {}, None
    time, known = from_modified_julian_date(mjd)
    seconds, rest = np.divmod(time, NANOSECONDS)
    return {"t_sec": seconds, "t_ns": rest}, np.where(known, 0.0, np.nan)


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    try:
        with path.open(encoding="utf-8-sig", newline=None) as lines:
            yield lines
    except UnicodeDecodeError as error:
        what = f"byte {error.object[error.start]:#04x} is no UTF-8"
        raise InputError(what, where=path, hint="save the list as UTF-8") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot be read: {reason}", where=path, hint="check the path") from error
