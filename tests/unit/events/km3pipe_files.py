"""HDF5 files of km3pipe for tests: made, and read as a table by the number of the event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from km3net_testdata import data_path
from numpy.typing import NDArray

from vopub.events.readers.base import EventChunk
from vopub.events.readers.km3pipe import Km3pipeReader
from vopub.events.tracks import BestTracks

MANY = 600_000
"""So many events that neither table of `big` is kept in memory."""
EVENT = np.dtype([
    ("det_id", "i4"), ("event_id", "i4"), ("frame_index", "i4"), ("nanoseconds", "i4"),
    ("overlays", "u4"), ("run_id", "i4"), ("timestamp", "i4"), ("trigger_counter", "u8"),
    ("trigger_mask", "u8"), ("mc_time", "f8"), ("weight_w1", "f8"), ("weight_w2", "f8"),
    ("weight_w3", "f8"), ("weight_w4", "f8"), ("group_id", "i8"),
])  # fmt: skip
TRACK = np.dtype([
    ("E", "f8"), ("JGANDALF_BETA0_RAD", "f4"), ("JGANDALF_NUMBER_OF_HITS", "f4"),
    ("JENERGY_ENERGY", "f4"), ("dir_x", "f8"), ("dir_y", "f8"), ("dir_z", "f8"),
    ("length", "f8"), ("likelihood", "f8"), ("pos_x", "f8"), ("pos_y", "f8"), ("pos_z", "f8"),
    ("rec_type", "i4"), ("t", "f8"), ("group_id", "i8"),
])  # fmt: skip


def sample(name: str) -> Path:
    return Path(data_path(f"hdf5/{name}"))


def frame(path: Path, name: str) -> pd.DataFrame:
    with h5py.File(path) as file:
        return pd.DataFrame(file[name][:])


def whole(path: Path, rows: int = 1000) -> Iterator[EventChunk]:
    with Km3pipeReader(path) as reader:
        yield from reader.chunks(rows)


def column(path: Path, name: str, rows: int = 1000) -> NDArray[Any]:
    return np.concatenate([chunk.events[name] for chunk in whole(path, rows)])


def best(path: Path, reconstruction: str, rows: int = 1000) -> pd.DataFrame:
    """Return the best tracks as a table, by the number of the event in the file."""
    pieces, first = [], 0
    for chunk in whole(path, rows):
        found, tracks = chunk.tracks.best(reconstruction, ["jgandalf_chi2"])
        pieces.append(as_frame(tracks, first + np.flatnonzero(found)))
        first += len(chunk)
    return pd.concat(pieces)


def as_frame(tracks: BestTracks, index: NDArray[np.intp]) -> pd.DataFrame:
    columns: Mapping[str, Any] = {
        "dir_x": tracks.direction[:, 0], "dir_y": tracks.direction[:, 1],
        "dir_z": tracks.direction[:, 2], "t": tracks.t, "energy": tracks.energy,
        "length": tracks.length, "likelihood": tracks.likelihood,
        "angular_error": tracks.angular_error, "n_hits": tracks.n_hits,
        "chi2": tracks.fit["jgandalf_chi2"],
    }  # fmt: skip
    return pd.DataFrame(columns, index=index)


def values(path: Path, name: str) -> NDArray[Any]:
    return np.concatenate([chunk.values[name] for chunk in whole(path)])


def write(path: Path, tables: Mapping[str, NDArray[Any]], **options: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["format_version"] = np.bytes_("5.1")
        file.attrs["km3pipe"] = np.bytes_("11.0.0")
        for name, rows in tables.items():
            file.create_dataset(name, data=rows, **options)
    return path


def synthetic(events: int) -> dict[str, NDArray[Any]]:
    """Return events of which every third was not reconstructed."""
    random = np.random.default_rng(1)
    number = np.arange(events)
    info = np.zeros(events, EVENT)
    info["group_id"] = 5 + 2 * number
    info["event_id"], info["frame_index"], info["trigger_counter"] = number, number, number % 7
    info["det_id"], info["run_id"], info["timestamp"] = 49, 9000 + number // 1000, 1_600_000_000
    has = number % 3 != 0
    tracks = np.zeros(int(has.sum()), TRACK)
    direction = random.normal(size=(len(tracks), 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    tracks["dir_x"], tracks["dir_y"], tracks["dir_z"] = direction.T
    for name, most in (("E", 1e4), ("likelihood", 300), ("t", 1e7), ("JGANDALF_BETA0_RAD", 0.1)):
        tracks[name] = random.uniform(0, most, len(tracks))
    tracks["group_id"] = info["group_id"][has]
    return {"event_info": info, "reco/best_jmuon": tracks}


def assert_same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_dtype=False)
