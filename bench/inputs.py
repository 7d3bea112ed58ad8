"""Files to measure with."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from km3net_testdata import data_path
from numpy.typing import NDArray

SAMPLE = Path(data_path("dst/orca6_sample.root"))
COLUMNS = (
    "event_id", "ra", "dec", "angular_error", "mjd", "energy", "zenith", "azimuth", "likelihood",
    "track_length", "n_hits", "unix_time", "detector_id", "run_id", "frame_index",
    "trigger_counter", "trigger_mask", "overlays",
)  # fmt: skip

EVENT = np.dtype([
    ("det_id", "i4"), ("event_id", "i4"), ("frame_index", "i4"), ("nanoseconds", "i4"),
    ("overlays", "u4"), ("run_id", "i4"), ("timestamp", "i4"), ("trigger_counter", "u8"),
    ("trigger_mask", "u8"), ("group_id", "i8"),
])  # fmt: skip
TRACK = np.dtype([
    ("E", "f8"), ("JGANDALF_BETA0_RAD", "f4"), ("JGANDALF_NUMBER_OF_HITS", "f4"),
    ("JENERGY_ENERGY", "f4"), ("dir_x", "f8"), ("dir_y", "f8"), ("dir_z", "f8"),
    ("length", "f8"), ("likelihood", "f8"), ("rec_type", "i4"), ("t", "f8"), ("group_id", "i8"),
])  # fmt: skip


def recipe(place: Path) -> Path:
    """Write a recipe that keeps every event, with every column a publication would have."""
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    path = place / "everything.toml"
    text = f'simulated = false\n[events]\ndetector = "ORCA"\ncolumns = [{names}]\n'
    path.write_text(text, encoding="utf-8")
    return path


def run_files(place: Path, files: int) -> list[Path]:
    """Write copies of one run file, each with a trailer of its own."""
    place.mkdir(parents=True, exist_ok=True)
    content = SAMPLE.read_bytes()
    paths = [place / f"run{number:05}.root" for number in range(files)]
    for number, path in enumerate(paths):
        path.write_bytes(content + f"file {number}".encode())
    return paths


def km3pipe_files(place: Path, files: int, events: int) -> list[Path]:
    """Write synthetic events in km3pipe's layout; runs of a thousand events, none twice."""
    place.mkdir(parents=True, exist_ok=True)
    paths = [place / f"synthetic{number}.h5" for number in range(files)]
    for number, path in enumerate(paths):
        _km3pipe_file(path, events, 1 + number * (events // 1000 + 1))
    return paths


def _km3pipe_file(path: Path, events: int, first_run: int) -> None:
    random = np.random.default_rng(first_run)
    number = np.arange(events)
    info, tracks = np.zeros(events, EVENT), np.zeros(events, TRACK)
    info["group_id"] = tracks["group_id"] = info["event_id"] = number
    info["frame_index"], info["trigger_counter"] = number % 1000, number % 1000
    info["det_id"], info["run_id"] = 49, first_run + number // 1000
    info["timestamp"], info["nanoseconds"] = 1_600_000_000 + number, number % 10**9
    info["trigger_mask"], info["overlays"] = 22, number % 50
    direction = random.normal(size=(events, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    tracks["dir_x"], tracks["dir_y"], tracks["dir_z"] = direction.T
    for name, most in (("E", 1e4), ("JENERGY_ENERGY", 1e4), ("likelihood", 300), ("t", 1e7),
                       ("JGANDALF_BETA0_RAD", 0.1), ("length", 500)):  # fmt: skip
        tracks[name] = random.uniform(0, most, events)
    tracks["JGANDALF_NUMBER_OF_HITS"], tracks["rec_type"] = number % 90 + 5, 4000
    with h5py.File(path, "w") as file:
        file.attrs["format_version"] = np.bytes_("5.1")
        file.attrs["km3pipe"] = np.bytes_("11.0.0")
        _write(file, "event_info", info)
        _write(file, "reco/best_jmuon", tracks)
        _write(file, "group_info", info[["group_id"]].astype([("group_id", "i8")]))


def _write(file: h5py.File, name: str, rows: NDArray[np.void]) -> None:
    # In pieces and compressed as km3pipe writes them: only such are tables to PyTables.
    options = {"chunks": (10_000,), "maxshape": (None,), "compression": 5, "shuffle": True}
    file.create_dataset(name, data=rows, **options)
