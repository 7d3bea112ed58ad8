"""What a resource covers of the sky, of time and of energy, as the VO writes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from astropy.coordinates import SkyCoord
from mocpy import MOC, TimeMOC

from vopub.model.data_taking import DataTaking
from vopub.model.resource import Coverage, TimeSpan
from vopub.vo.extent import in_scale

JOULE_PER_GEV = 1.602176634e-10
"""Exact since the SI of 2019."""
POLE = 90.0
SKY_ORDER = 5
"""HEALPix order of a band of declinations: cells of 1.8 degrees."""
TIME_ORDER = 35
"""Order of a MOC of times: cells of 67 seconds."""


def coverage_block(coverage: Coverage, taken: DataTaking | None) -> dict[str, Any]:
    """Return what a resource covers as the macro ``coverage`` writes it.

    Returns
    -------
    dict
        ``spatial``: a MOC, of the declinations that events could come from if they are known, or
        else of where they came from. ``temporal``: intervals in MJD. ``spectral``: an interval in
        Joule.
    """
    energy = coverage.energy
    return {
        "spatial": sky_moc(coverage),
        "temporal": [_interval(span) for span in good_times(taken, coverage)],
        "spectral": " ".join(f"{e * JOULE_PER_GEV:.10g}" for e in energy) if energy else "",
    }


def sky_moc(coverage: Coverage) -> str:
    """Return where on the sky events could come from, as a MOC in its ASCII form on one line."""
    if coverage.declination is None:
        return " ".join(coverage.spatial.split())
    low, high = coverage.declination
    if low <= -POLE and high >= POLE:
        return "0/0-11"
    corners = SkyCoord([0.0, 360.0], [low, high], unit="deg")
    return ascii_moc(MOC.from_zone(corners, max_depth=SKY_ORDER))


def good_times(taken: DataTaking | None, coverage: Coverage) -> tuple[TimeSpan, ...]:
    """Return when data were taken: the runs, those that follow each other without a gap as one.

    Without start and stop of every run, it is the time from the first event to the last.
    """
    runs = () if taken is None else taken.runs
    spans = [TimeSpan(start=r.start, stop=r.stop) for r in runs if r.start and r.stop]
    if not spans or len(spans) < len(runs):
        return () if coverage.temporal is None else (coverage.temporal,)
    return tuple(_merged(sorted(spans, key=lambda span: span.start)))


def time_moc(spans: Sequence[TimeSpan]) -> str:
    """Return times as a MOC in its ASCII form on one line; empty without times.

    MOC 2.0 counts barycentric dynamical time. That the detector is not in the barycentre, at most
    8.4 minutes, is left aside.
    """
    if not spans:
        return ""
    starts, stops = (in_scale([getattr(s, end) for s in spans], "tdb") for end in ("start", "stop"))
    return ascii_moc(TimeMOC.from_time_ranges(starts, stops, order=TIME_ORDER))


def ascii_moc(moc: MOC | TimeMOC) -> str:
    """Return a MOC in its ASCII form on one line."""
    return " ".join(moc.to_string("ascii").split())


def _merged(spans: Iterable[TimeSpan]) -> Iterable[TimeSpan]:
    current: TimeSpan | None = None
    for span in spans:
        if current is None or span.start > current.stop:
            if current is not None:
                yield current
            current = span
        else:
            current = TimeSpan(start=current.start, stop=max(current.stop, span.stop))
    if current is not None:
        yield current


def _interval(span: TimeSpan) -> str:
    """Return start and stop as MJD of terrestrial time, which VODataService asks for."""
    return f"{_mjd(span.start):.8f} {_mjd(span.stop):.8f}"


def _mjd(moment: datetime) -> float:
    return float(in_scale([moment], "tt").mjd[0])
