"""In what the two lists of UCD words in use differ: 1.5 (DaCHS 2.7) and 1.6 (astropy 8).

Source: "The UCD1+ controlled vocabulary", IVOA, versions 1.5 of 2022-09-20 and 1.6 of 2024-12-18.
"""

from __future__ import annotations

_NEW = """
    meta.coverage obs.atmos.humidity obs.atmos.rain obs.atmos.turbulence
    obs.atmos.turbulence.isoplanatic obs.atmos.water obs.atmos.wind phys.inspiralSpin
    phys.temperature.dew phys.voltage pos.projection stat.confidenceLevel stat.falseNegative
    stat.falsePositive time.period.pulsation
"""
NEW_IN_1_6 = frozenset(_NEW.split())
"""Words that 1.5 does not have."""
FIRST_IN_1_5 = frozenset({"stat.stdev"})
"""Words that 1.5 lets stand first only, and 1.6 anywhere."""


def missing_in_1_5(ucd: str) -> list[str]:
    """Return the words of a UCD of the list 1.6 that the list 1.5 does not have at their places."""
    return [word for place, word in enumerate(ucd.split(";")) if not _known(word, place)]


def _known(word: str, place: int) -> bool:
    return word not in NEW_IN_1_6 and (place == 0 or word not in FIRST_IN_1_5)
