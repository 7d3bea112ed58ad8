"""Events that come again, in the same file or another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest

from vopub.errors import InputError
from vopub.events.convert import Reduction
from vopub.events.readers.base import FileHeader
from vopub.events.scale import duplicates
from vopub.events.scale.duplicates import suspicious
from vopub.events.scale.parts import Part
from vopub.events.scale.tasks import hashes
from vopub.model.description import EventsSection
from vopub.model.duplicates import Duplicates
from vopub.model.event_table import EventAccount, EventTable, concatenate

from .plugins import packages_of, write_package

Alter = Callable[[Mapping[str, Mapping[int, float]]], Path]
MakeSection = Callable[..., EventsSection]
COLUMNS = ("event_id", "energy", "zenith")


def reduced(reduction: Reduction) -> EventTable:
    chunks = list(reduction)
    return concatenate(chunks[0].parameters, chunks)


WITHOUT_FRAME = np.dtype([
    ("group_id", "i8"), ("event_id", "i4"), ("det_id", "i4"), ("run_id", "i4"),
    ("timestamp", "i4"), ("nanoseconds", "i4"),
])  # fmt: skip
FLAT = np.dtype([(name, "f8") for name in ("dir_x", "dir_y", "dir_z", "t", "E", "likelihood")]
                + [("group_id", "i8")])  # fmt: skip


def without_frames(path: Path, runs: list[int], *, first: int = 0, energy: float = 5.0) -> Path:
    """Write a file of km3pipe that says detector, run and number of events, and nothing else."""
    events = np.zeros(len(runs), WITHOUT_FRAME)
    events["group_id"] = np.arange(len(runs))
    events["event_id"] = first + np.arange(len(runs))
    events["det_id"], events["run_id"], events["timestamp"] = 49, runs, 1_600_000_000
    tracks = np.zeros(len(runs), FLAT)
    tracks["dir_z"], tracks["E"], tracks["group_id"] = 1, energy, events["group_id"]
    with h5py.File(path, "w") as file:
        file.attrs["format_version"] = "5.1"
        file["event_info"], file["reco/best_jmuon"] = events, tracks
    return path


@pytest.fixture
def copy(orca6: Path, tmp_path: Path) -> Path:
    """Another file with the same events."""
    path = tmp_path / "copy.root"
    path.write_bytes(orca6.read_bytes() + b"copy")
    return path


def reduction_of(
    paths: list[Path], make_section: MakeSection, what: Duplicates, *cuts: str
) -> Reduction:
    section = make_section(*cuts, columns=COLUMNS)
    return Reduction(paths, section, simulated=False, rows=1000, duplicates=what)


def test_only_the_first_of_each_event_is_kept_and_the_others_counted(
    orca6: Path, orca4: Path, copy: Path, make_section: MakeSection
) -> None:
    once = reduction_of([orca6, orca4], make_section, Duplicates.ERROR, "zenith > 90 deg")
    again = reduction_of([orca6, copy, orca4], make_section, Duplicates.FIRST, "zenith > 90 deg")
    assert reduced(again).equals(reduced(once))
    own, repeated, other = (entry.account for entry in again.cut_flow)
    assert (own.kept, own.repeated.events) == (230, 0)
    assert (repeated.read, repeated.kept, repeated.repeated.events) == (2499, 0, 230)
    assert repeated.repeated.first[0].startswith("km3.49.9505.")
    assert len(repeated.repeated.first) == 5
    assert other.repeated.events == 0
    assert sum((own, repeated, other), start=EventAccount()) == again.account
    assert again.account.read == 2499 + 2499 + 2500
    runs = {run.run: (run.events_read, run.events_kept) for run in again.data_taking.runs}
    assert runs == {6370: (2500, other.kept), 9505: (4998, 230)}


def test_the_same_file_twice_gives_each_event_once(orca6: Path, make_section: MakeSection) -> None:
    reduction = reduction_of([orca6, orca6], make_section, Duplicates.FIRST)
    assert len(reduced(reduction)) == 2495
    assert reduction.account.repeated.events == 2495


def test_all_can_be_kept(orca6: Path, copy: Path, make_section: MakeSection) -> None:
    reduction = reduction_of([orca6, copy, orca6], make_section, Duplicates.KEEP)
    table = reduced(reduction)
    assert len(table) == 3 * 2495
    assert table.select(slice(0, 2495)).equals(table.select(slice(2495, 4990)))
    assert reduction.account.repeated.events == 0


def test_the_second_of_two_events_in_a_file_is_left_out(
    alter: Alter, make_section: MakeSection
) -> None:
    path = alter({"frame_index": {3: 114, 1004: 114}, "trigger_counter": {3: 99, 1004: 99}})
    all_of_them = reduced(reduction_of([path], make_section, Duplicates.KEEP))
    reduction = reduction_of([path], make_section, Duplicates.FIRST)
    table = reduced(reduction)
    assert len(table) == len(all_of_them) - 1 == len(set(table["event_id"]))
    (row,) = np.flatnonzero(table["event_id"] == "km3.49.9505.114.99")
    assert row < 10
    assert reduction.account.repeated.first == ("km3.49.9505.114.99",)
    assert len(np.setdiff1d(all_of_them["energy"], table["energy"])) <= 1


def test_events_that_a_cut_leaves_out_may_come_again(
    alter: Alter, make_section: MakeSection
) -> None:
    path = alter(
        {"frame_index": {3: 114, 4: 114}, "trigger_counter": {3: 99, 4: 99}, "trks.E": {4: 1e9}}
    )
    reduction = reduction_of([path], make_section, Duplicates.ERROR, "energy < 1 EeV")
    assert len(reduced(reduction)) == 2494


def test_it_makes_no_difference_how_many_are_compared_at_a_time(
    orca6: Path, copy: Path, make_section: MakeSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = reduction_of([orca6, copy], make_section, Duplicates.FIRST)
    table, account = reduced(whole), whole.account
    monkeypatch.setattr(duplicates, "MOST_ROWS", 700)
    assert reduced(whole).equals(table)
    assert whole.account == account
    with pytest.raises(InputError, match="is also in"):
        reduced(reduction_of([orca6, copy], make_section, Duplicates.ERROR))


def test_events_without_frames_are_named_by_their_run(
    tmp_path: Path, make_section: MakeSection
) -> None:
    paths = [without_frames(tmp_path / f"{run}.h5", [run] * 3) for run in (8, 9)]
    table = reduced(reduction_of(paths, make_section, Duplicates.ERROR))
    assert table["event_id"].tolist() == [f"event.49.{r}.{n}" for r in (8, 9) for n in range(3)]


def test_such_events_are_compared_too(tmp_path: Path, make_section: MakeSection) -> None:
    paths = [
        without_frames(tmp_path / "a.h5", [8, 8, 9]),
        without_frames(tmp_path / "b.h5", [8, 9, 9], first=1),
    ]
    with pytest.raises(InputError, match=r"b\.h5: event event\.49\.\d\.\d is also in .*a\.h5"):
        reduced(reduction_of(paths, make_section, Duplicates.ERROR))
    reduction = reduction_of(paths, make_section, Duplicates.FIRST)
    names = reduced(reduction)["event_id"].tolist()
    assert sorted(names) == [f"event.49.{end}" for end in ("8.0", "8.1", "9.2", "9.3")]
    runs = {run.run: (run.events_read, run.events_kept) for run in reduction.data_taking.runs}
    assert runs == {8: (3, 2), 9: (3, 2)}


@pytest.mark.parametrize("there", [["run_id"], []])
def test_events_without_a_run_are_named_after_their_file(
    there: list[str], tmp_path: Path, make_section: MakeSection
) -> None:
    """Also where another file says that they are of the same run."""
    a = without_frames(tmp_path / "a.h5", [8, 8])
    paths = [a, without_frames(tmp_path / "b.h5", [8, 8], energy=6)]
    for path in paths:
        with h5py.File(path, "r+") as file:
            events = file["event_info"][:]
            del file["event_info"]
            file["event_info"] = events[["group_id", "event_id", *there]]
    section = make_section(columns=("event_id", "energy"))
    for what in (Duplicates.ERROR, Duplicates.FIRST):
        table = reduced(Reduction(paths, section, simulated=False, duplicates=what))
        assert table["event_id"].tolist() == ["a.0", "a.1", "b.0", "b.1"]


LAKE = """
from pathlib import Path

import numpy as np

from vopub.events.readers.km3pipe import Km3pipeReader


class LakeReader(Km3pipeReader):
    def __init__(self, path):
        super().__init__(Path(path.read_text().removeprefix("lake ")))

    @classmethod
    def recognises(cls, path, beginning):
        return beginning.startswith(b"lake ")

    def _names(self, rows):
        return np.array([f"lake{number}" for number in rows["event_id"]], dtype=object)
"""
"""Reads files that name another one, and names its events in a way that does not tell their run."""


def of_lake(path: Path) -> Path:
    lake = path.with_suffix(".lake")
    lake.write_text(f"lake {path}")
    return lake


def test_names_that_do_not_tell_the_run(tmp_path: Path, make_section: MakeSection) -> None:
    one = [of_lake(without_frames(tmp_path / f"{n}.h5", [8, 8], first=n)) for n in range(2)]
    several = of_lake(without_frames(tmp_path / "several.h5", [8, 9], first=2))
    (tmp_path / "plugin").mkdir()
    package = write_package(tmp_path / "plugin", "lake_reader", "LakeReader", LAKE)
    with packages_of(package):
        reduction = reduction_of(one, make_section, Duplicates.FIRST)
        assert reduced(reduction)["event_id"].tolist() == ["lake0", "lake1", "lake2"]
        (run,) = reduction.data_taking.runs
        assert (run.events_read, run.events_kept) == (4, 3)
        with pytest.raises(InputError, match=r"several\.\w+: event lake2 comes again, and its"):
            reduced(reduction_of([*one, several], make_section, Duplicates.FIRST))


def part_of(*runs: tuple[int, int], repeats: bool = False) -> Part:
    header = FileHeader("a.root", "test", None, (), None)
    account = EventAccount(read=3, kept=3)
    return Part(
        key="", sha256="", header=header, account=account, runs=runs, repeats=repeats,
        first=None, last=None, now=0, size=0,
    )  # fmt: skip


def test_only_files_that_share_a_run_are_compared() -> None:
    parts = [part_of((49, 1)), part_of((49, 2), (49, 3)), part_of((49, 3)), part_of((44, 1))]
    assert suspicious(parts) == [1, 2]
    assert suspicious([*parts, part_of((9, 9), repeats=True)]) == [1, 2, 4]
    assert suspicious(parts[:2]) == []


def test_hashes_are_the_same_in_every_process() -> None:
    identifiers = np.array(["km3.49.9505.114.99", "", "Ντετέκτορ"], object)
    assert hashes(identifiers).tolist() == [int(number) for number in hashes(identifiers.copy())]
    assert len(set(hashes(np.array([f"km3.{n}" for n in range(10_000)], object)))) == 10_000
