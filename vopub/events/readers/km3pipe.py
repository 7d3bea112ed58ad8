"""Reader of the HDF5 files that km3pipe writes, in its format versions 4.1 to 5.1.

``/event_info`` has one row per event, ``/reco`` the reconstructed tracks, ``/mc_tracks`` the
simulated particles and ``/raw_header`` what the simulation or the detector said. Rows that belong
together have the same ``group_id``, before version 5 the same ``event_id``; their order says
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from uuid import UUID

import h5py
import numpy as np

from vopub.errors import InputError, did_you_mean
from vopub.events.history import hdf5_history
from vopub.events.identifiers import IDENTITY, Integers, name_of_list, of_runs
from vopub.events.lazy import Lazy
from vopub.events.readers.base import EventChunk, FileHeader, Reader, closed_if_refused
from vopub.events.readers.km3pipe_reco import (
    FLAT_TABLES,
    STAGES,
    TRACKS,
    FlatSource,
    FlatTable,
    JaggedSource,
    Km3pipeTracks,
)
from vopub.events.readers.km3pipe_tables import Ascending, Ordered, Rows, Table, reading, text_of
from vopub.events.readers.km3pipe_truth import TRUE_VALUES, TRUTH, WEIGHTS, TruthSource
from vopub.events.readers.run_metadata import describe_runs, is_simulation_header
from vopub.events.readers.w2list import by_generator, columns_listed, listed_numbers
from vopub.model.event_table import Column
from vopub.model.provenance import PriorStep

EVENTS, HEADER = "event_info", "raw_header"
EVENT_COLUMNS = {
    "event_number": ("event_id",), "detector_id": ("det_id",), "run_id": ("run_id",),
    "frame_index": ("frame_index",), "trigger_counter": ("trigger_counter",),
    "trigger_mask": ("trigger_mask",), "overlays": ("overlays",),
    "t_sec": ("timestamp", "utc_seconds"), "t_ns": ("nanoseconds", "utc_nanoseconds"),
}  # fmt: skip
"""Columns of ``/event_info`` in their spellings since version 4.1."""
KEYS = ("group_id", "event_id")
OLDEST, NEWEST = (4, 1), (5, 1)
"""Versions of the format; later ones with the same first number are tried."""
MOST_BYTES = 32 << 20
"""How much of a file is unpacked at a time, so that memory stays bounded for any file."""

_OF_TIME = ("mjd", "unix_time", "ra", "dec", "mc_ra", "mc_dec")
"""Known parameters that need the time of the event."""


class Km3pipeReader(Reader):
    """An open HDF5 file of km3pipe.

    Events come in the order of their key, and their tracks and true values are read from the open
    file when they are asked for. Memory stays bounded for any file whose keys ascend, as km3pipe
    writes them; for others see `vopub.events.readers.km3pipe_tables.Ordered`.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        If it is truncated, damaged, of another version, lacks a dataset or a column, holds no
        reconstructed events, or has two events of one key.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._in_one_pass = False
        self._pairs_seen: set[tuple[int, int]] = set()
        with reading(path, "the HDF5 file"):
            self._file = h5py.File(path, "r", locking="best-effort")
        with closed_if_refused(self._file.close):
            self._attributes = self._read_attributes()
            self._version = self._read_version()
            self._table = self._event_table()
            self._jagged_tables, self._flat_tables = self._find_tracks()
            self._columns = self._event_columns()

    @classmethod
    def recognises(cls, path: Path, beginning: bytes) -> bool:
        """Tell whether this is an HDF5 file of km3pipe, or one that cannot be opened at all."""
        if not beginning.startswith(b"\x89HDF\r\n\x1a\n"):
            return False
        with (
            suppress(InputError),
            reading(path, "the HDF5 file"),
            h5py.File(path, "r", locking="best-effort") as file,
        ):
            return "km3pipe" in file.attrs or "format_version" in file.attrs or EVENTS in file
        return True

    @property
    def header(self) -> FileHeader:
        """What the file says about itself; in one pass, its runs so far."""
        return self._described() if self._in_one_pass else self._whole_header

    @cached_property
    def _whole_header(self) -> FileHeader:
        return self._described()

    def _described(self) -> FileHeader:
        head, uuid = self._head, self._uuid()
        return FileHeader(
            name=self._path.name,
            layout=f"km3pipe HDF5 {'.'.join(map(str, self._version))}",
            uuid=uuid,
            runs=describe_runs(self._pairs, (), head, where=self._path),
            simulated=self._simulated(head),
            history=self._history,
            lacks=frozenset(self._lacks()),
        )

    @property
    def entries(self) -> int:
        """Number of events."""
        return self._table.rows

    def chunks(self, rows: int) -> Iterator[EventChunk]:
        """Yield all events in the order of their key, at most ``rows`` at a time, fewer if large.

        Raises
        ------
        InputError
            If the file is damaged. The tracks and values of a chunk raise it too, also if there
            are rows of no event.
        """
        step = self._step(rows)
        low: int | None = None
        for start in range(0, self.entries, step):
            read = self._events.read(start, start + step + 1)
            high = int(read[self._key][step]) if len(read) > step else None
            yield self._chunk(read[:step], low, high)
            low = high

    def in_one_pass(self, rows: int) -> Iterator[EventChunk]:
        """Yield the same, without a look through large tables before it, if their keys ascend."""
        if self._table.small:
            return self.chunks(rows)
        self._in_one_pass = True
        events = Ascending(self._table, self._key, self._looking())
        return self._passing(events, events.first(self._step(rows)), self._step(rows))

    def _passing(
        self, events: Ascending, first: tuple[Rows, int | None], step: int
    ) -> Iterator[EventChunk]:
        low: int | None = None
        read, high = first
        while len(read):
            keys = np.asarray(read[self._key], dtype=np.int64)
            if (keys[1:] == keys[:-1]).any() or keys[-1] == high:
                raise self._repeated(self._key)
            yield self._chunk(read, low, high)
            low = high
            read, high = events.first(step)

    def _step(self, rows: int) -> int:
        """Return how many events are read at a time."""
        return max(1, min(rows, int(MOST_BYTES // self._bytes_per_event())))

    def _repeated(self, key: str) -> InputError:
        what = f"/{EVENTS} has two events of {key}"
        return InputError(what, where=self._path, hint="the file was not put together rightly")

    def find_summaries(self) -> Mapping[str, tuple[str, ...]]:
        """Return the names of what generators list, as far as the events have it."""
        return by_generator(self._listed)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read_attributes(self) -> dict[str, object]:
        with reading(self._path, "the attributes of the file"):
            return {
                name: value.decode(errors="replace") if isinstance(value, bytes) else value
                for name, value in self._file.attrs.items()
            }

    def _read_version(self) -> tuple[int, ...]:
        text = str(self._attributes.get("format_version", ""))
        try:
            version = tuple(int(part) for part in text.split("."))
        except ValueError:
            version = ()
        if not version or version < OLDEST or version[0] > NEWEST[0]:
            says = f"is {text}" if text else "is not in the file"
            hint = "versions 4.1 to 5.1 can be read"
            what = f"km3pipe's format_version {says}"
            raise InputError(what, where=self._path, hint=hint)
        return version

    def _has(self, name: str) -> bool:
        with reading(self._path, f"/{name}"):
            return name in self._file

    def _holds(self) -> list[str]:
        """Return the names of datasets and groups, without the indices of PyTables."""
        with reading(self._path, "its directory"):
            names = [name for name in self._file if not name.startswith("_i_")]
            if "reco" in names and isinstance(self._file["reco"], h5py.Group):
                names += [f"reco/{n}" for n in self._file["reco"] if not n.startswith("_i_")]
        return sorted(names)

    def _event_table(self) -> Table:
        if not self._has(EVENTS):
            what = f"no events: /{EVENTS} is missing; the file holds {', '.join(self._holds())}"
            hint = did_you_mean(EVENTS, self._holds()) if self._holds() else ""
            raise InputError(what, where=self._path, hint=hint)
        return Table(self._path, self._file, EVENTS)

    def _find_tracks(self) -> tuple[bool, dict[str, FlatTable]]:
        """Return whether all tracks are there, and the tables with the best by reconstruction."""
        has_tracks, has_stages = self._has(TRACKS), self._has(STAGES)
        # Of a DST, km3pipe writes the tracks without their stages, and the best ones beside them.
        jagged = has_tracks and has_stages
        flat: dict[str, FlatTable] = {}
        for layout in FLAT_TABLES:
            wanted = layout.is_best_of_all or not jagged
            if wanted and layout.reconstruction not in flat and self._has(layout.dataset):
                flat[layout.reconstruction] = layout
        if has_tracks and not has_stages and not any(t.is_best_of_all for t in flat.values()):
            hint = "extract the file from its ROOT file again, with h5extract --best-tracks"
            raise InputError(f"/{TRACKS} is there without /{STAGES}", where=self._path, hint=hint)
        if not jagged and not flat:
            what = (
                f"{self._table.rows} events, none of them reconstructed by anything known here; "
                f"the file holds {', '.join(self._holds())}"
            )
            hint = f"known are /{TRACKS}, " + ", ".join(f"/{t.dataset}" for t in FLAT_TABLES)
            raise InputError(what, where=self._path, hint=hint)
        return jagged, flat

    def _event_columns(self) -> dict[str, str]:
        found = {n: self._table.first_of(names, "iu") for n, names in EVENT_COLUMNS.items()}
        return {name: column for name, column in found.items() if column is not None}

    @cached_property
    def _key(self) -> str:
        return self._table.need(KEYS, "iu")

    @cached_property
    def _events(self) -> Ordered:
        """The events in the order of their key; looks through them for their runs, too."""
        events = Ordered(self._table, self._key, self._looking())
        if events.repeated is not None:
            raise self._repeated(f"{self._key} {events.repeated}")
        return events

    def _looking(self) -> Callable[[Rows], None] | None:
        """Return what notes the runs of events, if the file says these."""
        identified = all(name in self._columns for name in ("detector_id", "run_id"))
        return self._note_runs if identified else None

    def _note_runs(self, rows: Rows) -> None:
        detectors, runs = (
            np.asarray(rows[self._columns[n]], np.int64) for n in ("detector_id", "run_id")
        )
        new = np.ones(len(rows), dtype=bool)
        new[1:] = (detectors[1:] != detectors[:-1]) | (runs[1:] != runs[:-1])
        self._pairs_seen |= set(zip(detectors[new].tolist(), runs[new].tolist(), strict=True))

    @property
    def _pairs(self) -> set[tuple[int, int]]:
        """Pairs of detector and run that the events have."""
        if not self._in_one_pass:
            _ = self._events
        return self._pairs_seen

    def _ordered(self, name: str) -> Ordered | Ascending:
        table = Table(self._path, self._file, name)
        key = table.need((self._key,), "iu")
        if self._in_one_pass and not table.small:
            return Ascending(table, key)
        return Ordered(table, key)

    @cached_property
    def _flat(self) -> Mapping[str, FlatSource]:
        """What gives the best tracks; a table is looked at when its reconstruction is wanted."""
        return Lazy({name: partial(self._source, t) for name, t in self._flat_tables.items()})

    def _source(self, layout: FlatTable) -> FlatSource:
        return FlatSource(layout, self._ordered(layout.dataset))

    @cached_property
    def _jagged(self) -> JaggedSource:
        return JaggedSource(self._ordered(TRACKS), self._ordered(STAGES))

    @cached_property
    def _truth(self) -> TruthSource:
        return TruthSource(self._ordered(TRUTH))

    def _bytes_per_event(self) -> float:
        tables = [EVENTS, *(table.dataset for table in self._flat_tables.values())]
        tables += [TRACKS, STAGES] if self._jagged_tables else []
        sizes = (Table(self._path, self._file, name) for name in tables)
        return max(1.0, sum(t.rows * t.dtype.itemsize for t in sizes) / max(1, self.entries))

    def _chunk(self, rows: Rows, low: int | None, high: int | None) -> EventChunk:
        keys = np.asarray(rows[self._key], dtype=np.int64)
        events = {n: np.ascontiguousarray(rows[column]) for n, column in self._columns.items()}
        jagged = (lambda: self._jagged) if self._jagged_tables else None
        return EventChunk(
            events,
            Km3pipeTracks(keys, low, high, self._flat, jagged),
            self._values(rows, partial(self._true_values, keys, low, high)),
            identifiers=None if self._is_identified else self._names(rows),
        )

    def _true_values(self, keys: Any, low: int | None, high: int | None) -> Mapping[str, Column]:
        return self._truth.values(keys, low, high)

    def _values(self, rows: Rows, truth: Callable[[], Mapping[str, Column]]) -> Lazy[Column]:
        made: Lazy[Mapping[str, Column]] = Lazy({"": truth})
        makers: dict[str, Callable[[], Column]] = {
            name: partial(np.ascontiguousarray, rows[name], dtype=np.float64)
            for name in self._weights
        }
        makers |= {n: partial(listed_numbers, rows[own]) for n, own in self._listed.items()}
        if self._has_truth:
            makers |= {name: partial(lambda n: made[""][n], name) for name in TRUE_VALUES}
        return Lazy(makers)

    @cached_property
    def _weights(self) -> tuple[str, ...]:
        return tuple(name for name in WEIGHTS if self._table.first_of((name,), "fiu"))

    @cached_property
    def _listed(self) -> dict[str, str]:
        return columns_listed(self._table.dtype.names or ())

    @cached_property
    def _has_truth(self) -> bool:
        return self._has(TRUTH) and Table(self._path, self._file, TRUTH).rows > 0

    @property
    def _is_identified(self) -> bool:
        return all(name in self._columns for name in IDENTITY)

    def _names(self, rows: Rows) -> np.ndarray[Any, Any]:
        """Return names for events that the file does not say the frame of, or not even the run."""
        numbers: Integers = rows[self._columns.get("event_number", self._key)]
        if self._looking() is None:
            beginning = np.array(f"{name_of_list(self._path)}.")
        else:
            beginning = of_runs(*(rows[self._columns[n]] for n in ("detector_id", "run_id")))
        return np.strings.add(beginning, numbers.astype(np.str_)).astype(object)

    def _lacks(self) -> Iterator[str]:
        yield from (n for n in (*IDENTITY, "trigger_mask", "overlays") if n not in self._columns)
        if "t_sec" not in self._columns or "t_ns" not in self._columns:
            yield from _OF_TIME
        yield from (name for name in WEIGHTS if name not in self._weights)
        if not self._has_truth:
            yield from (*TRUE_VALUES, "mc_ra", "mc_dec")

    @cached_property
    def _history(self) -> tuple[PriorStep, ...]:
        return hdf5_history(self._path, self._attributes, self._head, self._uuid())

    @cached_property
    def _head(self) -> dict[str, str]:
        """Return what the simulation or the detector said: text by parameter."""
        if not self._has(HEADER):
            return {}
        table = Table(self._path, self._file, HEADER)
        names = [table.need((name,), "SO") for name in ("parameter", "field_values")]
        rows = table.read(0, table.rows)
        return {text_of(row[names[0]]): text_of(row[names[1]]) for row in rows}

    def _uuid(self) -> UUID | None:
        text = self._attributes.get("kid")
        if text is None:
            return None
        try:
            return UUID(str(text))
        except ValueError:
            what = f"its kid {text!r} is not a UUID"
            raise InputError(what, where=self._path) from None

    def _simulated(self, head: Mapping[str, str]) -> bool | None:
        """Tell whether the events are simulated: without any table of particles it is not known."""
        negative = any(detector < 0 for detector, _ in self._pairs)
        if negative or self._has_truth or is_simulation_header(head):
            return True
        return False if self._has(TRUTH) and self.entries else None
