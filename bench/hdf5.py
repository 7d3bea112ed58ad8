"""Synthetic events in km3pipe's HDF5 layout to CSV, against its pump and against bare h5py.

The bare peer reads the same datasets and writes as many columns of numbers with pyarrow, without
computing anything. km3pipe's pump goes over the first events of one file; it walks over the indices
that km3pipe itself gives its tables at every event, so it is measured on a file without these, too.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from bench.convert import convert
from bench.inputs import km3pipe_files, without_indices
from bench.peers import BARE, HDF5_PUMP, run_here, run_in_km3pipe
from bench.report import Figure

FILES = 10
EVENTS = 1_000_000
SLOW_EVENTS = 500


def measure(files: int = FILES, events: int = EVENTS, slow: int = SLOW_EVENTS) -> list[Figure]:
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-"))
    try:
        paths = km3pipe_files(place / "files", files, events)
        bare = run_here(BARE, [place / "bare", *paths])
        for path in place.glob("bare.*"):
            path.unlink()
        pump = run_in_km3pipe(HDF5_PUMP, [slow, paths[0]])
        bare_file = without_indices(paths[0], place / "without.h5")
        lighter = run_in_km3pipe(HDF5_PUMP, [slow * 10, bare_file])
        ours, took = convert(paths, place, "csv")
    finally:
        shutil.rmtree(place)
    detail = f"{ours.events} events: {ours.seconds:.1f} s, {took.peak:.0f} MB"
    return [
        Figure(
            "km3pipe's HDF5, against its HDF5Pump", ours.rate / pump.rate, "times as fast", 200,
            True, f"{detail}; {ours.rate:.0f} against {pump.rate:.0f} events/s; without its "
            f"indices {lighter.rate:.0f}, and {ours.rate / lighter.rate:.0f} times as fast",
        ),
        Figure(
            "km3pipe's HDF5, against h5py and write_csv", ours.seconds / bare.seconds,
            "times as long", 2, False, f"against {bare.seconds:.1f} s",
        ),
    ]  # fmt: skip
