"""Which track of an event is its best reconstruction, and what that reconstruction found.

The numbers are those of the KM3NeT Data Definitions 3.6.2 (``reconstruction.csv`` and
``fitparameters.csv``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from vopub.events.fit_parameters import (
    FIT,
    JMUONENERGY,
    JSHOWERCOMPLETEFIT,
    NO_VALUE,
    usable,
)
from vopub.events.flat_tracks import best_tracks
from vopub.events.tracks import BestTracks, Floats, Mask, numbers

Rows = NDArray[np.intp]

JPP_RECONSTRUCTION_TYPE = 4000
AANET_RECONSTRUCTION_TYPE = 101
DUSJ_RECONSTRUCTION_TYPE = 200

JMUONBEGIN, JMUONEND = 0, 99
JSHOWERBEGIN, JSHOWEREND = 100, 199
DUSJSHOWERBEGIN, DUSJSHOWEREND = 200, 299
AASHOWERBEGIN, AASHOWEREND = 300, 399

FIT_PARAMETERS = {name: described.place for name, described in FIT.items()}
"""Places in ``fitinf`` of what can be asked for, by name in lower case."""

NO_LIKELIHOOD = -NO_VALUE
"""What the files hold where the fit gave no likelihood."""


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """How the tracks of one reconstruction are recognised."""

    rec_type: int
    """The program that made them."""
    first_stage: int
    last_stage: int
    """All their stages lie from the first to the last."""
    energy_stage: int | None = None
    """The stage that gives the energy; before it, the field of the energy holds something else."""
    is_muon_fit: bool = False
    """Whether ``fitinf`` holds what JGandalf found."""


RECONSTRUCTIONS = {
    "jmuon": Reconstruction(
        JPP_RECONSTRUCTION_TYPE, JMUONBEGIN, JMUONEND, JMUONENERGY, is_muon_fit=True
    ),
    "jshower": Reconstruction(
        JPP_RECONSTRUCTION_TYPE, JSHOWERBEGIN, JSHOWEREND, JSHOWERCOMPLETEFIT
    ),
    "dusj": Reconstruction(DUSJ_RECONSTRUCTION_TYPE, DUSJSHOWERBEGIN, DUSJSHOWEREND),
    "aashower": Reconstruction(AANET_RECONSTRUCTION_TYPE, AASHOWERBEGIN, AASHOWEREND),
}


class JaggedTracks:
    """All tracks of n events, of which the best is chosen by the rule of the collaboration.

    Of the tracks of the right type whose stages all belong to the reconstruction, those with most
    stages; among them the first with the largest likelihood. This is the rule of the
    collaboration's software (``best_jmuon`` … of km3io 1.2.6), which looks at the stages only:
    files of before 2021 number the stages of aashower like those of the muon fit, and only the
    type tells them apart.

    Parameters
    ----------
    records
        Records with `TRACK_FIELDS`, jagged as [event][track]: direction of flight (unit vector),
        time in ns after the event's, energy in GeV, length in m, log-likelihood.
    """

    def __init__(self, records: ak.Array) -> None:
        self.records = records

    def __len__(self) -> int:
        return len(self.records)

    def best(self, reconstruction: str, fit: Collection[str] = ()) -> tuple[Mask, BestTracks]:
        """Pick the best track of each event; see `vopub.events.tracks.Tracks`."""
        kind = RECONSTRUCTIONS.get(reconstruction)
        if kind is None:  # a name that only other layouts know
            return np.zeros(len(self), dtype=bool), best_tracks(np.empty((0, 3)), fit=fit)
        stages = _Lists.of(self.records.rec_stages)
        likelihood = np.nan_to_num(_column(self.records.likelihood), nan=-np.inf, posinf=np.inf,
                                   neginf=-np.inf)  # fmt: skip
        event = np.repeat(np.arange(len(self)), ak.to_numpy(ak.num(self.records.likelihood)))
        tracks = np.flatnonzero(_belongs(stages, _column(self.records.rec_type), kind))
        order = np.lexsort((-likelihood[tracks], -stages.lengths[tracks], event[tracks]))
        tracks = tracks[order]  # those of one event from the best on, the first before its equals
        best = tracks[np.diff(event[tracks], prepend=-1) > 0]
        found = np.zeros(len(self), dtype=bool)
        found[event[best]] = True
        return found, _flat(_Best(self.records, stages, best), reconstruction, fit)


@dataclass(frozen=True, slots=True)
class _Lists:
    """A list of numbers for each of n tracks, one behind the other."""

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    numbers: NDArray[Any]

    @classmethod
    def of(cls, jagged: ak.Array) -> Self:
        """Take the lists of [event][track][number]."""
        lists = ak.flatten(jagged, axis=1)
        lengths = np.asarray(ak.to_numpy(ak.num(lists, axis=1)), dtype=np.int64)
        numbers = ak.to_numpy(ak.flatten(lists, axis=1), allow_missing=False)
        return cls(np.cumsum(lengths) - lengths, lengths, numbers)

    def at(self, tracks: Rows, place: int) -> Floats:
        """Return the number at a place of the lists of tracks, NaN where they are shorter."""
        values = np.full(len(tracks), np.nan)
        there = self.lengths[tracks] > place
        values[there] = self.numbers[self.starts[tracks[there]] + place]
        return values

    def count(self, wanted: Mask) -> NDArray[np.int64]:
        """Return how many of the numbers of each track are wanted."""
        before = np.concatenate([[0], np.cumsum(wanted)])
        return np.asarray(before[self.starts + self.lengths] - before[self.starts])


class _Best:
    """Some of all tracks, in their order."""

    def __init__(self, records: ak.Array, stages: _Lists, tracks: Rows) -> None:
        self._records, self._stages, self._tracks = records, stages, tracks

    def __len__(self) -> int:
        return len(self._tracks)

    def __getitem__(self, name: str) -> Floats:
        """Return a quantity of the tracks."""
        return numbers(_column(self._records[name])[self._tracks])

    def has_stage(self, stage: int) -> Mask:
        """Tell which tracks have reached a stage."""
        return self._stages.count(self._stages.numbers == stage)[self._tracks] > 0

    def fit_information(self, place: int) -> Floats:
        """Return what the fit says at a place of ``fitinf``."""
        return self._fitinf.at(self._tracks, place)

    @cached_property
    def _fitinf(self) -> _Lists:
        return _Lists.of(self._records.fitinf)


def _belongs(stages: _Lists, rec_type: NDArray[Any], reconstruction: Reconstruction) -> Mask:
    """Tell which tracks are of the right type and have stages of the reconstruction only."""
    first, last = reconstruction.first_stage, reconstruction.last_stage
    inside = stages.count((stages.numbers >= first) & (stages.numbers <= last))
    complete = (inside == stages.lengths) & (stages.lengths > 0)
    return np.asarray(complete & (rec_type == reconstruction.rec_type), dtype=bool)


def _flat(best: _Best, name: str, fit: Collection[str]) -> BestTracks:
    reconstruction = RECONSTRUCTIONS[name]
    likelihood = best["likelihood"]
    has_likelihood = np.isfinite(likelihood) & (np.abs(likelihood) < NO_VALUE)
    return BestTracks(
        direction=np.stack([best[name] for name in ("dir_x", "dir_y", "dir_z")], axis=1),
        t=best["t"],
        energy=_energy(best, reconstruction),
        length=best["length"],
        likelihood=np.where(has_likelihood, likelihood, np.nan),
        angular_error=_angular_error(best, reconstruction),
        n_hits=_n_hits(best, reconstruction),
        fit={wanted: _fit(best, wanted, name) for wanted in fit},
    )


def _energy(best: _Best, reconstruction: Reconstruction) -> Floats:
    energy = best["energy"]
    if reconstruction.energy_stage is None:
        return energy
    return np.where(best.has_stage(reconstruction.energy_stage), energy, np.nan)


def _angular_error(best: _Best, reconstruction: Reconstruction) -> Floats:
    """Return the error, NaN unless the fit gave one: 0 and more than half a turn are none."""
    if not reconstruction.is_muon_fit:
        return np.full(len(best), np.nan)
    return _fit(best, "jgandalf_beta0_rad", "jmuon")


def _n_hits(best: _Best, reconstruction: Reconstruction) -> Floats:
    if not reconstruction.is_muon_fit:
        return np.zeros(len(best))
    hits = _fit(best, "jgandalf_number_of_hits", "jmuon")
    return np.where(np.isnan(hits), 0.0, hits)


def _fit(best: _Best, name: str, reconstruction: str) -> Floats:
    values = best.fit_information(FIT_PARAMETERS[name])
    return usable(name, reconstruction, values, best.has_stage)


def _column(values: ak.Array) -> NDArray[Any]:
    """Return a quantity of all tracks of all events."""
    return np.asarray(ak.to_numpy(ak.flatten(values, axis=1), allow_missing=False))
