"""The known parameters of an event, from what its file holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from vopub.events.coordinates import from_icrs, to_icrs, zenith_azimuth
from vopub.events.identifiers import IDENTITY, Integers, identifiers, is_valid
from vopub.events.times import FIRST_TIME, Times, modified_julian_date
from vopub.events.tracks import BestTracks
from vopub.model.data_taking import Site
from vopub.model.event_table import Column

UNIT_VECTOR_TOLERANCE = 1e-3
"""How far the length of a direction may be from 1; in real files it is 1e-15."""

PER_EVENT = ("overlays", "trigger_mask")
"""What else of `vopub.events.readers.base.EVENT_FIELDS` is a parameter."""

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
    if "frame_index" in events:
        bad = ~is_valid(events["run_id"], events["frame_index"])
        yield "run or frame number is negative", bad
    yield from _bad_directions(best)
    if "t_sec" in events:
        yield "time of the track is not a number", ~known
        yield "time is before 2005 or in the future", (time < FIRST_TIME) | (time > now)


def quantities(
    events: Mapping[str, Integers],
    best: BestTracks,
    time: Times,
    site: Site,
    names: NDArray[np.object_] | None = None,
) -> dict[str, Column]:
    """Return every known parameter, in the unit of the catalogue, for events without `defects`.

    Parameters
    ----------
    events, best
        The reconstructed events; what their layout does not say is not in the result.
    time
        When they were, in nanoseconds since 1970; not looked at if the layout has no times.
    site
        Where the detector stands.
    names
        The names of the events, if they have others than `identifiers`.
    """
    timed = "t_sec" in events
    return {
        "event_id": identifiers(*(events[n] for n in IDENTITY)) if names is None else names,
        **_position(best, time if timed else None, site),
        **({"mjd": modified_julian_date(time), "unix_time": time} if timed else {}),
        "angular_error": np.degrees(best.angular_error),
        "energy": best.energy,
        "likelihood": best.likelihood,
        "track_length": best.length,
        "n_hits": best.n_hits,
        **{name: events[name] for name in (*IDENTITY, *PER_EVENT) if name in events},
    }


def _position(best: BestTracks, time: Times | None, site: Site) -> dict[str, Column]:
    """Return the direction at the detector and on the sky; without times, the one that is given."""
    if best.sky is not None:
        ra, dec = best.sky.T
        given = {"ra": ra, "dec": dec}
        if time is None:
            return given
        zenith, azimuth = from_icrs(ra, dec, time, site)
        return {**given, "zenith": zenith, "azimuth": azimuth}
    zenith, azimuth = zenith_azimuth(best.direction)
    given = {"zenith": zenith, "azimuth": azimuth}
    if time is None:
        return given
    ra, dec = to_icrs(zenith, azimuth, time, site)
    return {**given, "ra": ra, "dec": dec}


def _bad_directions(best: BestTracks) -> Defects:
    if best.sky is not None:
        ra, dec = best.sky.T
        yield "sky position is not a number", ~(np.isfinite(ra) & np.isfinite(dec))
        yield "declination is beyond a pole", np.abs(dec) > 90
        return
    with np.errstate(over="ignore"):
        length = np.hypot(np.hypot(*best.direction.T[:2]), best.direction.T[2])
    yield "direction is not a unit vector", ~(np.abs(length - 1) < UNIT_VECTOR_TOLERANCE)
