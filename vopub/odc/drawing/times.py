"""Times in columns: what days they are, whichever way they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY = 86_400.0
MJD_OF_1970 = 40_587.0
JD_OF_MJD = 2_400_000.5
"""Sources: the definitions of Julian Date, Modified Julian Date and Unix time."""
PLAUSIBLE = (15_000.0, 80_000.0)
"""MJD that data can have been taken at: from 1899 to 2077."""
RECENT = (45_700.0, PLAUSIBLE[1])
"""The same of numbers without a unit, since 1984: small numbers of seconds are no times."""
SECONDS: Mapping[str, float] = {
    "": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0, "d": DAY,
}  # fmt: skip
"""In a unit of time; of a number without unit, one."""


def as_mjd(values: NDArray[Any], unit: str = "") -> Floats:
    """Return times as Modified Julian Dates; what cannot be a time of data is NaN.

    Parameters
    ----------
    values
        Texts in ISO 8601, which are in UTC unless they say otherwise; or numbers: days are MJD or
        JD, seconds and their parts count from 1970.
    unit
        Of the numbers; if it is empty, their size tells.
    """
    if values.dtype == object:
        return _of_texts(values)
    numbers = values.astype(float)
    readings = [numbers, numbers - JD_OF_MJD] if unit in ("d", "") else []
    since_1970 = [unit] if unit else ["s", "ms", "us", "ns"]
    readings += [
        numbers * SECONDS[u] / DAY + MJD_OF_1970 for u in since_1970 if u in SECONDS and u != "d"
    ]
    found = np.full(len(numbers), np.nan)
    for reading in readings:
        low, high = PLAUSIBLE if reading is numbers or unit else RECENT
        fits = np.isnan(found) & (reading >= low) & (reading <= high)
        found[fits] = reading[fits]
    return found


def _of_texts(values: NDArray[Any]) -> Floats:
    import pandas as pd  # noqa: PLC0415 - takes half a second

    times = pd.to_datetime(pd.Series(values), utc=True, errors="coerce", format="ISO8601")
    since = (times - pd.Timestamp("1970-01-01", tz="UTC")) / pd.Timedelta(days=1)
    days: Floats = np.asarray(since.to_numpy(), dtype=np.float64)
    return days + MJD_OF_1970
