"""Make the simulated inputs in the folders beside this file: 'python simulated/make_inputs.py'.

Lists of events and response functions of neutrino telescopes that look like real ones and are
none: every number comes from a formula below, invented for this purpose, and from Python's random
numbers with a fixed seed, so that each run writes the same bytes. What is written is kept beside
the descriptions; a test compares it with what this makes.

The formulas, with E in GeV:

- A point at declination d is below the horizon for the part
  ``arccos(tan(latitude) tan(d)) / pi`` of a day (all of it, or nothing, where that has no value).
- Effective area in m2, averaged over a day:
  ``part * scale * (E / 1 TeV)**1.6 / (1 + E / 100 TeV)``; tau neutrinos have 0.6 of it, their
  antiparticles 0.55.
- Angular resolution: a two-dimensional normal distribution whose median angle is
  ``sqrt(best**2 + (0.7 deg * (E / 1 TeV)**-0.6)**2)``.
- Estimated energy: log-normal around the true one, 0.35 in log10(E).
- Background in the sky: ``rate * part`` events per year and steradian, as many as in the lists.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from astropy import units as u
from astropy.table import QTable

HERE = Path(__file__).parent
SPREAD = 0.35
"""Of the estimated energy, in log10."""
NORTHERN_LIMIT = 60
DECLINATION_STEP = 15
ENERGIES = [10 ** (2 + number / 4) for number in range(25)]
"""Edges of the bins of the effective area: 100 GeV to 100 PeV."""
COARSE_ENERGIES = [10 ** (2 + number / 2) for number in range(13)]
MEDIAN = 2 * math.log(2)
CONTAINMENTS = (50, 68, 90)

Column = tuple[Sequence[float], str, str, str]
"""Values, unit, UCD, description."""


@dataclass(frozen=True)
class Telescope:
    """An invented telescope."""

    latitude: float
    """Degrees."""
    scale: float
    """Effective area in m2 at 1 TeV."""
    best_angle: float
    """Median angular error in degrees that is not fallen below."""
    background: float
    """Events per year and steradian where the sky is always seen."""

    def visible(self, declination: float) -> float:
        """Return the part of a day that a declination in degrees is below the horizon."""
        tangents = math.tan(math.radians(self.latitude)) * math.tan(math.radians(declination))
        return math.acos(max(-1.0, min(1.0, tangents))) / math.pi

    def area(self, energy: float, declination: float, factor: float = 1.0) -> float:
        """Return the effective area in m2 at an energy in GeV."""
        rising: float = self.scale * (energy / 1e3) ** 1.6 / (1 + energy / 1e5)
        return factor * rising * self.visible(declination)

    def median_angle(self, energy: float) -> float:
        """Return the median angular error in degrees."""
        return math.hypot(self.best_angle, 0.7 * (energy / 1e3) ** -0.6)


ANTARES_LIKE = Telescope(latitude=42.8, scale=0.01, best_angle=0.3, background=7.3)
ARCA_LIKE = Telescope(latitude=36.3, scale=0.1, best_angle=0.06, background=15.5)


@dataclass(frozen=True)
class Sample:
    """A list of events to make: most of them everywhere, some around one place."""

    seed: int
    events: int
    first_mjd: float
    last_mjd: float
    cluster: int = 0
    """How many of the events are near ``place``."""
    place: tuple[float, float] = (0.0, 0.0)


def main() -> None:
    """Write all files."""
    for name, text in contents().items():
        (HERE / name).write_text(text, encoding="utf-8")


def contents() -> dict[str, str]:
    """Return what is written, by path below this folder."""
    antares = Sample(2017, 400, 54129.0, 58118.0, cluster=8, place=(98.24, 5.81))
    arca = Sample(2027, 400, 61406.0, 62867.0, cluster=10, place=(128.5, -45.19))
    diffuse = Sample(2028, 400, 61406.0, 62867.0)
    return {
        "antsim26_01/events.txt": event_list(ANTARES_LIKE, antares),
        **responses("antsim26_01", ANTARES_LIKE),
        "arcasim26_01/events.txt": event_list(ARCA_LIKE, arca),
        **responses("arcasim26_01", ARCA_LIKE),
        "arcasim26_01/aeff_nutau.ecsv": effective_area(ARCA_LIKE, 0.6),
        "arcasim26_01/aeff_antinutau.ecsv": effective_area(ARCA_LIKE, 0.55),
        "arcasim26_02/events.txt": event_list(ARCA_LIKE, diffuse),
        "arcasim26_02/aeff.ecsv": effective_area(ARCA_LIKE),
        "arcasim26_02/edisp.ecsv": energy_dispersion(),
    }


def responses(folder: str, telescope: Telescope) -> dict[str, str]:
    """Return the responses that every point-source sample has."""
    return {
        f"{folder}/aeff.ecsv": effective_area(telescope),
        f"{folder}/psf.ecsv": point_spread(telescope),
        f"{folder}/edisp.ecsv": energy_dispersion(),
        f"{folder}/bkgrate.ecsv": background(telescope),
    }


def event_list(telescope: Telescope, sample: Sample) -> str:
    """Return a list of events as text, in the order of time."""
    source = random.Random(sample.seed)  # noqa: S311  # it hides nothing
    rows = sorted(_event(telescope, sample, source, number) for number in range(sample.events))
    lines = ["mjd[d]\tra[deg]\tdec[deg]\tenergy[GeV]\tangular_error[deg]\tn_hits"]
    lines += ["{:.6f}\t{:.4f}\t{:.4f}\t{:.4g}\t{:.4f}\t{}".format(*row) for row in rows]
    return "\n".join(lines) + "\n"


def _event(
    telescope: Telescope, sample: Sample, source: random.Random, number: int
) -> tuple[float, float, float, float, float, int]:
    mjd = sample.first_mjd + source.random() * (sample.last_mjd - sample.first_mjd)
    energy = 10 ** (2 - math.log10(1 - source.random()) / 1.2)
    angle = telescope.median_angle(energy)
    if number < sample.cluster:
        energy, (ra, dec) = energy * 30, _near(sample.place, angle, source)
    else:
        ra, dec = _anywhere(telescope, source)
    return mjd, ra, dec, energy, angle, 20 + int(energy**0.4)


def _anywhere(telescope: Telescope, source: random.Random) -> tuple[float, float]:
    """Return a direction as often as it is visible."""
    while True:
        dec = math.degrees(math.asin(2 * source.random() - 1))
        if source.random() < telescope.visible(dec):
            return 360 * source.random(), dec


def _near(place: tuple[float, float], median: float, source: random.Random) -> tuple[float, float]:
    ra, dec = place
    distance = median * math.sqrt(-2 * math.log(1 - source.random()) / MEDIAN)
    angle = 2 * math.pi * source.random()
    east = distance * math.cos(angle) / math.cos(math.radians(dec))
    return (ra + east) % 360, dec + distance * math.sin(angle)


def effective_area(telescope: Telescope, factor: float = 1.0) -> str:
    """Return the effective area in bins of energy and declination."""
    cells = [(e, d) for e in _bins(ENERGIES) for d in _bins(_declinations())]
    areas = [telescope.area(math.sqrt(e[0] * e[1]), sum(d) / 2, factor) for e, d in cells]
    return _table(
        {
            **_edges("energy", [e for e, _ in cells], "GeV", "phys.energy", "true energy"),
            **_edges("dec", [d for _, d in cells], "deg", "pos.eq.dec", "declination"),
            "effective_area": (areas, "m**2", "phys.area",
                "Effective area for charged-current interactions, averaged over a day (simulated)"),
        }
    )  # fmt: skip


def point_spread(telescope: Telescope) -> str:
    """Return the radii that hold parts of the events of a point source, in bins of energy."""
    bins = list(_bins(COARSE_ENERGIES))
    medians = [telescope.median_angle(math.sqrt(low * high)) for low, high in bins]
    columns: dict[str, Column] = _edges("energy", bins, "GeV", "phys.energy", "true energy")
    for part in CONTAINMENTS:
        factor = math.sqrt(-2 * math.log(1 - part / 100) / MEDIAN)
        columns[f"angle_{part}"] = (
            [factor * median for median in medians], "deg", "pos.angDistance",
            f"Angle to the true direction that {part} % of the events do not exceed (simulated)",
        )  # fmt: skip
    return _table(columns)


def energy_dispersion() -> str:
    """Return the probability of bins of estimated energy for bins of true energy."""
    cells = [(t, e) for t in _bins(COARSE_ENERGIES) for e in _bins(COARSE_ENERGIES)]
    return _table(
        {
            **_edges("energy_true", [t for t, _ in cells], "GeV", "phys.energy", "true energy"),
            **_edges("energy", [e for _, e in cells], "GeV", "phys.energy", "estimated energy"),
            "probability": ([_dispersed(t, e) for t, e in cells], "", "stat.probability",
                "Probability that the estimated energy is in its bin (simulated)"),
        }
    )  # fmt: skip


def _dispersed(true: tuple[float, float], estimated: tuple[float, float]) -> float:
    centre = math.log10(true[0] * true[1]) / 2
    low, high = ((math.log10(e) - centre) / (SPREAD * math.sqrt(2)) for e in estimated)
    return (math.erf(high) - math.erf(low)) / 2


def background(telescope: Telescope) -> str:
    """Return the rate of background events in bins of declination."""
    bins = list(_bins(_declinations()))
    rates = [telescope.background * telescope.visible(sum(edges) / 2) for edges in bins]
    return _table(
        {
            **_edges("dec", bins, "deg", "pos.eq.dec", "declination"),
            "rate": (rates, "yr**-1.sr**-1", "arith.rate",
                "Atmospheric background that passes the selection (simulated)"),
        }
    )  # fmt: skip


def _declinations() -> list[float]:
    return [float(edge) for edge in range(-90, NORTHERN_LIMIT + 1, DECLINATION_STEP)]


def _bins(edges: Sequence[float]) -> Iterator[tuple[float, float]]:
    return pairwise(edges)


def _edges(
    name: str, bins: Sequence[tuple[float, float]], unit: str, ucd: str, what: str
) -> dict[str, Column]:
    return {
        f"{name}_min": ([low for low, _ in bins], unit, f"{ucd};stat.min",
            f"Lower edge of the bin in {what}"),
        f"{name}_max": ([high for _, high in bins], unit, f"{ucd};stat.max",
            f"Upper edge of the bin in {what}"),
    }  # fmt: skip


def _table(columns: Mapping[str, Column]) -> str:
    table = QTable()
    for name, (values, unit, ucd, description) in columns.items():
        rounded = [float(f"{value:.5g}") for value in values]
        table[name] = rounded * u.Unit(unit, format="vounit") if unit else rounded
        table[name].info.description = description
        table[name].info.meta = {"ucd": ucd}
    text = io.StringIO()
    table.write(text, format="ascii.ecsv")
    return text.getvalue()


if __name__ == "__main__":
    main()
