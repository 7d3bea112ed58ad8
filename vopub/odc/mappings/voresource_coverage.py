"""What part of the sky, of time and of energy a resource of the VO covers, there and back.

Source: VODataService 1.2, section 3.2 (coverage): times are Modified Julian Dates of barycentric
dynamical time, from which terrestrial time differs by two milliseconds at most; energies are in
joules. Both have as many digits as it takes to read them back as they were.
"""

from __future__ import annotations

import math
import re
import warnings
from datetime import UTC, datetime
from decimal import Decimal
from xml.etree import ElementTree as ET

from vopub.model.publication import Messenger
from vopub.model.resource import KM3OpenResource
from vopub.odc.mappings.elements import add
from vopub.odc.mappings.json_ld import Node
from vopub.odc.mappings.reading_parts import zulu

JOULE_PER_GEV = Decimal("1.602176634e-10")
"""Exact by the definition of the electronvolt in the SI of 2019."""
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_INTERVAL = re.compile(rf"\s*({_NUMBER})\s+({_NUMBER})\s*")


def add_coverage(root: ET.Element, record: KM3OpenResource) -> None:
    """Add what a record says about it, and what brought the news to the detector."""
    covered = record.coverage
    coverage = add(root, "coverage")
    if covered.spatial:
        add(coverage, "spatial", covered.spatial)
    if covered.temporal:
        span = (covered.temporal.start, covered.temporal.stop)
        add(coverage, "temporal", " ".join(map(_mjd, span)))
    if covered.energy and all(map(math.isfinite, covered.energy)):
        joules = (Decimal(repr(energy)) * JOULE_PER_GEV for energy in covered.energy)
        add(coverage, "spectral", " ".join(map(str, joules)))
    add(coverage, "waveband", record.publication.messenger.value)


def read_coverage(resource: ET.Element) -> Node:
    """Return what a resource covers, as fields by dotted name.

    Of several intervals it is what holds all of them.
    """
    times, energies = (_extent(resource, name) for name in ("temporal", "spectral"))
    messengers = (element.text for element in resource.findall("coverage/waveband"))
    return {
        "coverage.spatial": resource.findtext("coverage/spatial"),
        "coverage.temporal": times and {"start": _moment(times[0]), "stop": _moment(times[1])},
        "coverage.energy": energies and [float(each / JOULE_PER_GEV) for each in energies],
        "publication.messenger": next((m for m in messengers if m in set(Messenger)), None),
    }


def _extent(resource: ET.Element, name: str) -> tuple[Decimal, Decimal] | None:
    texts = (element.text or "" for element in resource.findall(f"coverage/{name}"))
    found = [match for match in map(_INTERVAL.fullmatch, texts) if match]
    if not found:
        return None
    return min(Decimal(match[1]) for match in found), max(Decimal(match[2]) for match in found)


def _mjd(moment: datetime) -> str:
    """Return a moment as Modified Julian Date, to less than a tenth of a microsecond."""
    from astropy.time import Time  # noqa: PLC0415 - takes a quarter of a second

    with _without_warnings():
        return f"{Time(moment, scale='utc').tt.to_value('mjd', 'decimal'):.12f}"


def _moment(mjd: Decimal) -> str:
    from astropy.time import Time  # noqa: PLC0415 - as above

    with _without_warnings():
        moment = Time(mjd, format="mjd", scale="tt").utc.to_datetime(UTC)
    return zulu(moment.isoformat())


def _without_warnings() -> warnings.catch_warnings[None]:
    """Return what keeps astropy quiet about years whose leap seconds are not known."""
    from erfa import ErfaWarning  # type: ignore[import-untyped]  # noqa: PLC0415 - as above

    return warnings.catch_warnings(action="ignore", category=ErfaWarning)
