"""Reader of SeaTray's tables (HDF5), in which ANTARES kept what its reconstructions found.

Layout: one row per event and table, written by the ``tableio`` of SeaTray; the group
``__I3Index__`` tells such files from others. Columns, units and texts were read in the file itself,
which describes them in the attributes of its tables. The tables hold no time of day, so neither
have the events a position on the sky.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from vopub.errors import InputError
from vopub.events.flat_tracks import FlatTracks, best_tracks, direction_of_flight
from vopub.events.readers.base import EventChunk, FileHeader, Reader, all_but, closed_if_refused
from vopub.events.readers.km3pipe_tables import Rows, Table, reading
from vopub.events.tracks import Floats, numbers

LAYOUT = "SeaTray tables"
DETECTOR = "ANTARES"
INDEX = "__I3Index__"
FITS = {"AafitFinalFit": "aafit"}
"""Tables of reconstructions and how these are called in a resource's description."""
INTEGERS = ("Run", "Event", "TriggerCounter", "exists", "nUsedHits")
NUMBERS = ("zenith", "azimuth", "energy", "length", "quality")
GIVES = (
    "event_id", "zenith", "azimuth", "energy", "likelihood", "track_length", "n_hits", "run_id",
    "trigger_counter",
)  # fmt: skip


class SeaTrayReader(Reader):
    """An open file of SeaTray tables.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        If it is damaged, has no table of a known reconstruction, or this lacks a column.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with reading(path, "the HDF5 file"):
            self._file = h5py.File(path, "r")
        with closed_if_refused(self._file.close):
            self._name = self._find_fit()
            self._table = Table(path, self._file, self._name)
            for name in INTEGERS:
                self._table.need((name,), "iu")
            for name in NUMBERS:
                self._table.need((name,), "f")

    @classmethod
    def recognises(cls, path: Path, beginning: bytes) -> bool:  # noqa: ARG003
        """Tell whether this is an HDF5 file with SeaTray's index."""
        with reading(path, "the HDF5 file"), h5py.File(path, "r") as file:
            return INDEX in file

    @property
    def header(self) -> FileHeader:
        """What the file says about itself; of the detector it is known that it is ANTARES."""
        return FileHeader(
            name=self._path.name,
            layout=LAYOUT,
            uuid=None,
            runs=(),
            simulated=None,
            lacks=all_but(GIVES),
            detector=DETECTOR,
        )

    @property
    def entries(self) -> int:
        """Number of events."""
        return self._table.rows

    def chunks(self, rows: int) -> Iterator[EventChunk]:
        """Yield all events in order, at most ``rows`` at a time.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        for start in range(0, self.entries, rows):
            yield _chunk(self._table.read(start, min(start + rows, self.entries)), FITS[self._name])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _find_fit(self) -> str:
        with reading(self._path, "its tables"):
            there = [name for name in self._file if name != INDEX]
        for name in FITS:
            if name in there:
                return name
        what = f"no table {' or '.join(FITS)}; there are {', '.join(there) or 'none'}"
        raise InputError(what, where=self._path)


def _chunk(rows: Rows, reconstruction: str) -> EventChunk:
    found = rows["exists"] != 0
    fits = rows[found]
    best = best_tracks(
        -direction_of_flight(_floats(fits, "zenith"), _floats(fits, "azimuth")),
        energy=_floats(fits, "energy"),
        length=_floats(fits, "length"),
        likelihood=_floats(fits, "quality"),
        # -1 where the fit does not tell: no number of hits, and malformed where one is asked for.
        n_hits=_floats(fits, "nUsedHits"),
    )
    events = {
        "run_id": rows["Run"].astype(np.int64),
        "trigger_counter": rows["TriggerCounter"].astype(np.int64),
    }
    tracks = FlatTracks(len(rows), {reconstruction: (found, best)})
    return EventChunk(events, tracks, identifiers=_identifiers(rows))


def _identifiers(rows: Rows) -> NDArray[np.object_]:
    """Return ``antares.<run>.<event>.<trigger counter>``; one event (frame) has several triggers.

    Where nothing was fitted, the trigger counter is -1.
    """
    parts = zip(*(rows[name].tolist() for name in INTEGERS[:3]), strict=True)
    names = [f"antares.{run}.{event}.{trigger}" for run, event, trigger in parts]
    return np.array(names, dtype=object)


def _floats(rows: Rows, name: str) -> Floats:
    return numbers(rows[name])
