"""Which columns of a table hold positions, energies and times: by their UCD, or by their name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vopub.model.parameter import Parameter


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column can mean."""

    ucd: str
    """First word of its UCD. Source: the UCD1+ controlled vocabulary, IVOA."""
    names: tuple[str, ...]
    """Names that such columns have where nobody says what they mean, the likeliest first."""


RA = Meaning("pos.eq.ra", ("ra", "ra_deg", "raj2000", "ra_j2000", "right_ascension"))
DEC = Meaning("pos.eq.dec", ("dec", "dec_deg", "decj2000", "dej2000", "dec_j2000", "declination"))
ENERGY = Meaning("phys.energy", ("energy", "e_reco", "reco_energy", "energy_reco"))
TIME = Meaning("time.epoch", ("mjd", "time", "time_mjd", "utc", "unix_time", "jd"))
LIVETIME = Meaning("time.duration", ("livetime", "live_time", "duration", "exposure"))
START = Meaning("time.start", ("run_start_mjd", "run_start", "start", "start_time", "tstart"))
STOP = Meaning("time.end", ("run_stop_mjd", "run_stop", "stop", "stop_time", "tstop", "end"))
DETECTOR = Meaning("meta.id", ("detector_id", "detector", "det_id"))


def column_of(
    meaning: Meaning, parameters: Mapping[str, Parameter], columns: Iterable[str]
) -> str:  # fmt: skip
    """Return the column that has a meaning; empty if none has.

    Parameters
    ----------
    meaning
        What is looked for.
    parameters
        What is said of columns, by name.
    columns
        Names of the columns that are there; case does not count.
    """
    there = {name.lower(): name for name in reversed(list(columns))}
    said = [p for name, p in parameters.items() if name in there and _has(p, meaning)]
    if said:
        return there[min(said, key=lambda p: _rank(p, meaning)).name]
    # A name counts for nothing where the record says that the column is something else.
    silent = (name for name in meaning.names if name in there and name not in parameters)
    return next((there[name] for name in silent), "")


def position_of(parameters: Mapping[str, Parameter], columns: Iterable[str]) -> tuple[str, str]:
    """Return the columns of right ascension and declination; empty if there are not both."""
    names = list(columns)
    ra, dec = (column_of(meaning, parameters, names) for meaning in (RA, DEC))
    return (ra, dec) if ra and dec else ("", "")


def _has(parameter: Parameter, meaning: Meaning) -> bool:
    """Tell whether a column is meant: not its error, its mean or another statistic of it."""
    first, *others = parameter.ucd.lower().split(";")
    if meaning is DETECTOR and parameter.name not in meaning.names:
        return False  # everything that has a number has this UCD
    return first == meaning.ucd and not any(word.startswith("stat.") for word in others)


def _rank(parameter: Parameter, meaning: Meaning) -> tuple[bool, bool, int, bool]:
    """Return what makes one column likelier than another: the lowest is."""
    words, known = parameter.ucd.lower().split(";"), parameter.name in meaning.names
    return (
        parameter.truth, "meta.main" not in words,
        meaning.names.index(parameter.name) if known else len(meaning.names),
        not parameter.principal,
    )  # fmt: skip
