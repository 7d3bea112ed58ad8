"""Reconstructed tracks in km3pipe's HDF5 files.

Two kinds of tables hold them. ``/reco/tracks`` has all tracks of an event and ``/reco/rec_stages``
the stages that each went through; of these the best is chosen here. The other tables have one row
per reconstructed event (and ``/reco/jmuongandalf`` a few, of which the likeliest counts). Layouts:
files of the format versions 4.1 to 5.1, compared with what km3pipe 7 to 11 write.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from vopub.errors import InputError
from vopub.events.fit_parameters import JMUONENERGY, usable
from vopub.events.flat_tracks import FlatTracks, best_tracks, direction_of_flight
from vopub.events.lazy import Lazy
from vopub.events.readers.km3pipe_tables import Ascending, Ordered, Rows, Table
from vopub.events.reconstruction import FIT_PARAMETERS, NO_LIKELIHOOD, JaggedTracks
from vopub.events.tracks import BestTracks, Floats, Mask, numbers

Keys = NDArray[np.int64]

TRACKS, STAGES = "reco/tracks", "reco/rec_stages"
DIRECTION = ("dir_x", "dir_y", "dir_z")
ANGLES = ("d_theta", "d_phi")
"""Direction of flight as Dusj's polar angles in radians."""
MOST_NAMED = 5
"""How many keys an error names."""


@dataclass(frozen=True, slots=True)
class FlatTable:
    """A table of tracks, of which an event has one at most, or the likeliest counts."""

    dataset: str
    reconstruction: str
    direction: tuple[str, ...] = DIRECTION
    candidates: bool = False
    """Whether an event may have several."""
    empty: tuple[str, ...] = ()
    """Columns that are all 0 or NaN in the row of an event that was not reconstructed."""

    @property
    def is_best_of_all(self) -> bool:
        """Whether it holds what km3pipe chose out of ``/reco/tracks``."""
        return self.dataset.startswith("reco/best_")


FLAT_TABLES = (
    FlatTable("reco/best_jmuon", "jmuon"),
    FlatTable("reco/best_jshower", "jshower"),
    FlatTable("reco/best_aashower", "aashower"),
    FlatTable("reco/best_dusjshower", "dusj"),
    FlatTable("reco/best_dusj", "dusj"),
    FlatTable("reco/jmuongandalf", "jmuon", candidates=True),
    FlatTable("reco/gandalf", "jmuon", empty=(*DIRECTION, "rec_type")),
    FlatTable("reco/dusj", "dusj", direction=ANGLES, empty=(*ANGLES, "d_E")),
)
"""In the order of preference; after those of the best, ``/reco/tracks`` is."""

SPELLINGS = {
    "t": ("t", "time", "d_t"),
    "energy": ("E", "d_E", "energy", "jenergy_energy"),
    "length": ("length", "jstart_length"),
    "likelihood": ("likelihood",),
    "minus_likelihood": ("chi2", "lik"),
}  # fmt: skip
"""Columns by what they hold; the oldest files have minus the likelihood, as ``lik`` too."""

OLD_FIT_NAMES = {
    "jgandalf_beta0_rad": "beta0", "jgandalf_beta1_rad": "beta1", "jgandalf_chi2": "chi2",
    "jgandalf_number_of_hits": "n_hits", "jgandalf_lambda": "lambda",
    "jgandalf_number_of_iterations": "n_iter", "jenergy_energy": "jenergy_energy",
    "jenergy_chi2": "jenergy_chi2", "jstart_npe_mip": "jstart_npe_mip",
    "jstart_npe_mip_total": "jstart_npe_mip_total", "jstart_length_metres": "jstart_length",
}  # fmt: skip
"""What files of before format version 5 call the results of the fit."""

_BETA, _HITS = "jgandalf_beta0_rad", "jgandalf_number_of_hits"
_JAGGED_COLUMNS = {
    "dir_x": "dir_x", "dir_y": "dir_y", "dir_z": "dir_z", "t": "t", "energy": "E",
    "length": "length", "likelihood": "likelihood", "rec_type": "rec_type",
}  # fmt: skip


class Matched:
    """Rows of a table that belong to consecutive events.

    Parameters
    ----------
    table
        The table, in the order of its key.
    keys
        Of the events, ascending.
    low, high
        No event before these has a key of ``low`` or more, none after them one below ``high``;
        None: there are none before, or after.

    Raises
    ------
    InputError
        If rows belong to no event.
    """

    def __init__(
        self, table: Ordered | Ascending, keys: Keys, low: int | None, high: int | None
    ) -> None:
        self.rows: Rows = table.between(low, high)
        self.place = table.table
        of_rows = np.asarray(self.rows[table.key], dtype=np.int64)
        self.event = np.searchsorted(keys, of_rows)
        """The place among the events that each row belongs to."""
        belongs = np.zeros(len(of_rows), dtype=bool)
        inside = self.event < len(keys)
        belongs[inside] = keys[self.event[inside]] == of_rows[inside]
        if not belongs.all():
            _refuse(table, of_rows[~belongs], "of no event")


def _refuse(table: Ordered | Ascending, keys: Keys, why: str) -> None:
    names = ", ".join(map(str, np.unique(keys)[:MOST_NAMED]))
    more = ", …" if len(np.unique(keys)) > MOST_NAMED else ""
    count = f"{len(keys)} row{'s' if len(keys) != 1 else ''}"
    what = f"/{table.table.name} has {count} {why}: {table.key} {names}{more}"
    raise InputError(what, where=table.table.path, hint="the file was not put together rightly")


class FlatSource:
    """Gives the best tracks of events from a table with one row for each.

    Parameters
    ----------
    layout
        Which table it is.
    table
        The table, in the order of its key.

    Raises
    ------
    InputError
        If a column is missing or of the wrong type.
    """

    def __init__(self, layout: FlatTable, table: Ordered | Ascending) -> None:
        self._layout = layout
        self._table = table
        for name in (*layout.direction, *layout.empty):
            table.table.need((name,), "fiu")
        found = {what: table.table.first_of(names, "fiu") for what, names in SPELLINGS.items()}
        self._columns = {what: name for what, name in found.items() if name is not None}
        if "t" not in self._columns:
            table.table.need(SPELLINGS["t"], "fiu")
        self._fit = dict(_fit_columns(table.table))

    def best(self, keys: Keys, low: int | None, high: int | None) -> tuple[Mask, BestTracks]:
        """Return which events have a track, and these; parameters as of `Matched`."""
        matched = Matched(self._table, keys, low, high)
        rows, event = self._one_each(matched)
        found = np.zeros(len(keys), dtype=bool)
        found[event] = True
        return found, self._tracks(rows)

    def _one_each(self, matched: Matched) -> tuple[Rows, NDArray[np.intp]]:
        rows, event = matched.rows, matched.event
        if self._layout.empty:
            given = _any_given(rows, self._layout.empty)
            rows, event = rows[given], event[given]
        if self._layout.candidates:
            number = rows["id"] if "id" in self._table.table.columns else np.zeros(len(rows))
            order = np.lexsort((number, -self._likelihood(rows), event))
            rows, event = rows[order], event[order]
            first = np.diff(event, prepend=-1) > 0
            return rows[first], event[first]
        again = np.flatnonzero(event[1:] == event[:-1])
        if len(again):
            keys = np.asarray(rows[self._table.key][again + 1], dtype=np.int64)
            _refuse(self._table, keys, "more than one for an event")
        return rows, event

    def _tracks(self, rows: Rows) -> BestTracks:
        is_muon = self._layout.reconstruction == "jmuon"
        energy = self._column(rows, "energy")
        if is_muon:  # a muon of 0 GeV is one whose energy was not fitted
            energy = np.where(energy > 0, energy, np.nan)
        best = best_tracks(
            self._direction(rows),
            t=self._column(rows, "t"),
            energy=energy,
            length=self._column(rows, "length"),
            likelihood=self._likelihood(rows),
            angular_error=self._fit_result(rows, energy, _BETA) if is_muon else None,
            n_hits=np.nan_to_num(self._fit_result(rows, energy, _HITS)) if is_muon else None,
        )
        fit = Lazy({name: partial(self._fit_result, rows, energy, name) for name in self._fit})
        return replace(best, fit=fit)

    def _direction(self, rows: Rows) -> Floats:
        columns = [_floats(rows, name) for name in self._layout.direction]
        if self._layout.direction == ANGLES:
            return direction_of_flight(*columns)
        return np.stack(columns, axis=1)

    def _likelihood(self, rows: Rows) -> Floats:
        if "likelihood" in self._columns:
            values = self._column(rows, "likelihood")
        else:
            values = -self._column(rows, "minus_likelihood")
        return np.where(np.isfinite(values) & (values > NO_LIKELIHOOD), values, np.nan)

    def _column(self, rows: Rows, what: str) -> Floats:
        name = self._columns.get(what)
        return np.full(len(rows), np.nan) if name is None else _floats(rows, name)

    def _fit_result(self, rows: Rows, energy: Floats, name: str) -> Floats:
        """Return a result of the fit; the stages are not there, only whether energy was fitted."""
        if name not in self._fit:
            return np.full(len(rows), np.nan)
        values = _floats(rows, self._fit[name])

        def has_stage(stage: int) -> Mask:
            return energy > 0 if stage == JMUONENERGY else np.ones(len(rows), dtype=bool)

        return usable(name, self._layout.reconstruction, values, has_stage)


class JaggedSource:
    """Gives all tracks of events from ``/reco/tracks`` with ``/reco/rec_stages``.

    Parameters
    ----------
    tracks, stages
        The two tables in the order of their keys.

    Raises
    ------
    InputError
        If a column is missing or of the wrong type.
    """

    def __init__(self, tracks: Ordered | Ascending, stages: Ordered | Ascending) -> None:
        self._tracks = tracks
        self._stages = stages
        for name in _JAGGED_COLUMNS.values():
            tracks.table.need((name,), "iu" if name == "rec_type" else "fiu")
        for table, name in ((tracks, "idx"), (stages, "idx"), (stages, "rec_stage")):
            table.table.need((name,), "iu")
        self._fit = dict(_fit_columns(tracks.table))

    def tracks(self, keys: Keys, low: int | None, high: int | None) -> JaggedTracks:
        """Return the tracks of events; parameters as of `Matched`."""
        tracks = Matched(self._tracks, keys, low, high)
        stages = Matched(self._stages, keys, low, high)
        rows, event = _by_number(tracks)
        lists = self._stage_lists(event, rows, *_by_number(stages))
        fields = {new: np.asarray(rows[old]) for new, old in _JAGGED_COLUMNS.items()}
        records = ak.zip(
            {**fields, "rec_stages": lists, "fitinf": self._fit_lists(rows)}, depth_limit=1
        )
        return JaggedTracks(ak.unflatten(records, np.bincount(event, minlength=len(keys))))

    def _stage_lists(
        self, event: NDArray[np.intp], tracks: Rows, stages: Rows, stage_event: NDArray[np.intp]
    ) -> ak.Array:
        """Return the stages of each track, joined by the event and the number of the track."""
        track, stage = _pairs(event, tracks, stage_event, stages)
        same = np.flatnonzero(track[1:] == track[:-1])
        if len(same):
            keys = np.asarray(tracks[self._tracks.key][same], dtype=np.int64)
            _refuse(self._tracks, keys, "with the idx of another track of the event")
        place = np.searchsorted(track, stage)
        strange = place == len(track)
        strange[~strange] = track[place[~strange]] != stage[~strange]
        if strange.any():
            keys = np.asarray(stages[self._stages.key][strange], dtype=np.int64)
            _refuse(self._stages, keys, f"of no track in /{TRACKS}")
        numbers = np.asarray(stages["rec_stage"])
        return ak.unflatten(numbers, np.bincount(place, minlength=len(tracks)))

    def _fit_lists(self, rows: Rows) -> ak.Array:
        """Return ``fitinf`` as in ROOT files, NaN where nothing stands there."""
        width = 1 + max(FIT_PARAMETERS.values())
        values = np.full((len(rows), width), np.nan)
        for name, column in self._fit.items():
            values[:, FIT_PARAMETERS[name]] = rows[column]
        return ak.from_regular(ak.Array(values), axis=1)


class Km3pipeTracks:
    """The reconstructed tracks of consecutive events, read when they are asked for.

    Parameters
    ----------
    keys, low, high
        As of `Matched`.
    flat
        Tables with one track per event, by the name of the reconstruction.
    jagged
        Gives the tables with all tracks; None if the file has none.
    """

    def __init__(
        self,
        keys: Keys,
        low: int | None,
        high: int | None,
        flat: Mapping[str, FlatSource],
        jagged: Callable[[], JaggedSource] | None,
    ) -> None:
        self._of = (keys, low, high)
        self._jagged = jagged
        self._jagged_tracks: JaggedTracks | None = None
        self._best = Lazy({n: partial(_best_of, flat, n, keys, low, high) for n in flat})
        self._flat = FlatTracks(len(keys), self._best)

    def __len__(self) -> int:
        return len(self._flat)

    def best(self, reconstruction: str, fit: Collection[str] = ()) -> tuple[Mask, BestTracks]:
        """Pick the best track of each event; see `vopub.events.tracks.Tracks`.

        Raises
        ------
        InputError
            If the file is damaged, or its tables do not belong together.
        """
        if reconstruction in self._best or self._jagged is None:
            return self._flat.best(reconstruction, fit)
        if self._jagged_tracks is None:
            self._jagged_tracks = self._jagged().tracks(*self._of)
        return self._jagged_tracks.best(reconstruction, fit)


def _best_of(
    flat: Mapping[str, FlatSource], name: str, keys: Keys, low: int | None, high: int | None
) -> tuple[Mask, BestTracks]:
    return flat[name].best(keys, low, high)


def _fit_columns(table: Table) -> Iterator[tuple[str, str]]:
    """Yield the results of the fit that a table has, by name in lower case, and their columns."""
    for name in FIT_PARAMETERS:
        column = table.first_of((name.upper(), OLD_FIT_NAMES.get(name, name)), "fiu")
        if column is not None:
            yield name, column


def _any_given(rows: Rows, columns: tuple[str, ...]) -> Mask:
    given = np.zeros(len(rows), dtype=bool)
    for name in columns:
        values = _floats(rows, name)
        given |= ~np.isnan(values) & (values != 0)
    return given


def _by_number(matched: Matched) -> tuple[Rows, NDArray[np.intp]]:
    """Return rows by event, those of one event by the number ``idx`` of their track."""
    order = np.lexsort((matched.rows["idx"], matched.event))
    if (order[1:] > order[:-1]).all():
        return matched.rows, matched.event
    return matched.rows[order], matched.event[order]


def _pairs(
    event: NDArray[np.intp], tracks: Rows, stage_event: NDArray[np.intp], stages: Rows
) -> tuple[Keys, Keys]:
    """Return event and number of the track as one integer, for tracks and for stages."""
    number, of_stage = (np.asarray(rows["idx"], dtype=np.int64) for rows in (tracks, stages))
    lowest = min(number.min(initial=0), of_stage.min(initial=0))
    span = max(number.max(initial=0), of_stage.max(initial=0)) - lowest + 1
    return event * span + (number - lowest), stage_event * span + (of_stage - lowest)


def _floats(rows: Rows, name: str) -> Floats:
    return numbers(rows[name])
