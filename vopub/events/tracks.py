"""What is known about the best track of each event, however its file holds the tracks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SENTINEL = -999.0
"""What programs of the collaboration write, exactly, where they have no number."""


def numbers(values: ArrayLike) -> Floats:
    """Return numbers of a file as 64-bit floats, NaN where `SENTINEL` stands for none."""
    floats = np.asarray(values, dtype=np.float64)
    none = floats == SENTINEL
    return np.where(none, np.nan, floats) if none.any() else floats


@dataclass(frozen=True, slots=True)
class BestTracks:
    """The best track of each reconstructed event: arrays of one length, NaN if not available."""

    direction: Floats
    """Where the particle flies to, unit vectors of shape (n, 3)."""
    t: Floats
    """Time after that of the event in ns."""
    energy: Floats
    """GeV; NaN for a muon whose energy was not fitted."""
    length: Floats
    """m."""
    likelihood: Floats
    """Logarithm of the likelihood."""
    angular_error: Floats
    """Error of the direction in radians, from the error matrix of the muon fit."""
    n_hits: Floats
    """Number of hits in the muon fit, 0 if there was none."""
    fit: Mapping[str, Floats] = field(default_factory=dict)
    """Results of the fit that were asked for, by their names in lower case."""
    sky: Floats | None = None
    """Right ascension and declination (ICRS) in degrees, shape (n, 2), of layouts that give these
    instead of a direction of flight; ``direction`` is then NaN."""

    def __len__(self) -> int:
        return len(self.t)

    def select(self, rows: Mask) -> BestTracks:
        """Return the tracks of some of the events."""
        names = [f.name for f in fields(self) if f.name not in ("fit", "sky")]
        return BestTracks(
            **{name: getattr(self, name)[rows] for name in names},
            fit={name: values[rows] for name, values in self.fit.items()},
            sky=None if self.sky is None else self.sky[rows],
        )


class Tracks(Protocol):
    """The reconstructed tracks of n events."""

    def best(self, reconstruction: str, fit: Collection[str] = ()) -> tuple[Mask, BestTracks]:
        """Pick the best track of each event.

        Parameters
        ----------
        reconstruction
            Its name, as in a resource's description; no event has one that the layout does not
            know.
        fit
            Results of the fit that are wanted, by their names in lower case.

        Returns
        -------
        found
            Which of the n events have such a track.
        best
            The tracks of these events.
        """
