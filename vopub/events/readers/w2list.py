"""What generators of neutrinos list about each event (``w2list``), by its names.

Constants: KM3NeT Data Definitions 3.6.2 (``w2list_gseagen.csv``, ``w2list_genhen.csv``,
``w2list_km3buu.csv``, ``w2list_km3neut.csv``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from vopub.events.tracks import SENTINEL
from vopub.model.event_table import Column

_COMMON = {
    0: "ps", 1: "eg", 2: "xsec_mean", 3: "column_depth", 4: "p_earth", 5: "water_int_len", 7: "bx",
    8: "by", 9: "ichan", 10: "cc", 13: "xsec", 14: "dxsec", 15: "targeta", 16: "targetz",
    17: "verincan", 18: "lepincan",
}  # fmt: skip
_PLACES: Mapping[str, Mapping[int, str]] = {
    "gseagen": {
        **_COMMON, 6: "p_scale", 11: "distamax", 12: "waterxsec", 19: "n_retries",
        20: "custom_yaw", 21: "custom_pitch", 22: "custom_roll",
    },
    "genhen": {
        0: "global_gen_weight", 1: "eg", 2: "sig", 3: "column_depth", 4: "p_earth", 5: "reff",
        7: "bx", 8: "by", 9: "ichan", 10: "cc",
    },
    "km3buu": {**_COMMON, 23: "gibuu_weight", 24: "gibuu_scat_type", 25: "lepprop_samples"},
    "km3neut": {**_COMMON, 6: "p_scale", 12: "waterxsec", 19: "mode"},
}  # fmt: skip
W2LIST: Mapping[str, Mapping[str, int]] = {
    generator: {f"w2list_{generator}_{name}": place for place, name in sorted(names.items())}
    for generator, names in _PLACES.items()
}
"""Places in ``w2list`` by name, for each generator."""


def places_listed(head: Mapping[str, str], length: int) -> dict[str, dict[str, int]]:
    """Return the places of what a file lists, by name, under what the names begin with.

    Nothing if its ``Head`` names no generator or several: the same place means other things then.

    Parameters
    ----------
    head
        What the file says of its simulation.
    length
        How long its lists are.
    """
    said = " ".join(head.values()).lower()
    named = [generator for generator in W2LIST if generator in said]
    if len(named) != 1:
        return {}
    listed = {name: place for name, place in W2LIST[named[0]].items() if place < length}
    return {f"w2list_{named[0]}": listed} if listed else {}


def columns_listed(columns: Iterable[str]) -> dict[str, str]:
    """Return the columns of a table that have names of the data definitions, by these."""
    known = {name for names in W2LIST.values() for name in names}
    return {column.lower(): column for column in columns if column.lower() in known}


def by_generator(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return names under what they begin with."""
    there = set(names)
    found = {f"w2list_{g}": tuple(name for name in w if name in there) for g, w in W2LIST.items()}
    return {beginning: listed for beginning, listed in found.items() if listed}


def listed_numbers(values: Column) -> Column:
    """Return numbers as they are listed, NaN where they stand for none."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers) & (numbers != SENTINEL), numbers, np.nan)
