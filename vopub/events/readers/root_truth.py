"""Weights and true values of simulated events in KM3NeT's offline and DST files.

Constants: KM3NeT Data Definitions 3.6.2 (``trkmembers.csv``, ``weightlist.csv``,
``w2list_gseagen.csv``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from vopub.events.coordinates import zenith_azimuth
from vopub.events.lazy import Lazy
from vopub.events.tracks import Floats
from vopub.model.event_table import Column

TRK_ST_PRIMARYNEUTRINO, TRK_ST_PRIMARYCOSMIC, TRK_ST_MUONBUNDLE = 100, 200, 300
PRIMARY = (TRK_ST_PRIMARYNEUTRINO, TRK_ST_PRIMARYCOSMIC, TRK_ST_MUONBUNDLE)
"""What the status of the particle says from which the others come."""
W2LIST_GSEAGEN_BY = 8
"""Place of Bjorken y in ``w2list``, which gSeaGen alone fills so."""
NEUTRINOS = (12, 14, 16)
"""Their numbers in the scheme of the Particle Data Group; antineutrinos have the negative."""

WEIGHTS = {f"weight_w{place + 1}": place for place in range(6)}
"""Places in ``w``, by name of the parameter; km3pipe counts them from one."""
TRUE_VALUES = ("mc_energy", "mc_zenith", "mc_azimuth", "mc_ra", "mc_dec", "mc_pdgid",
               "mc_bjorken_y")  # fmt: skip
"""Parameters that the simulated particles tell."""

Read = Callable[[str], ak.Array]
"""Gives the values of a branch for the events of a chunk."""


def truth_of(read: Read, branches: Collection[str], *, gseagen: bool) -> Lazy[Column]:
    """Return the weights and true values of simulated events, by the name of their parameter.

    The primary particle is the first whose status says so. Files of before 2020 have no status;
    their first particle is the neutrino, or the first muon of a bundle.

    Parameters
    ----------
    read
        Reads a branch; only what is looked up is read.
    branches
        Names of the branches that the file has.
    gseagen
        Whether the events are of gSeaGen.
    """
    shared: Lazy[ak.Array] = Lazy({"place": partial(_places, read, branches)})

    def primary(branch: str) -> Floats:
        return _floats(ak.firsts(read(f"mc_trks.{branch}")[shared["place"]]))

    makers: dict[str, Callable[[], Column]] = {
        name: partial(_weight, read, place) for name, place in WEIGHTS.items() if "w" in branches
    }
    if "mc_trks.id" in branches:
        angles: Lazy[tuple[Floats, Floats]] = Lazy({"": lambda: _angles(primary)})
        makers |= {
            "mc_energy": partial(primary, "E"),
            "mc_zenith": lambda: angles[""][0],
            "mc_azimuth": lambda: angles[""][1],
            "mc_pdgid": lambda: _whole(primary("type")),
            "mc_bjorken_y": lambda: _bjorken_y(
                read, branches, shared["place"], primary("type"), gseagen=gseagen
            ),
        }
    return Lazy(makers)


def is_gseagen(head: Mapping[str, str]) -> bool:
    """Tell whether a ``Head`` names gSeaGen as the generator of the events."""
    return any("gseagen" in value.lower() for value in head.values())


def _places(read: Read, branches: Collection[str]) -> ak.Array:
    """Return the place of each event's primary particle among its particles, none if it has none.

    The first of the largest is taken: where no status says primary, that is the first of all.
    """
    if "mc_trks.status" not in branches:
        number = ak.local_index(read("mc_trks.id"), axis=1)
        return ak.argmin(number, axis=1, keepdims=True, mask_identity=True)
    status = read("mc_trks.status")
    is_primary = (status == PRIMARY[0]) | (status == PRIMARY[1]) | (status == PRIMARY[2])
    return ak.argmax(is_primary, axis=1, keepdims=True, mask_identity=True)


def _weight(read: Read, place: int) -> Floats:
    return _floats(ak.pad_none(read("w"), place + 1, axis=1)[:, place])


def _angles(primary: Callable[[str], Floats]) -> tuple[Floats, Floats]:
    """Return zenith and azimuth of the primary particle's source, NaN if it has no direction."""
    direction = np.stack([primary(f"dir.{axis}") for axis in "xyz"], axis=1)
    zenith, azimuth = zenith_azimuth(direction)
    there = np.isfinite(direction).all(axis=1) & direction.any(axis=1)
    return np.where(there, zenith, np.nan), np.where(there, azimuth, np.nan)


def _bjorken_y(
    read: Read, branches: Collection[str], place: ak.Array, kind: Floats, *, gseagen: bool
) -> Floats:
    """Return it for neutrinos: from the named values of the particle, or from gSeaGen's list."""
    known = np.full(len(kind), np.nan)
    if {"mc_trks.usr", "mc_trks.usr_names"} <= set(branches):
        names, values = (
            ak.fill_none(ak.firsts(read(f"mc_trks.{part}")[place]), [])
            for part in ("usr_names", "usr")
        )
        paired = ak.num(names) == ak.num(values)
        names, values = names[paired], values[paired]
        known[ak.to_numpy(paired)] = _floats(ak.firsts(values[names == "by"]))
    if gseagen and "w2list" in branches:
        listed = _floats(ak.pad_none(read("w2list"), W2LIST_GSEAGEN_BY + 1)[:, W2LIST_GSEAGEN_BY])
        known = np.where(np.isnan(known), listed, known)
    # Where it is not known, programs fill in 0.
    possible = (known > 0) & (known <= 1) & np.isin(np.abs(kind), NEUTRINOS)
    return np.where(possible, known, np.nan)


def _whole(values: Floats) -> NDArray[np.int64]:
    return np.nan_to_num(values).astype(np.int64)


def _floats(values: Any) -> Floats:
    filled = ak.fill_none(ak.values_astype(values, np.float64), np.nan)
    return np.asarray(ak.to_numpy(filled, allow_missing=False), dtype=np.float64)
