"""Weights and true values of simulated events in km3pipe's HDF5 files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vopub.events.coordinates import zenith_azimuth
from vopub.events.lazy import Lazy
from vopub.events.readers.km3pipe_reco import DIRECTION, Keys, Matched
from vopub.events.readers.km3pipe_tables import Ascending, Ordered, Rows
from vopub.model.event_table import Column

TRUTH = "mc_tracks"
WEIGHTS = tuple(f"weight_w{number}" for number in range(1, 7))
TRUE_VALUES = ("mc_energy", "mc_zenith", "mc_azimuth", "mc_pdgid", "mc_bjorken_y")
"""Parameters that the particles tell."""
NEUTRINOS = (12, 14, 16)
"""Their numbers in the scheme of the Particle Data Group; antineutrinos have the negative."""

_KIND = ("pdgid", "type")
_INELASTICITY = ("by", "bjorkeny")


class TruthSource:
    """Gives the primary particle of simulated events from ``/mc_tracks``.

    Of the particles of an event the primary is a neutrino if there is one, of these or of all the
    one with the lowest number, and of these the one with most energy. Files do not mark it, and
    those of format version 4 number particles before and after the interaction separately.

    Parameters
    ----------
    table
        The table, in the order of its key.

    Raises
    ------
    InputError
        If a column is missing or of the wrong type.
    """

    def __init__(self, table: Ordered | Ascending) -> None:
        self._table = table
        for name in (*DIRECTION, "energy"):
            table.table.need((name,), "fiu")
        table.table.need(("id",), "iu")
        self._kind = table.table.need(_KIND, "iu")
        self._inelasticity = table.table.first_of(_INELASTICITY, "fiu")

    def values(self, keys: Keys, low: int | None, high: int | None) -> Lazy[Column]:
        """Return true values by the name of their parameter; parameters as of `Matched`."""
        primary: Lazy[tuple[Rows, NDArray[np.intp]]] = Lazy(
            {"": partial(self._primary, keys, low, high)}
        )

        def spread(of: Callable[[Rows], Column], missing: float) -> Column:
            rows, event = primary[""]
            found = of(rows)
            column = np.full(len(keys), missing, dtype=found.dtype)
            column[event] = found
            return column

        makers: dict[str, Callable[[], Column]] = {
            "mc_energy": partial(spread, self._energy, np.nan),
            "mc_zenith": partial(spread, partial(self._angle, which=0), np.nan),
            "mc_azimuth": partial(spread, partial(self._angle, which=1), np.nan),
            "mc_pdgid": partial(spread, self._pdgid, 0),
            "mc_bjorken_y": partial(spread, self._bjorken_y, np.nan),
        }
        return Lazy(makers)

    def _primary(
        self, keys: Keys, low: int | None, high: int | None
    ) -> tuple[Rows, NDArray[np.intp]]:
        matched = Matched(self._table, keys, low, high)
        rows = matched.rows
        energy = np.nan_to_num(np.asarray(rows["energy"], dtype=np.float64))
        order = np.lexsort((-energy, rows["id"], ~self._is_neutrino(rows), matched.event))
        event = matched.event[order]
        first = np.diff(event, prepend=-1) > 0
        return rows[order[first]], event[first]

    def _energy(self, rows: Rows) -> Column:
        return np.asarray(rows["energy"], dtype=np.float64)

    def _angle(self, rows: Rows, which: int) -> Column:
        direction = np.stack([np.asarray(rows[name], np.float64) for name in DIRECTION], axis=1)
        known = direction.any(axis=1) & np.isfinite(direction).all(axis=1)
        angle = np.full(len(rows), np.nan)
        angle[known] = zenith_azimuth(direction[known])[which]
        return angle

    def _pdgid(self, rows: Rows) -> Column:
        """Return the kind of particle; in ``type`` only neutrinos are surely of this scheme."""
        kind = np.asarray(rows[self._kind], dtype=np.int64)
        return kind if self._kind == "pdgid" else np.where(self._is_neutrino(rows), kind, 0)

    def _bjorken_y(self, rows: Rows) -> Column:
        """Return the inelasticity; files have 0 where it is not known."""
        if self._inelasticity is None:
            return np.full(len(rows), np.nan)
        values = np.asarray(rows[self._inelasticity], dtype=np.float64)
        return np.where(self._is_neutrino(rows) & (values > 0), values, np.nan)

    def _is_neutrino(self, rows: Rows) -> NDArray[np.bool_]:
        return np.isin(np.abs(np.asarray(rows[self._kind], dtype=np.int64)), NEUTRINOS)
