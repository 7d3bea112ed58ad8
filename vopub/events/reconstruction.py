"""Which track of an event is its best reconstruction, and what that reconstruction found.

The numbers are those of the KM3NeT Data Definitions 3.6.2 (``reconstruction.csv`` and
``fitparameters.csv``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import awkward as ak
import numpy as np

from vopub.events.fit_parameters import (
    FIT,
    JMUONENERGY,
    JSHOWERCOMPLETEFIT,
    NO_VALUE,
    usable,
)
from vopub.events.flat_tracks import best_tracks
from vopub.events.tracks import BestTracks, Floats, Mask

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
        tracks = self.records[_belongs(self.records, kind)]
        stages = ak.num(tracks.rec_stages, axis=-1)
        tracks = tracks[stages == ak.max(stages, axis=1, mask_identity=False)]
        likelihood = ak.where(np.isnan(tracks.likelihood), -np.inf, tracks.likelihood)
        place = ak.argmax(likelihood, axis=1, keepdims=True, mask_identity=True)
        best = ak.firsts(tracks[place])
        found = ~ak.to_numpy(ak.is_none(best))
        return found, _flat(best[found], reconstruction, fit)


def _belongs(tracks: ak.Array, reconstruction: Reconstruction) -> ak.Array:
    stages = tracks.rec_stages
    inside = (stages >= reconstruction.first_stage) & (stages <= reconstruction.last_stage)
    complete = ak.all(inside, axis=-1) & (ak.num(stages, axis=-1) > 0)
    return complete & (tracks.rec_type == reconstruction.rec_type)


def _flat(best: ak.Array, name: str, fit: Collection[str]) -> BestTracks:
    reconstruction = RECONSTRUCTIONS[name]
    likelihood = _floats(best.likelihood)
    has_likelihood = np.isfinite(likelihood) & (likelihood > NO_LIKELIHOOD)
    return BestTracks(
        direction=np.stack([_floats(best.dir_x), _floats(best.dir_y), _floats(best.dir_z)], axis=1),
        t=_floats(best.t),
        energy=_energy(best, reconstruction),
        length=_floats(best.length),
        likelihood=np.where(has_likelihood, likelihood, np.nan),
        angular_error=_angular_error(best, reconstruction),
        n_hits=_n_hits(best, reconstruction),
        fit={wanted: _fit(best, wanted, name) for wanted in fit},
    )


def _energy(best: ak.Array, reconstruction: Reconstruction) -> Floats:
    energy = _floats(best.energy)
    if reconstruction.energy_stage is None:
        return energy
    return np.where(_has_stage(best, reconstruction.energy_stage), energy, np.nan)


def _angular_error(best: ak.Array, reconstruction: Reconstruction) -> Floats:
    """Return the error, NaN unless the fit gave one: 0 and more than half a turn are none."""
    if not reconstruction.is_muon_fit:
        return np.full(len(best), np.nan)
    return _fit(best, "jgandalf_beta0_rad", "jmuon")


def _n_hits(best: ak.Array, reconstruction: Reconstruction) -> Floats:
    if not reconstruction.is_muon_fit:
        return np.zeros(len(best))
    hits = _fit(best, "jgandalf_number_of_hits", "jmuon")
    return np.where(np.isnan(hits), 0.0, hits)


def _fit(best: ak.Array, name: str, reconstruction: str) -> Floats:
    values = _fit_information(best, FIT_PARAMETERS[name])
    return usable(name, reconstruction, values, lambda stage: _has_stage(best, stage))


def _has_stage(best: ak.Array, stage: int) -> Mask:
    return np.asarray(ak.to_numpy(ak.any(best.rec_stages == stage, axis=-1)), dtype=bool)


def _fit_information(best: ak.Array, place: int) -> Floats:
    padded = ak.pad_none(best.fitinf, place + 1, axis=-1, clip=True)
    return _floats(ak.fill_none(padded, np.nan)[:, place])


def _floats(values: ak.Array) -> Floats:
    return np.asarray(ak.to_numpy(values, allow_missing=False), dtype=np.float64)
