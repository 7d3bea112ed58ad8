"""HDF5 files of km3pipe that are not right, or not ours, are refused with what is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from km3net_testdata import data_path
from numpy.typing import NDArray

from vopub.errors import InputError
from vopub.events.readers.km3pipe import Km3pipeReader

from .km3pipe_files import MANY, best, sample, write

BEGINNING = b"\x89HDF\r\n\x1a\n"
TABLES = ("event_info", "reco/best_jmuon")


def message(path: Path, reconstruction: str = "jmuon") -> str:
    """Return the one line that a file is refused with."""
    with pytest.raises(InputError) as refused:
        best(path, reconstruction)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("events", [60, MANY])
def test_rows_of_no_event_are_counted_and_named(
    events: int, big: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    tables = {name: rows.copy() for name, rows in big.items()}
    info = tables["event_info"][:events]
    tracks = tables["reco/best_jmuon"][: events * 2 // 3]
    tracks["group_id"][[3, 11]] = [8, 4_000_000]
    line = message(write(tmp_path / "a.h5", {"event_info": info, "reco/best_jmuon": tracks}))
    assert "/reco/best_jmuon has" in line
    assert "of no event: group_id 8" in line


def test_two_rows_of_one_event_are_named(tables: dict[str, NDArray[Any]], tmp_path: Path) -> None:
    tables["reco/best_jmuon"]["group_id"][4] = tables["reco/best_jmuon"]["group_id"][3]
    line = message(write(tmp_path / "a.h5", tables))
    assert "/reco/best_jmuon has 1 row more than one for an event: group_id 15" in line


def test_two_events_of_one_key_are_named(tables: dict[str, NDArray[Any]], tmp_path: Path) -> None:
    tables["event_info"]["group_id"][30] = tables["event_info"]["group_id"][2]
    assert "two events of group_id 9" in message(write(tmp_path / "a.h5", tables))


@pytest.mark.parametrize("name", ["event_info", "reco/best_jmuon"])
@pytest.mark.parametrize("wrong", ["missing", "text", "no table"])
def test_a_column_that_is_missing_or_of_the_wrong_type_is_named(
    name: str, wrong: str, tables: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    changed = "group_id" if name == "event_info" else "dir_y"
    old = tables[name].dtype
    kinds = [(n, "S8" if n == changed else old[n]) for n in old.names or ()]
    if wrong == "missing":
        kinds = [(n, kind) for n, kind in kinds if n not in (changed, "event_id")]
    rows = np.zeros(len(tables[name]), kinds)
    for column_name in set(rows.dtype.names or ()) - {changed}:
        rows[column_name] = tables[name][column_name]
    if wrong == "no table":
        rows = np.zeros(5)
    line = message(write(tmp_path / "a.h5", {**tables, name: rows}))
    says = {"missing": f"has no column '{changed}'", "text": f"column '{changed}' of /{name} holds",
            "no table": f"/{name} holds float64, not a table"}  # fmt: skip
    assert says[wrong] in line


def test_tracks_without_their_stages_are_refused(tmp_path: Path) -> None:
    path = Path(shutil.copy(sample("geamon.h5"), tmp_path / "a.h5"))
    with h5py.File(path, "r+") as file:
        del file["reco/rec_stages"]
    assert "/reco/tracks is there without /reco/rec_stages" in message(path)


def test_stages_of_no_track_are_refused(tmp_path: Path) -> None:
    path = Path(shutil.copy(sample("geamon.h5"), tmp_path / "a.h5"))
    with h5py.File(path, "r+") as file:
        stages = file["reco/rec_stages"][:]
        stages["idx"][7] = 900
        file["reco/rec_stages"][...] = stages
    assert "/reco/rec_stages has 1 row of no track in /reco/tracks: group_id 0" in message(path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes(sample("geamon.h5").read_bytes()[:100_000])
    assert Km3pipeReader.recognises(path, BEGINNING)
    assert "truncated file" in message(path)


@pytest.mark.parametrize("name", TABLES)
def test_a_corrupt_chunk_is_named(
    name: str, tables: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.h5", tables, compression="gzip", chunks=(20,))
    with h5py.File(path) as file:
        place = file[name].id.get_chunk_info(1).byte_offset
    with path.open("r+b") as stream:
        stream.seek(place)
        stream.write(b"\xff" * 16)
    assert f"of /{name}" in message(path)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("raw_header.h5", "no events: /event_info is missing; the file holds raw_header"),
        ("atmospheric_muons_sample.h5", "500 events, none of them reconstructed"),
        ("mcv5.40.mupage_10G.sirene.jterbr00006060.962.root.h5", "10 events, none of them"),
        ("../online/events_sample.h5", "10 events, none of them reconstructed"),
    ],
)
def test_a_file_without_reconstructed_events_says_what_it_holds(name: str, says: str) -> None:
    assert says in message(sample(name))


@pytest.mark.parametrize("version", ["4.0", "3.4", "6.0", "new", ""])
def test_other_versions_of_the_format_are_refused(
    version: str, tables: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.h5", tables)
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = np.bytes_(version)
    assert "versions 4.1 to 5.1 can be read" in message(path)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("hdf5/geamon.h5", True),
        ("hdf5/numu_cc_test.h5", True),
        ("seatray/antares.h5", False),
        ("hdf5/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.hdf5", False),
        ("offline/numucc.root", False),
    ],
)
def test_files_are_recognised_by_what_they_hold(name: str, ours: bool) -> None:
    path = Path(data_path(name))
    assert Km3pipeReader.recognises(path, path.read_bytes()[:4096]) is ours
