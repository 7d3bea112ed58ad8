"""Files to measure with."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import tables
from km3net_testdata import data_path
from numpy.typing import NDArray

SAMPLE = Path(data_path("dst/orca6_sample.root"))
COLUMNS = (
    "event_id", "ra", "dec", "angular_error", "mjd", "energy", "zenith", "azimuth", "likelihood",
    "track_length", "n_hits", "unix_time", "detector_id", "run_id", "frame_index",
    "trigger_counter", "trigger_mask", "overlays",
)  # fmt: skip

_FIT = (
    "AASHOWERFIT_ENERGY", "AASHOWERFIT_NUMBER_OF_HITS", "E", "JCOPY_Z_M", "JENERGY_CHI2",
    "JENERGY_ENERGY", "JENERGY_MAXIMAL_ENERGY", "JENERGY_MINIMAL_ENERGY",
    "JENERGY_MUON_RANGE_METRES", "JENERGY_NDF", "JENERGY_NOISE_LIKELIHOOD",
    "JENERGY_NUMBER_OF_HITS", "JGANDALF_BETA0_RAD", "JGANDALF_BETA1_RAD", "JGANDALF_CHI2",
    "JGANDALF_LAMBDA", "JGANDALF_NUMBER_OF_HITS", "JGANDALF_NUMBER_OF_ITERATIONS",
    "JMUONFEATURES_NUMBER_OF_DOMS", "JMUONFEATURES_NUMBER_OF_HITS",
    "JMUONFEATURES_NUMBER_OF_LINES", "JPP_COVERAGE_ORIENTATION", "JPP_COVERAGE_POSITION",
    "JSHOWERFIT_ENERGY", "JSTART_LENGTH_METRES", "JSTART_NPE_MIP", "JSTART_NPE_MIP_MISSED",
    "JSTART_NPE_MIP_TOTAL", "JVETO_NPE", "JVETO_NUMBER_OF_HITS",
)  # fmt: skip
_NOT_FITTED = frozenset({
    "JCOPY_Z_M", "JENERGY_MAXIMAL_ENERGY", "JENERGY_MINIMAL_ENERGY",
    "JMUONFEATURES_NUMBER_OF_DOMS", "JMUONFEATURES_NUMBER_OF_HITS",
    "JMUONFEATURES_NUMBER_OF_LINES", "JPP_COVERAGE_ORIENTATION", "JPP_COVERAGE_POSITION",
    "JSTART_NPE_MIP_MISSED",
})  # fmt: skip
"""Columns that km3pipe fills with NaN for the reconstruction of the sample."""
_MOST = {
    "E": 1e4, "JENERGY_ENERGY": 1e4, "JGANDALF_BETA0_RAD": 0.1, "JGANDALF_BETA1_RAD": 0.1,
    "length": 500, "likelihood": 300, "t": 1e7,
}  # fmt: skip
EVENT = np.dtype([
    ("det_id", "i4"), ("event_id", "i4"), ("frame_index", "i4"), ("mc_run_id", "i4"),
    ("mc_time", "f8"), ("nanoseconds", "i4"), ("overlays", "u4"), ("run_id", "i4"),
    ("timestamp", "i4"), ("trigger_counter", "u8"), ("trigger_mask", "u8"), ("weight_w1", "f8"),
    ("weight_w2", "f8"), ("weight_w3", "f8"), ("weight_w4", "f8"), ("group_id", "i8"),
])  # fmt: skip
TRACK = np.dtype([
    *((name, "f8" if name == "E" else "f4") for name in _FIT),
    *((name, "f8") for name in ("dir_x", "dir_y", "dir_z", "length", "likelihood", "pos_x",
                                "pos_y", "pos_z")),
    ("rec_type", "i8"), ("t", "f8"), ("group_id", "i8"),
])  # fmt: skip
"""Both as ``h5extract`` of km3pipe 11 writes them of ``dst/orca6_sample.root``."""


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
    """Write synthetic events in km3pipe's layout; runs of a thousand events, none twice.

    The tables are those that ``h5extract`` makes of a DST: events, all tracks, the best, and how
    many bytes each event took, each with the index that km3pipe lets PyTables make of its keys.
    Only the events differ from file to file.
    """
    place.mkdir(parents=True, exist_ok=True)
    paths = [place / f"synthetic{number}.h5" for number in range(files)]
    _km3pipe_file(paths[0], events)
    for number, path in enumerate(paths[1:], start=1):
        shutil.copyfile(paths[0], path)
        with tables.open_file(path, "r+") as file:
            file.remove_node("/event_info")
            _write(file, "event_info", _events(events, 1 + number * (events // 1000 + 1)))
    return paths


def _km3pipe_file(path: Path, events: int) -> None:
    tracks = _tracks(events)
    with tables.open_file(path, "w") as file:
        file.root._v_attrs.format_version = np.bytes_("5.1")  # noqa: SLF001 - PyTables' own way
        file.root._v_attrs.km3pipe = np.bytes_("11.0.0")  # noqa: SLF001
        _write(file, "event_info", _events(events, 1))
        _write(file, "group_info", _sizes(events))
        _write(file, "reco/best_jmuon", tracks)
        _write(file, "reco/tracks", tracks)


def _events(events: int, first_run: int) -> NDArray[np.void]:
    number, info = np.arange(events), np.zeros(events, EVENT)
    info["group_id"] = info["event_id"] = number
    info["frame_index"], info["trigger_counter"] = number % 1000, number % 1000
    info["det_id"], info["run_id"] = 49, first_run + number // 1000
    info["timestamp"], info["nanoseconds"] = 1_600_000_000 + number, number % 10**9
    info["trigger_mask"], info["overlays"] = 22, number % 50
    for weight in ("weight_w1", "weight_w2", "weight_w3", "weight_w4"):
        info[weight] = np.nan
    return info


def _tracks(events: int) -> NDArray[np.void]:
    random = np.random.default_rng(1)
    number, tracks = np.arange(events), np.zeros(events, TRACK)
    tracks["group_id"], tracks["rec_type"] = number, 4000
    for name in (*_FIT, "length", "likelihood", "t", "pos_x", "pos_y", "pos_z"):
        values = random.uniform(0, _MOST.get(name, 100), events)
        tracks[name] = np.nan if name in _NOT_FITTED else values
    tracks["JGANDALF_NUMBER_OF_HITS"] = number % 90 + 5
    direction = random.normal(size=(events, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    tracks["dir_x"], tracks["dir_y"], tracks["dir_z"] = direction.T
    return tracks


def _sizes(events: int) -> NDArray[np.void]:
    sizes = np.zeros(events, [("blob_length", "i8"), ("group_id", "i8")])
    sizes["blob_length"], sizes["group_id"] = 4, np.arange(events)
    return sizes


def _write(file: tables.File, name: str, rows: NDArray[np.void]) -> None:
    """Write a table as km3pipe's ``HDF5Sink`` does."""
    filters = tables.Filters(complevel=5, complib="zlib", shuffle=True, fletcher32=True)
    where, _, what = f"/{name}".rpartition("/")
    table = file.create_table(
        where or "/", what, description=rows.dtype, filters=filters, createparents=True
    )
    table.append(rows)
    table.flush()
    for key in ("group_id", "event_id"):
        if key in (rows.dtype.names or ()):
            getattr(table.cols, key).create_index()


def without_indices(path: Path, target: Path) -> Path:
    """Copy a file of km3pipe without the indices of its keys, which no reader of it needs."""
    shutil.copyfile(path, target)
    with tables.open_file(target, "r+") as file:
        for table in file.walk_nodes("/", "Table"):
            for name in table.colnames:
                getattr(table.cols, name).remove_index()
    return target
