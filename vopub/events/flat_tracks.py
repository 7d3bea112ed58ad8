"""Tracks of files that hold the best one of each event already, in columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np

from vopub.events.tracks import BestTracks, Floats, Mask


class FlatTracks:
    """At most one track per event and reconstruction, chosen by whoever wrote the file.

    Parameters
    ----------
    length
        Number of events, n.
    tracks
        By the name of the reconstruction: which of the n events have such a track, and these
        tracks in the order of their events. The mapping may look its values up only when asked.
    """

    def __init__(self, length: int, tracks: Mapping[str, tuple[Mask, BestTracks]]) -> None:
        self._length = length
        self._tracks = tracks

    def __len__(self) -> int:
        return self._length

    @property
    def reconstructions(self) -> tuple[str, ...]:
        """Names of the reconstructions that the file has."""
        return tuple(self._tracks)

    def best(self, reconstruction: str, fit: Collection[str] = ()) -> tuple[Mask, BestTracks]:
        """Return the track of each event; see `vopub.events.tracks.Tracks`.

        No event has a track of a reconstruction that the file does not have, and what it does not
        say about a fit is NaN.
        """
        if reconstruction not in self._tracks:
            return np.zeros(self._length, dtype=bool), best_tracks(np.empty((0, 3)), fit=fit)
        found, best = self._tracks[reconstruction]
        return found, _with_fit(best, fit)


def best_tracks(
    direction: Floats,
    *,
    t: Floats | None = None,
    energy: Floats | None = None,
    length: Floats | None = None,
    likelihood: Floats | None = None,
    angular_error: Floats | None = None,
    n_hits: Floats | None = None,
    fit: Mapping[str, Floats] | Iterable[str] = (),
) -> BestTracks:
    """Return tracks of which only some quantities are known.

    Parameters
    ----------
    direction
        Where the particles fly to, unit vectors of shape (n, 3).
    t
        Time after that of the event in ns; 0 if not given.
    energy, length, likelihood, angular_error
        GeV, m, logarithm, rad; NaN if not given.
    n_hits
        Number of hits in the fit; 0 if not given.
    fit
        Further results of the fit by name in lower case, or only their names: then they are NaN.
    """
    rows = len(direction)
    known = fit if isinstance(fit, Mapping) else dict.fromkeys(fit)
    return BestTracks(
        direction=np.asarray(direction, dtype=np.float64),
        t=_given(t, rows, missing=0.0),
        energy=_given(energy, rows),
        length=_given(length, rows),
        likelihood=_given(likelihood, rows),
        angular_error=_given(angular_error, rows),
        n_hits=_given(n_hits, rows, missing=0.0),
        fit={name: _given(values, rows) for name, values in known.items()},
    )


def direction_of_flight(theta: Floats, phi: Floats) -> Floats:
    """Return where particles fly to, as unit vectors (n, 3), from polar angles in radians.

    Zenith and azimuth of the source (counter-clockwise from UTM East) are those of the opposite
    direction: ``-direction_of_flight(zenith, azimuth)``.
    """
    across = np.sin(theta)
    return np.stack([across * np.cos(phi), across * np.sin(phi), np.cos(theta)], axis=1)


def _given(values: Floats | None, rows: int, *, missing: float = np.nan) -> Floats:
    if values is None:
        return np.full(rows, missing)
    return np.asarray(values, dtype=np.float64)


def _with_fit(best: BestTracks, fit: Collection[str]) -> BestTracks:
    """Return tracks with exactly the results of the fit that were asked for."""
    return replace(best, fit={name: _given(best.fit.get(name), len(best)) for name in fit})
