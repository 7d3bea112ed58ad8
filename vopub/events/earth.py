"""How the detector's frame lies on the sky, fast: computed now and then, interpolated between.

Earth's orientation, the observer's velocity and the direction of the Sun come from astropy (ERFA)
at both ends of cells of `CELL` seconds, and are taken as linear within. Aberration and the
deflection of light by the Sun are applied per event, as in ERFA's ``atciqz``, whose inverse of
aberration is exact here: a Lorentz boost. Against astropy event by event the result differs by
less than 0.3 milliarcseconds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from astropy.coordinates import AltAz
from astropy.coordinates.erfa_astrom import ErfaAstrom
from numpy.typing import NDArray

from vopub.events.times import NANOSECONDS, Times
from vopub.events.tracks import Floats

CELL = 900
"""Seconds; the error of the velocity, which turns with the Earth, grows with its square."""
AHEAD = 24
"""How many cells after one that is needed are computed with it, since events come in order."""
FEW = 4
"""If more cells than this are missing at a time, events do not come in order."""
MOST_KEPT = 1 << 16
"""How many cells are remembered, of 170 bytes each."""
SCHWARZSCHILD_RADIUS = 1.97412574336e-8
"""Of the Sun, in astronomical units (ERFA's ``ERFA_SRS``)."""
LEAST_DEFLECTING = 1e-6
"""ERFA's limit to the deflection within the disc of the Sun, as astropy chooses it."""
NEAR_SUN = -np.cos(np.radians(1.0))
"""Nearer to the Sun than 1 deg, the deflection is found in steps: it changes on the way."""
STEPS = 5

LINEAR = ("turn", "x", "y", "vx", "vy", "vz", "ex", "ey", "ez")
"""What is taken as linear within a cell: angle of the Earth from the intermediate origin on the
sky, place of its pole, observer's velocity in units of light's, direction from the Sun."""
CONSTANT = ("xpl", "ypl", "em")
"""What is taken as constant: motion of the pole at the detector, distance of the Sun."""
InFrame = Callable[[Callable[[AltAz], Floats], Floats], Floats]

COLUMNS = (*LINEAR, *(f"{name}'" for name in LINEAR), *CONSTANT)

_kept: dict[tuple[str, int], Floats] = {}


class Orientation:
    """How a detector lies on the sky at the times of n events.

    Parameters
    ----------
    time
        Nanoseconds since 1970 (UTC).
    site
        What tells the detector's site from others.
    frame
        Computes something from astropy's horizontal frame at times in seconds since 1970.
    """

    def __init__(self, time: Times, site: str, frame: InFrame) -> None:
        cell = time // (CELL * NANOSECONDS)
        cells, place = _distinct(cell)
        self._table = _points(cells, site, frame).T
        self._place = place
        self._after = (time - cell * (CELL * NANOSECONDS)) * (1 / NANOSECONDS)

    def __getitem__(self, name: str) -> Floats:
        """Return one of `LINEAR` or `CONSTANT` for each event."""
        values: Floats = self._table[COLUMNS.index(name)].take(self._place)
        if name in LINEAR:
            values += self._table[COLUMNS.index(f"{name}'")].take(self._place) * self._after
        return values


def icrs_direction(
    south: Floats, east: Floats, up: Floats, latitude: float, orientation: Orientation
) -> tuple[Floats, Floats, Floats]:
    """Return directions in the horizontal frame as vectors in the ICRS, of length about 1.

    Parameters
    ----------
    south, east, up
        Unit vectors to where particles came from.
    latitude
        Of the detector in degrees.
    orientation
        Of the detector, for each event.
    """
    sine, cosine = np.sin(np.radians(latitude)), np.cos(np.radians(latitude))
    x, z = sine * south + cosine * up, sine * up - cosine * south
    proper = _celestial(*_with_polar_motion(x, east, z, orientation), orientation)
    return _undeflected(*_without_aberration(*proper, orientation), orientation)


def _with_polar_motion(
    x: Floats, y: Floats, z: Floats, orientation: Orientation
) -> tuple[Floats, Floats, Floats]:
    """Turn by the motion of the pole, whose angles are so small that they are their sines."""
    xpl, ypl = orientation["xpl"], orientation["ypl"]
    return x - xpl * z, y + ypl * z, z + xpl * x - ypl * y


def _celestial(
    x: Floats, y: Floats, z: Floats, orientation: Orientation
) -> tuple[Floats, Floats, Floats]:
    """Turn with the Earth, then from its pole to that of the ICRS (IERS Conventions 2010, 5.10)."""
    turn, pole_x, pole_y = (orientation[name] for name in ("turn", "x", "y"))
    sine, cosine = np.sin(turn), np.cos(turn)
    x, y = x * cosine - y * sine, x * sine + y * cosine
    pole_z = np.sqrt(1 - pole_x * pole_x - pole_y * pole_y)
    along = pole_x * x + pole_y * y
    shift = z - along / (1 + pole_z)
    return x + pole_x * shift, y + pole_y * shift, pole_z * z - along


def _without_aberration(
    x: Floats, y: Floats, z: Floats, orientation: Orientation
) -> tuple[Floats, Floats, Floats]:
    """Return the directions for an observer at rest: the boost with the opposite velocity."""
    vx, vy, vz = (orientation[name] for name in ("vx", "vy", "vz"))
    slowness = np.sqrt(1 - (vx * vx + vy * vy + vz * vz))
    along = x * vx + y * vy + z * vz
    part = 1 - along / (1 + slowness)
    scale = 1 / (1 - along)
    return (
        (slowness * x - part * vx) * scale,
        (slowness * y - part * vy) * scale,
        (slowness * z - part * vz) * scale,
    )


def _undeflected(
    x: Floats, y: Floats, z: Floats, orientation: Orientation
) -> tuple[Floats, Floats, Floats]:
    """Return the directions before the Sun deflected the light."""
    sun = tuple(orientation[name] for name in ("ex", "ey", "ez"))
    strength = SCHWARZSCHILD_RADIUS / orientation["em"]
    bent = (x, y, z)
    straight = _straightened(bent, bent, sun, strength)
    away = x * sun[0] + y * sun[1] + z * sun[2]
    near = np.flatnonzero(away < NEAR_SUN)
    if len(near):
        bent = _unit(*(part[near] for part in bent))
        sun = _unit(*(part[near] for part in sun))
        guess = bent
        for _ in range(STEPS):
            guess = _unit(*_straightened(bent, guess, sun, strength[near]))
        for whole, part in zip(straight, guess, strict=True):
            whole[near] = part
    return straight[0], straight[1], straight[2]


def _unit(x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
    """Return vectors of length 1; near the Sun, the ninth digit of the length matters."""
    length = np.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


def _straightened(
    bent: tuple[Floats, ...], guess: tuple[Floats, ...], sun: tuple[Floats, ...], strength: Floats
) -> tuple[Floats, ...]:
    """Take off the deflection that a guess of the direction has (ERFA's ``ld``, far source)."""
    away = sum(g * s for g, s in zip(guess, sun, strict=True))
    weight = strength / np.maximum(1 + away, LEAST_DEFLECTING)
    return tuple(b - weight * (s - g * away) for b, g, s in zip(bent, guess, sun, strict=True))


def _distinct(cell: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the different cells in order, and the place among them of each event's."""
    first, last = int(cell.min()), int(cell.max())
    if last - first > max(len(cell), MOST_KEPT):
        cells, place = np.unique(cell, return_inverse=True)
        return cells, place
    there = np.zeros(last - first + 1, dtype=bool)
    there[cell - first] = True
    place_of = np.cumsum(there) - 1
    return np.flatnonzero(there) + first, place_of.take(cell - first)


def _points(cells: NDArray[np.int64], site: str, frame: InFrame) -> Floats:
    """Return the rows of the table of `COLUMNS` for cells."""
    rows = {cell: _kept.get((site, cell)) for cell in cells.tolist()}
    missing = [cell for cell, row in rows.items() if row is None]
    if missing:
        if len(missing) <= FEW:
            missing = sorted({cell + more for cell in missing for more in range(AHEAD)})
        if len(_kept) + len(missing) > MOST_KEPT:
            _kept.clear()
        computed = dict(zip(missing, _computed(missing, frame), strict=True))
        _kept.update({(site, cell): row for cell, row in computed.items()})
        rows |= {cell: computed[cell] for cell, row in rows.items() if row is None}
    return np.stack([row for row in rows.values() if row is not None])


def _computed(cells: list[int], frame: InFrame) -> Floats:
    start = np.array(cells, dtype=np.float64) * CELL
    first, last = (frame(_quantities, start + after) for after in (0, CELL))
    slopes = (last - first)[:, : len(LINEAR)]
    slopes[:, 0] = np.mod(slopes[:, 0], 2 * np.pi)
    count = len(LINEAR)
    return np.concatenate([first[:, :count], slopes / CELL, first[:, count:]], axis=1)


def _quantities(at_detector: AltAz) -> Floats:
    """Return `LINEAR` and `CONSTANT` from ERFA's context, one row for each time."""
    astrom = ErfaAstrom.apco(at_detector)
    matrix = astrom["bpn"]
    x, y = matrix[..., 2, 0], matrix[..., 2, 1]
    a = 1 / (1 + np.sqrt(1 - x * x - y * y))
    # The locator s of the intermediate origin: what of the matrix is no motion of the pole.
    cosine = matrix[..., 0, 0] * (1 - a * x * x) - matrix[..., 0, 1] * a * x * y
    sine = matrix[..., 1, 0] * (1 - a * x * x) - matrix[..., 1, 1] * a * x * y
    cosine -= matrix[..., 0, 2] * x
    sine -= matrix[..., 1, 2] * x
    turn = astrom["eral"] - np.arctan2(sine, cosine)
    columns = [turn, x, y, *astrom["v"].T, *astrom["eh"].T]
    return np.stack([*columns, *(astrom[name] for name in CONSTANT)], axis=1)
