"""The sky: of events, of what is covered, of an alert; and events without a position over energy.

What is made here draws itself, by the figures that publications have, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np

from vopub.figures.histogram import Histogram, draw_histogram
from vopub.figures.skymap import Circle, SkyMap, draw_coverage, draw_position
from vopub.foreign_xml import local, parse
from vopub.model.parameter import Parameter
from vopub.odc.drawing.charts import Floats, UndrawableError
from vopub.odc.drawing.columns import names_in, pieces
from vopub.odc.drawing.meaning import ENERGY, TIME, column_of, position_of
from vopub.odc.drawing.subject import Labels, Task
from vopub.odc.drawing.times import as_mjd

if TYPE_CHECKING:
    from mocpy import MOC

DEGREES = {"": 1.0, "deg": 1.0, "rad": 180 / np.pi, "arcmin": 1 / 60, "arcsec": 1 / 3600, "h": 15.0}
"""In a unit of angles; right ascensions may be in hours."""
MAP_ORDER = 6
"""HEALPix order of the smallest cells on a map: 0.9 degrees, so that no cell falls between the
points that are looked at.
"""
MOST_CIRCLES = 4
FRAMES = ("icrs", "fk5", "fk4", "galactic")
"""Systems of coordinates of alerts. Source: Space-Time Coordinates 1.30, IVOA."""


@dataclass(frozen=True, slots=True)
class EventSky:
    """Directions of events."""

    sky: SkyMap
    title: str

    def svg(self) -> bytes:
        """Draw them."""
        return self.sky.draw(title=self.title)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Values of events."""

    histogram: Histogram
    title: str
    label: str
    decades: bool

    def svg(self) -> bytes:
        """Draw a histogram."""
        return draw_histogram(
            self.histogram, title=self.title, label=self.label, decades=self.decades
        )


@dataclass(frozen=True, slots=True)
class CoveredSky:
    """What part of the sky is covered."""

    moc: MOC
    title: str

    def svg(self) -> bytes:
        """Draw it."""
        from astropy import units as u  # noqa: PLC0415 - takes a quarter of a second

        coarse = self.moc.degrade_to_order(min(self.moc.max_order, MAP_ORDER))

        def covers(ra: Floats, dec: Floats) -> Any:
            return coarse.contains_lonlat(ra.ravel() * u.deg, dec.ravel() * u.deg).reshape(ra.shape)

        share = f"{100 * self.moc.sky_fraction:.3g} % of the sky"
        return draw_coverage(covers, title=self.title, about=share)


@dataclass(frozen=True, slots=True)
class AlertSky:
    """Where an alert points."""

    ra: float
    dec: float
    circles: Sequence[Circle]
    title: str

    def svg(self) -> bytes:
        """Draw it."""
        about = f"right ascension {self.ra:.4f}°, declination {self.dec:+.4f}°"
        circles = self.circles[:MOST_CIRCLES]
        return draw_position(self.ra, self.dec, circles, title=self.title, about=about)


def events_chart(path: Path, task: Task) -> EventSky | Distribution:
    """Draw where events come from; without positions their energies, or else their times."""
    known, names = task.labels.parameters, names_in(path, task.media_type)
    ra, dec = position_of(known, names)
    title = "Simulated events" if task.simulated else ""
    if ra and (factors := _factors(task.labels, ra, dec)):
        return EventSky(_sky(pieces(path, task.media_type, (ra, dec)), (ra, dec), factors), title)
    for meaning in (ENERGY, TIME):
        if name := column_of(meaning, known, names):
            histogram = _histogram(pieces(path, task.media_type, [name]), name, meaning is ENERGY)
            label = _label(known.get(name.lower()), task.labels, name)
            return Distribution(histogram, title, label, decades=meaning is ENERGY)
    raise UndrawableError("no column is known to hold positions, energies or times")


def coverage_chart(task: Task) -> CoveredSky:
    """Draw what part of the sky a record covers."""
    from mocpy import MOC  # noqa: PLC0415 - loads long

    try:
        moc = MOC.from_string(task.moc, format="ascii")
    except (OSError, ValueError) as error:
        raise UndrawableError("it is not a MOC in ASCII form") from error
    if moc.empty():
        raise UndrawableError("it is empty")
    return CoveredSky(moc, "Simulated data" if task.simulated else "")


def alert_chart(path: Path, task: Task) -> AlertSky:
    """Draw where an alert points, with the radii of its error.

    Source: VOEvent 2.0, IVOA, section 3.4 (WhereWhen). KM3NeT also writes radii of several
    containments, as ``Error2Radius50``.
    """
    root = parse(path)
    if local(root.tag) != "VOEvent":
        raise UndrawableError("it is no VOEvent")
    coordinates = root.find("{*}WhereWhen//{*}AstroCoords")
    position = None if coordinates is None else coordinates.find("{*}Position2D")
    if coordinates is None or position is None:
        raise UndrawableError("its packet gives no position")
    factor = DEGREES.get(position.get("unit", "deg").lower().removesuffix("rees"), 0.0)
    if not factor:
        raise UndrawableError(f"its position is in {position.get('unit', '')[:20]!r}")
    longitude, latitude = (_number(position, f"{{*}}Value2/{{*}}C{n}") * factor for n in (1, 2))
    system = coordinates.get("coord_system_id", "")
    if not np.isfinite(longitude) or not abs(latitude) <= 90:
        raise UndrawableError("its packet gives no position")
    ra, dec = _icrs(longitude, latitude, system)
    title = "Simulated" if task.simulated else ""
    return AlertSky(ra, dec, list(_circles(position, factor)), title)


def _icrs(longitude: float, latitude: float, system: str) -> tuple[float, float]:
    """Return a position of the system that an alert names, e.g. ``UTC-FK5-GEO``, in the ICRS."""
    from astropy import units as u  # noqa: PLC0415 - takes half a second
    from astropy.coordinates import SkyCoord  # noqa: PLC0415 - as above

    named = [part.lower() for part in system.split("-")]
    frame = next((part for part in named if part in FRAMES), "")
    if system and not frame:
        raise UndrawableError(f"its position is in {system[:40]!r}, which is not known here")
    there = SkyCoord(longitude * u.deg, latitude * u.deg, frame=frame or "icrs").icrs
    return float(there.ra.deg), float(there.dec.deg)


def _circles(position: ET.Element, factor: float) -> Iterator[Circle]:
    for child in position:
        name = local(child.tag)
        radius = _number(child, ".") * factor if name.startswith("Error2Radius") else 0.0
        if 0.0 < radius <= 180.0:
            contained = name.removeprefix("Error2Radius")
            within = f" ({contained} %)" if contained.isdigit() and len(contained) < 4 else ""
            yield Circle(f"error radius {radius:.3g}°{within}", radius)


def _number(parent: ET.Element, place: str) -> float:
    element = parent if place == "." else parent.find(place)
    try:
        return float("nan" if element is None else element.text or "nan")
    except ValueError:
        return float("nan")


def _factors(labels: Labels, ra: str, dec: str) -> tuple[float, float] | None:
    """Return how many degrees the units of two columns are; None if one is no angle."""
    units = [labels.unit(name.lower()) for name in (ra, dec)]
    known = [DEGREES[unit] for unit in units if unit in DEGREES]
    return (known[0], known[1]) if len(known) == 2 else None


def _sky(parts: Iterator[Any], names: tuple[str, str], factors: tuple[float, float]) -> SkyMap:
    sky = SkyMap()
    for piece in parts:
        ra, dec = (_floats(piece[n]) * factor for n, factor in zip(names, factors, strict=True))
        there = np.abs(dec) <= 90
        sky.add(ra[there], dec[there])
    if not sky.number:
        raise UndrawableError(f"{names[0]} and {names[1]} hold no positions in degrees")
    return sky


def _histogram(parts: Iterator[Any], name: str, decades: bool) -> Histogram:
    histogram = Histogram()
    for piece in parts:
        values = piece[name]
        if values.dtype == object:
            values = _floats(values) if decades else as_mjd(values)
        histogram.add(np.log10(values[values > 0]) if decades else values)
    if not histogram.number:
        raise UndrawableError(f"{name} holds no {'positive numbers' if decades else 'numbers'}")
    return histogram


def _floats(values: Any) -> Floats:
    """Return numbers; texts, as of hours and minutes, are none."""
    return values if values.dtype != object else np.full(len(values), np.nan)


def _label(known: Parameter | None, labels: Labels, name: str) -> str:
    if known is None:
        return name
    is_text = not known.unit and known.dtype.value == "text"
    return f"{labels.of(known.name)}{' [MJD, UTC]' if is_text else ''}"
