"""Files of every version of the layout, against km3io; and what is no such file."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import awkward as ak
import km3io
import numpy as np
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st
from km3net_testdata import data_path

from vopub.errors import InputError
from vopub.events.readers import open_reader
from vopub.events.readers.base import EVENT_FIELDS, TRACK_FIELDS, EventChunk
from vopub.events.reconstruction import JaggedTracks
from vopub.model.data_taking import Run

ROOT_FILES = sorted(
    path
    for folder in ("offline", "dst")
    for path in (Path(data_path("dst/orca6_sample.root")).parents[1] / folder).glob("*.root")
)
OBSERVED = {"orca4_sample.root", "orca6_sample.root", "km3net_offline.root", "usr-sample.root"}
KM3IO_EVENT = {
    "event_number": "id", "detector_id": "det_id", "run_id": "run_id",
    "frame_index": "frame_index", "trigger_counter": "trigger_counter",
    "trigger_mask": "trigger_mask", "overlays": "overlays", "t_sec": "t_sec", "t_ns": "t_ns",
}  # fmt: skip
KM3IO_TRACK = {
    "dir_x": "dir_x", "dir_y": "dir_y", "dir_z": "dir_z", "t": "t", "energy": "E",
    "length": "len", "likelihood": "lik", "rec_type": "rec_type", "rec_stages": "rec_stages",
    "fitinf": "fitinf",
}  # fmt: skip


def same(ours: ak.Array, theirs: ak.Array) -> bool:
    """Tell whether two arrays have one shape and the same values; NaN equals NaN."""
    return bool(ak.array_equal(ours, theirs, equal_nan=True, dtype_exact=False))


def error_of(path: Path) -> str:
    with pytest.raises(InputError) as raised, open_reader(path) as reader:
        list(reader.chunks(1000))
    message = str(raised.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_the_samples_are_there() -> None:
    assert len(ROOT_FILES) == 18


def records_of(chunk: EventChunk) -> ak.Array:
    assert isinstance(chunk.tracks, JaggedTracks)
    return chunk.tracks.records


@pytest.mark.parametrize("path", ROOT_FILES, ids=lambda p: p.name[:40])
def test_every_file_reads_like_with_km3io(path: Path) -> None:
    with open_reader(path) as reader:
        chunks = list(reader.chunks(400))
        assert reader.entries == sum(map(len, chunks))
        assert reader.header.simulated is (path.name not in OBSERVED)
    with km3io.OfflineReader(path) as file:
        theirs = file.events
        assert len(theirs) == sum(map(len, chunks))
        for chunk in chunks:
            assert tuple(chunk.events) == EVENT_FIELDS
            assert tuple(records_of(chunk).fields) == TRACK_FIELDS
        if chunks:
            for ours, name in KM3IO_EVENT.items():
                column = np.concatenate([chunk.events[ours] for chunk in chunks])
                assert np.array_equal(column, getattr(theirs, name)), ours
            tracks = ak.concatenate([records_of(chunk) for chunk in chunks])
            for ours, name in KM3IO_TRACK.items():
                assert same(tracks[ours], getattr(theirs.tracks, name)), ours


def test_chunks_do_not_depend_on_their_size(orca6: Path) -> None:
    with open_reader(orca6) as reader:
        whole = list(reader.chunks(10_000))
        parts = list(reader.chunks(700))
    assert [len(c) for c in whole] == [2499]
    assert [len(c) for c in parts] == [700, 700, 700, 399]
    assert same(records_of(whole[0]), ak.concatenate([records_of(c) for c in parts]))


def test_chunks_of_large_events_are_smaller(monkeypatch: pytest.MonkeyPatch, orca6: Path) -> None:
    monkeypatch.setattr("vopub.events.readers.root.MOST_BYTES", 100_000)
    with open_reader(orca6) as reader:
        sizes = [len(chunk) for chunk in reader.chunks(10_000)]
    assert sum(sizes) == 2499
    assert max(sizes) < 1000


def test_header_of_a_dst_with_run_table(orca6: Path) -> None:
    with open_reader(orca6) as reader:
        header = reader.header
    assert header.name == "orca6_sample.root"
    assert header.layout == "KM3NeT DST"
    assert str(header.uuid) == "be1c6fbe-e641-11eb-9486-7e046b91beef"
    assert header.simulated is False
    assert header.runs == (
        Run(
            detector_id=49,
            run=9505,
            start=datetime.fromtimestamp(1614168005, UTC),
            stop=datetime.fromtimestamp(1614189598, UTC),
            livetime=21593.2,
            triggers=("trigger3DMuon", "trigger3DShower", "triggerMXShower"),
            source="headerTree",
        ),
    )


def test_header_of_a_dst_without_run_table(orca4: Path) -> None:
    with open_reader(orca4) as reader:
        runs = reader.header.runs
    assert runs == (Run(detector_id=44, run=6370, livetime=21582.2, source="events and Head"),)


def test_a_run_table_may_speak_of_a_run_without_events() -> None:
    name = "mcv6.gsg_numu-CCHEDIS_1e2-1e8GeV.sirene.jte.jchain.aashower.dst.bdt_trk.bdt_casc"
    with open_reader(Path(data_path(f"dst/{name}.10events.root"))) as reader:
        runs = reader.header.runs
    assert [(r.run, r.livetime, r.source) for r in runs] == [
        (41, None, "events"),
        (1, 31557600.0, "headerTree"),
    ]


def test_a_file_without_events_has_no_runs_and_no_chunks() -> None:
    with open_reader(Path(data_path("offline/empty_events.root"))) as reader:
        assert (reader.entries, reader.header.runs, list(reader.chunks(10))) == (0, (), [])


def test_content_decides_not_the_name(orca6: Path, tmp_path: Path) -> None:
    path = tmp_path / "events.csv:E"
    shutil.copy(orca6, path)
    with open_reader(path) as reader:
        assert reader.entries == 2499


def test_missing_file(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in error_of(tmp_path / "none.root")


def test_directory(tmp_path: Path) -> None:
    assert "cannot be read: Is a directory" in error_of(tmp_path)


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.root"
    path.touch()
    assert "the file is empty (0 bytes)" in error_of(path)


@pytest.mark.parametrize("content", [b"SIMPLE  =  T", b"\x89HDF", b"ro", b"<html>"])
def test_no_known_layout(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.root"
    path.write_bytes(content)
    message = error_of(path)
    assert "no known layout" in message
    assert "DST" in message


@pytest.mark.parametrize("length", [4, 19, 20, 63, 300, 5000, 400_000, 1_281_530])
def test_truncated_file(length: int, orca6: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.root"
    path.write_bytes(orca6.read_bytes()[:length])
    message = error_of(path)
    assert "the file is truncated" in message
    assert f"{length}" in message


def test_truncated_big_file_has_its_length_in_64_bits(orca6: Path, tmp_path: Path) -> None:
    path = tmp_path / "big.root"
    content = bytearray(orca6.read_bytes())
    content[4:8] = (1_062_400).to_bytes(4, "big")
    content[12:20] = (5_000_000_000).to_bytes(8, "big")
    path.write_bytes(content)
    assert "1281531 of 5000000000 bytes" in error_of(path)


@settings(max_examples=12, deadline=None)
@given(place=st.integers(100, 1_281_000), zeros=st.sampled_from([40, 3000, 60_000]))
def test_damaged_bytes_never_give_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, place: int, zeros: int
) -> None:
    content = bytearray(Path(data_path("dst/orca6_sample.root")).read_bytes())
    content[place : place + zeros] = bytes(len(content[place : place + zeros]))
    path = tmp_path_factory.mktemp("damaged") / "damaged.root"
    path.write_bytes(content)
    try:
        with open_reader(path) as reader:
            for chunk in reader.chunks(2499):
                assert len(chunk)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017  # either is right, a traceback is not


def test_no_event_tree(tmp_path: Path) -> None:
    path = tmp_path / "other.root"
    with uproot.recreate(path) as file:
        file["events"] = {"x": np.arange(3)}
    message = error_of(path)
    assert "no event tree 'E'; the file holds events (" in message


def test_event_tree_that_is_something_else(tmp_path: Path) -> None:
    path = tmp_path / "other.root"
    with uproot.recreate(path) as file:
        file["E"] = "a string"
    assert "the file holds E (TObjString)" in error_of(path)


def flat_tree(**changes: Any) -> dict[str, Any]:
    """Return the columns of an event tree as uproot can write it, which has no nested lists."""
    integers = ["id", "det_id", "run_id", "frame_index", "trigger_counter", "trigger_mask"]
    columns: dict[str, Any] = {
        name: np.ones(3, np.int32) for name in [*integers, "overlays", "t.fSec", "t.fNanoSec"]
    }
    for name in ("dir.x", "dir.y", "dir.z", "t", "E", "len", "lik", "rec_type", "rec_stages"):
        columns[f"trks.{name}"] = np.ones(3)
    columns["trks.fitinf"] = np.ones(3)
    columns.update(changes)
    return {name: column for name, column in columns.items() if column is not None}


def written(path: Path, columns: dict[str, Any]) -> Path:
    with uproot.recreate(path) as file:
        tree = file.mktree("E", {name: column.dtype for name, column in columns.items()})
        tree.extend(columns)
    return path


def test_missing_branch_is_named_with_its_neighbours(tmp_path: Path) -> None:
    columns = flat_tree(**{"trks.lik": None, "trks.like": np.ones(3)})
    message = error_of(written(tmp_path / "lacks.root", columns))
    assert "the event tree E has no branch 'trks.lik'" in message
    assert "did you mean trks.like" in message


def test_branch_of_another_type(tmp_path: Path) -> None:
    path = written(tmp_path / "floats.root", flat_tree(det_id=np.ones(3)))
    assert "branch 'det_id' holds float64, not one integer per event" in error_of(path)


def test_tracks_that_are_no_lists(tmp_path: Path) -> None:
    path = written(tmp_path / "flat.root", flat_tree())
    assert "'trks.dir.x' holds float64, not one number for each track" in error_of(path)


def test_unreadable_file(tmp_path: Path, orca6: Path) -> None:
    path = tmp_path / "loop.root"
    path.symlink_to(path)
    assert "cannot be read" in error_of(path)


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("KM3NeT_00000133_JDAQEvent.root", r"KM3NET_EVENT \(10 entries\)"),
        ("KM3NeT_00000267_00025291_SN.root", r"KM3NET_TIMESLICE_SN \(100 entries\)"),
    ],
)
def test_data_before_reconstruction_are_refused(name: str, holds: str) -> None:
    said = f"{name}: no event in tree 'E'; the file holds data before reconstruction: {holds}"
    with pytest.raises(InputError, match=said):
        open_reader(Path(data_path(f"online/{name}")))
