"""The known parameters of an event, from what its file holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vopub.errors import InputError
from vopub.events.coordinates import (
    direction_from_source,
    from_icrs,
    sky_position,
    zenith_azimuth,
)
from vopub.events.formulas import Formula
from vopub.events.identifiers import IDENTITY, Integers, identifier_texts, is_valid
from vopub.events.lazy import Lazy
from vopub.events.readers.base import EventChunk
from vopub.events.times import FIRST_TIME, NANOSECONDS, Times, modified_julian_date, track_time
from vopub.events.tracks import BestTracks, Floats, Mask
from vopub.model.data_taking import Site
from vopub.model.event_table import Column

Maker = Callable[[], Column]

UNIT_VECTOR_TOLERANCE = 1e-3
"""How far the length of a direction may be from 1; in real files it is 1e-15."""

PER_EVENT = ("overlays", "trigger_mask")
"""What else of `vopub.events.readers.base.EVENT_FIELDS` is a parameter."""

Defect = tuple[str, NDArray[np.bool_]]
Defects = Iterator[Defect]


@dataclass(frozen=True, slots=True)
class Reconstructed:
    """The reconstructed events of a chunk, or some of them: arrays of one length."""

    chunk: EventChunk
    rows: NDArray[np.intp]
    """Where in the chunk they are."""
    best: BestTracks
    time: Times
    """When they were, in nanoseconds since 1970; 0 if the layout has no times."""
    known: Mask
    """Whether that is known."""

    @classmethod
    def of(cls, chunk: EventChunk, rows: NDArray[np.intp], best: BestTracks) -> Self:
        """Return the events at these places of a chunk, with their tracks."""
        if "t_sec" in chunk.events:
            seconds, rest = (chunk.events[name][rows] for name in ("t_sec", "t_ns"))
            return cls(chunk, rows, best, *track_time(seconds, rest, best.t))
        nothing = np.zeros(len(rows), dtype=np.int64)
        return cls(chunk, rows, best, nothing, nothing.astype(bool))

    @property
    def timed(self) -> bool:
        """Whether the layout has times."""
        return "t_sec" in self.chunk.events

    def event(self, name: str) -> Integers:
        """Return what the file says once per event."""
        return self.chunk.events[name][self.rows]

    def select(self, mask: Mask) -> Reconstructed:
        """Return some of the events."""
        if mask.all():
            return self
        rows, time, known = self.rows[mask], self.time[mask], self.known[mask]
        return Reconstructed(self.chunk, rows, self.best.select(mask), time, known)


def defects(events: Reconstructed, *, now: int, simulated: bool = False) -> Defects:
    """Yield what can be wrong with an event so that nothing about it can be said, and where it is.

    Parameters
    ----------
    events
        The reconstructed events.
    now
        The time of day in nanoseconds since 1970.
    simulated
        Whether they are simulated: then they may be at any time.
    """
    if "frame_index" in events.chunk.events:
        bad = ~is_valid(events.event("run_id"), events.event("frame_index"))
        yield "run or frame number is negative", bad
    yield from _bad_directions(events.best)
    if events.timed:
        yield "nanoseconds of the time are outside 0 to 1e9", _odd_rest(events, now, simulated)
        yield "time of the track is not a number", ~events.known
        if not simulated:
            yield "time is before 2005 or in the future", ~_is_dated(events.time, now)


class Quantities(Lazy[Column]):
    """Parameters of events without `defects`, by name, in the unit of the catalogue.

    Each is computed when it is first looked up. What the layout does not say is not among them.

    Parameters
    ----------
    events
        The reconstructed events.
    site
        Where the detector stands.
    formulas
        How derived parameters are computed, by name; these are in the units they declare.
    now
        The time of day in nanoseconds since 1970: there is no position on the sky for events
        before 2005 or later than that; None if all are between.
    """

    def __init__(
        self,
        events: Reconstructed,
        site: Site,
        formulas: Mapping[str, Formula] = MappingProxyType({}),
        *,
        now: int | None = None,
    ) -> None:
        self._events, self._site, self._now = events, site, now
        super().__init__(
            {
                **self._of_tracks(),
                **self._of_events(),
                **self._of_sky(),
                **{name: partial(self._computed, own) for name, own in formulas.items()},
            }
        )

    def __getitem__(self, name: str) -> Column:
        """Return the values of a parameter.

        Raises
        ------
        InputError
            If the file does not say it.
        """
        if name not in self:
            hint = "leave it out of the columns, the selection and the formulas"
            raise InputError(f"the file does not give {name!r}", hint=hint)
        return super().__getitem__(name)

    def _of_tracks(self) -> dict[str, Maker]:
        best = self._events.best
        return {
            "angular_error": lambda: np.degrees(best.angular_error),
            "energy": lambda: best.energy,
            "likelihood": lambda: best.likelihood,
            "track_length": lambda: best.length,
            "n_hits": lambda: best.n_hits,
            **{name: partial(best.fit.__getitem__, name) for name in best.fit},
        }

    def _of_events(self) -> dict[str, Maker]:
        events, chunk = self._events, self._events.chunk
        makers: dict[str, Maker] = {
            name: partial(events.event, name)
            for name in (*IDENTITY, *PER_EVENT)
            if name in chunk.events
        }
        makers |= {name: partial(self._value, name) for name in chunk.values}
        makers["event_id"] = self._names
        if events.timed:
            makers["mjd"] = lambda: modified_julian_date(events.time)
            makers["unix_time"] = lambda: events.time
        return makers

    def _of_sky(self) -> dict[str, Maker]:
        """Return what makes directions at the detector and on the sky; one needs times."""
        makers: dict[str, Maker] = {}
        if self._events.timed or self._events.best.sky is None:
            makers["zenith"] = lambda: self._horizontal[0]
            makers["azimuth"] = lambda: self._horizontal[1]
        if self._events.timed or self._events.best.sky is not None:
            makers["ra"] = lambda: self._equatorial[0]
            makers["dec"] = lambda: self._equatorial[1]
        if self._events.timed and "mc_zenith" in self._events.chunk.values:
            makers["mc_ra"] = lambda: self._true_equatorial[0]
            makers["mc_dec"] = lambda: self._true_equatorial[1]
        return makers

    def _computed(self, formula: Formula) -> Column:
        return formula.apply(self)

    def _value(self, name: str) -> Column:
        return self._events.chunk.values[name][self._events.rows]

    def names(self) -> pa.StringArray:
        """Return the names of the events."""
        given = self._events.chunk.identifiers
        if given is not None:
            return pa.array(given[self._events.rows], pa.string())
        return identifier_texts(*(self[name] for name in IDENTITY))

    def _names(self) -> Column:
        return np.asarray(self.names().to_numpy(zero_copy_only=False), dtype=object)

    @cached_property
    def _horizontal(self) -> tuple[Column, Column]:
        """Zenith and azimuth."""
        best = self._events.best
        if best.sky is None:
            return zenith_azimuth(best.direction)
        ra, dec = best.sky.T
        return from_icrs(ra, dec, self._events.time, self._site)

    @cached_property
    def _equatorial(self) -> tuple[Column, Column]:
        """Right ascension and declination."""
        best = self._events.best
        if best.sky is not None:
            return best.sky[:, 0], best.sky[:, 1]
        return self._dated_sky(best.direction)

    @cached_property
    def _true_equatorial(self) -> tuple[Column, Column]:
        return self._dated_sky(direction_from_source(self["mc_zenith"], self["mc_azimuth"]))

    def _dated_sky(self, direction: Floats) -> tuple[Column, Column]:
        """Return where particles came from, NaN if they have no direction or no time of day."""
        time = self._events.time
        known = np.isfinite(direction).all(axis=1)
        if self._now is not None:
            known &= _is_dated(time, self._now)
        if known.all():
            return sky_position(direction, time, self._site)
        sky = np.full((2, len(time)), np.nan)
        sky[:, known] = sky_position(direction[known], time[known], self._site)
        return sky[0], sky[1]


def _is_dated(time: Times, now: int) -> Mask:
    """Tell which times can be those of an event of a telescope."""
    return (time >= FIRST_TIME) & (time <= now)


def _odd_rest(events: Reconstructed, now: int, simulated: bool) -> Mask:
    """Tell whose nanoseconds are none; where simulations know no time of day they may be any."""
    rest = events.event("t_ns")
    odd = (rest < 0) | (rest >= NANOSECONDS)
    return odd & _is_dated(events.time, now) if simulated else odd


def _bad_directions(best: BestTracks) -> Defects:
    if best.sky is not None:
        ra, dec = best.sky.T
        yield "sky position is not a number", ~(np.isfinite(ra) & np.isfinite(dec))
        yield "declination is beyond a pole", np.abs(dec) > 90
        yield "right ascension is outside 0 to 360 deg", (ra < 0) | (ra >= 360)
        return
    with np.errstate(over="ignore"):
        length = np.sqrt(np.einsum("ij,ij->i", best.direction, best.direction))
    yield "direction is not a unit vector", ~(np.abs(length - 1) < UNIT_VECTOR_TOLERANCE)
