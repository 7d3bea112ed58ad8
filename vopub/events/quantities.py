"""The known parameters of an event, from what its file holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from vopub.events.coordinates import to_icrs, zenith_azimuth
from vopub.events.identifiers import Integers, identifiers, is_valid
from vopub.events.times import FIRST_TIME, Times, modified_julian_date
from vopub.events.tracks import BestTracks
from vopub.model.data_taking import Site
from vopub.model.event_table import Column

UNIT_VECTOR_TOLERANCE = 1e-3
"""How far the length of a direction may be from 1; in real files it is 1e-15."""

Defects = Iterator[tuple[str, NDArray[np.bool_]]]


def defects(
    events: Mapping[str, Integers], best: BestTracks, time: Times, known: NDArray[np.bool_],
    *, now: int,
) -> Defects:  # fmt: skip
    """Yield what can be wrong with an event so that nothing about it can be said, and where it is.

    Parameters
    ----------
    events, best
        The reconstructed events.
    time, known
        When they were, in nanoseconds since 1970, and whether that is known.
    now
        The time of day in nanoseconds since 1970.
    """
    yield "run or frame number is negative", ~is_valid(events["run_id"], events["frame_index"])
    with np.errstate(over="ignore"):
        length = np.hypot(np.hypot(*best.direction.T[:2]), best.direction.T[2])
    yield "direction is not a unit vector", ~(np.abs(length - 1) < UNIT_VECTOR_TOLERANCE)
    yield "time of the track is not a number", ~known
    yield "time is before 2005 or in the future", (time < FIRST_TIME) | (time > now)


def quantities(
    events: Mapping[str, Integers], best: BestTracks, time: Times, site: Site
) -> dict[str, Column]:
    """Return every known parameter, in the unit of the catalogue, for events without `defects`."""
    zenith, azimuth = zenith_azimuth(best.direction)
    ra, dec = to_icrs(zenith, azimuth, time, site)
    names = [events[n] for n in ("detector_id", "run_id", "frame_index", "trigger_counter")]
    return {
        "event_id": identifiers(*names),
        "ra": ra,
        "dec": dec,
        "angular_error": np.degrees(best.angular_error),
        "mjd": modified_julian_date(time),
        "unix_time": time,
        "energy": best.energy,
        "zenith": zenith,
        "azimuth": azimuth,
        "likelihood": best.likelihood,
        "track_length": best.length,
        "n_hits": best.n_hits,
        "overlays": events["overlays"],
        "detector_id": events["detector_id"],
        "run_id": events["run_id"],
        "frame_index": events["frame_index"],
        "trigger_counter": events["trigger_counter"],
        "trigger_mask": events["trigger_mask"],
    }
