"""Reader of the prototype of published event files that astropy wrote (HDF5).

Layout: tables ``ID`` (events and their times), ``RECO/RECO_EVENTS`` (reconstructed tracks),
``MC/MC_EVENTS`` (simulated particles) and ``HEADER`` (texts); units and kinds of times stand beside
each in astropy's YAML (``<table>.__table_column_meta__``). They are joined by ``event_id``, never
by row. Nothing says detector, run or frame, so events are named after the file and ``event_id``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from astropy.table.meta import YamlParseError, get_header_from_yaml
from astropy.units import Unit
from numpy.typing import NDArray

from vopub.errors import InputError
from vopub.events.coordinates import zenith_azimuth
from vopub.events.flat_tracks import FlatTracks, best_tracks, direction_of_flight
from vopub.events.identifiers import name_of_list
from vopub.events.readers.base import EventChunk, FileHeader, Reader, all_but, closed_if_refused
from vopub.events.readers.km3pipe_tables import Ordered, Rows, Table, reading
from vopub.events.readers.run_metadata import is_simulation_header
from vopub.events.reconstruction import (
    AANET_RECONSTRUCTION_TYPE,
    DUSJ_RECONSTRUCTION_TYPE,
    JPP_RECONSTRUCTION_TYPE,
    JSHOWERBEGIN,
)
from vopub.events.times import NANOSECONDS, Times, from_julian_date
from vopub.events.tracks import BestTracks, Floats, Mask, numbers
from vopub.model.event_table import Column

LAYOUT = "event file written with astropy"
EVENTS, RECO, TRUTH, HEADER = "ID", "RECO/RECO_EVENTS", "MC/MC_EVENTS", "HEADER"
META = ".__table_column_meta__"
KEY = "event_id"
TIME = "timeslice_utc_time"
UNITS = {
    "energy": "GeV", "theta_detectorframe": "rad", "phi_detectorframe": "rad", "tracktime_ns": "ns",
}  # fmt: skip
"""Units in which columns are taken; where the file gives none, these are what it means."""
RECO_COLUMNS = (*UNITS, "likelihood", "rec_type", "rec_stage")
TRUE_COLUMNS = ("energy", "theta_detectorframe", "phi_detectorframe", "pdg_id")
GIVES = (
    "event_id", "ra", "dec", "mjd", "unix_time", "energy", "zenith", "azimuth", "likelihood",
)  # fmt: skip
TRUE_GIVES = ("mc_energy", "mc_zenith", "mc_azimuth", "mc_pdgid")
TYPES = {
    JPP_RECONSTRUCTION_TYPE: "jmuon",
    AANET_RECONSTRUCTION_TYPE: "aashower",
    DUSJ_RECONSTRUCTION_TYPE: "dusj",
}
"""What the reconstructions are called whose tracks are of a type."""


class AstropyTableReader(Reader):
    """An open file of the prototype.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        If it is damaged, lacks a table or column, or says things in units that cannot be had.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with reading(path, "the HDF5 file"):
            self._file = h5py.File(path, "r")
        with closed_if_refused(self._file.close):
            self._events = self._ordered(EVENTS, (f"{TIME}.jd1", f"{TIME}.jd2"))
            self._reco = self._ordered(RECO, RECO_COLUMNS)
            self._truth = self._ordered(TRUTH, TRUE_COLUMNS) if self._has(TRUTH) else None
            self._factors = {RECO: self._units(RECO)}
            if self._truth is not None:
                self._factors[TRUTH] = self._units(TRUTH)
            self._check_scale()
            self._keywords = self._read_keywords()
        if self._events.repeated is not None:
            what = f"{KEY} {self._events.repeated} is in table {EVENTS} twice"
            raise InputError(what, where=path)

    @classmethod
    def recognises(cls, path: Path, beginning: bytes) -> bool:  # noqa: ARG003
        """Tell whether this is an HDF5 file with the tables of the prototype."""
        with reading(path, "the HDF5 file"), h5py.File(path, "r") as file:
            return EVENTS + META in file and RECO in file

    @property
    def header(self) -> FileHeader:
        """What the file says about itself."""
        simulated = self._truth is not None or is_simulation_header(self._keywords)
        gives = GIVES if self._truth is None else (*GIVES, *TRUE_GIVES)
        return FileHeader(
            name=self._path.name,
            layout=LAYOUT,
            uuid=None,
            runs=(),
            simulated=simulated or None,
            lacks=all_but(gives),
        )

    @property
    def entries(self) -> int:
        """Number of events."""
        return len(self._events)

    def chunks(self, rows: int) -> Iterator[EventChunk]:
        """Yield all events in the order of their ``event_id``, at most ``rows`` at a time.

        Raises
        ------
        InputError
            If the file is damaged, or a track belongs to no event.
        """
        low: int | None = None
        for start in range(0, max(1, self.entries), rows):
            read = self._events.read(start, start + rows + 1)
            high = int(read[KEY][rows]) if len(read) > rows else None
            events = read[:rows]
            reco = self._of_events(self._reco, events, low, high)
            truth = None if self._truth is None else self._of_events(self._truth, events, low, high)
            if len(events):
                yield self._chunk(events, reco, truth)
            low = high

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _ordered(self, name: str, numbers: tuple[str, ...]) -> Ordered:
        if not self._has(name):
            raise InputError(f"there is no table {name}", where=self._path)
        table = Table(self._path, self._file, name)
        for column in numbers:
            table.need((column,), "fiu")
        return Ordered(table, table.need((KEY,), "iu"))

    def _has(self, name: str) -> bool:
        with reading(self._path, f"table {name}"):
            return name in self._file

    def _of_events(self, table: Ordered, events: Rows, low: int | None, high: int | None) -> Rows:
        """Return the rows from one chunk's first event to the next's; all belong to an event."""
        rows = table.between(low, high)
        strange = ~np.isin(rows[KEY], events[KEY])
        if strange.any():
            row = rows[KEY][np.argmax(strange)]
            what = f"a row of {table.table.name} has {KEY} {row}, which is not in table {EVENTS}"
            raise InputError(what, where=self._path)
        return rows

    def _chunk(self, events: Rows, reco: Rows, truth: Rows | None) -> EventChunk:
        time, known = from_julian_date(events[f"{TIME}.jd1"], events[f"{TIME}.jd2"])
        delay = np.where(known, 0.0, np.nan)
        tracks = {
            name: self._best(events, reco[_kinds(reco) == name], delay)
            for name in np.unique(_kinds(reco))
            if name
        }
        names = [f"{name_of_list(self._path)}.{number}" for number in events[KEY]]
        return EventChunk(
            _parts(time),
            FlatTracks(len(events), tracks),
            {} if truth is None else self._true_values(events, truth),
            identifiers=np.array(names, dtype=object),
        )

    def _best(self, events: Rows, reco: Rows, delay: Floats) -> tuple[Mask, BestTracks]:
        """Return the tracks of one reconstruction; of several of one event the likeliest.

        The delays of all events, in ns, are added to the times of the tracks.
        """
        likelihood = np.nan_to_num(reco["likelihood"].astype(np.float64), nan=-np.inf)
        reco = reco[np.lexsort((-likelihood, reco[KEY]))]
        keys, first = np.unique(reco[KEY], return_index=True)
        reco, found = reco[first], np.isin(events[KEY], keys)
        return found, best_tracks(
            direction_of_flight(*self._angles(RECO, reco)),
            t=self._numbers(RECO, reco, "tracktime_ns") + delay[found],
            energy=self._numbers(RECO, reco, "energy"),
            likelihood=self._numbers(RECO, reco, "likelihood"),
        )

    def _true_values(self, events: Rows, truth: Rows) -> dict[str, Column]:
        """Return what was simulated: of several particles of an event the first."""
        keys, first = np.unique(truth[KEY], return_index=True)
        truth, found = truth[first], np.isin(events[KEY], keys)
        zenith, azimuth = zenith_azimuth(direction_of_flight(*self._angles(TRUTH, truth)))
        energy = self._numbers(TRUTH, truth, "energy")
        kind = np.zeros(len(events), dtype=np.int64)
        kind[found] = truth["pdg_id"]
        values = {"mc_energy": energy, "mc_zenith": zenith, "mc_azimuth": azimuth}
        return {"mc_pdgid": kind, **{n: _spread(found, known) for n, known in values.items()}}

    def _angles(self, table: str, rows: Rows) -> tuple[Floats, Floats]:
        return (
            self._numbers(table, rows, "theta_detectorframe"),
            self._numbers(table, rows, "phi_detectorframe"),
        )

    def _numbers(self, table: str, rows: Rows, name: str) -> Floats:
        return numbers(rows[name]) * self._factors[table].get(name, 1.0)

    def _meta(self, table: str) -> dict[str, Any]:
        """Return what astropy wrote about a table."""
        with reading(self._path, f"table {table}{META}"):
            lines = [line.decode() for line in self._file[table + META][:]]
        try:
            meta: dict[str, Any] = get_header_from_yaml(lines)
        except YamlParseError as error:
            what = f"table {table}{META} is no YAML as astropy writes it"
            raise InputError(what, where=self._path) from error
        return meta

    def _units(self, table: str) -> dict[str, float]:
        """Return what to multiply columns with to have them in `UNITS`."""
        there = {c["name"]: c.get("unit") for c in self._meta(table)["datatype"]}
        return {
            name: self._factor(table, name, there[name])
            for name in UNITS
            if there.get(name) is not None
        }

    def _factor(self, table: str, name: str, unit: str) -> float:
        try:
            return float(Unit(unit).to(Unit(UNITS[name])))
        except (ValueError, TypeError) as error:
            what = f"column {name} of {table} is in {unit!r}, which is no {UNITS[name]}"
            raise InputError(what, where=self._path) from error

    def _check_scale(self) -> None:
        columns = self._meta(EVENTS).get("meta", {}).get("__serialized_columns__", {})
        scale = columns.get(TIME, {}).get("scale", "utc")
        if scale != "utc":
            raise InputError(f"column {TIME} of {EVENTS} is in {scale}, not utc", where=self._path)

    def _read_keywords(self) -> Mapping[str, str]:
        """Return the texts of the header, which is that of the simulation."""
        if not self._has(HEADER):
            return {}
        with reading(self._path, f"table {HEADER}"):
            rows = self._file[HEADER][:]
            return {row["Parameter"].decode(): row["Value"].decode() for row in rows}


def _kinds(reco: Rows) -> NDArray[np.str_]:
    """Return the reconstruction of each track, empty if it is none that is known.

    The file that this layout is known from has the two columns exchanged: all its tracks are of
    type 0 and stage 4000.
    """
    known = np.isin(reco["rec_type"], list(TYPES))
    number = np.where(known, reco["rec_type"], reco["rec_stage"])
    stage = np.where(known, reco["rec_stage"], reco["rec_type"])
    kinds = np.array([TYPES.get(int(n), "") for n in number], dtype=np.str_)
    return np.where((kinds == "jmuon") & (stage >= JSHOWERBEGIN), "jshower", kinds)


def _parts(time: Times) -> dict[str, Times]:
    seconds, rest = np.divmod(time, NANOSECONDS)
    return {"t_sec": seconds, "t_ns": rest}


def _spread(found: Mask, known: Floats) -> Floats:
    """Return values of all events, NaN where none is known."""
    values = np.full(len(found), np.nan)
    values[found] = known
    return values
