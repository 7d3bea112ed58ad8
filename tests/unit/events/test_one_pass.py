"""Large files of km3pipe are read once if they are in order, and looked through if they are not."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vopub.errors import InputError
from vopub.events.convert import Reduction
from vopub.events.readers import km3pipe_tables
from vopub.events.readers.base import EventChunk
from vopub.events.readers.km3pipe import Km3pipeReader
from vopub.events.recipe import Recipe
from vopub.events.reduce import reduce_chunk
from vopub.model.description import EventsSection
from vopub.model.event_table import concatenate

NOW = 1_700_000_000 * 10**9
EVENTS = 500
EVENT = np.dtype([
    ("det_id", "i4"), ("frame_index", "i4"), ("nanoseconds", "i4"), ("run_id", "i4"),
    ("timestamp", "i4"), ("trigger_counter", "u8"), ("group_id", "i8"),
])  # fmt: skip
TRACK = np.dtype([
    ("E", "f8"), ("dir_x", "f8"), ("dir_y", "f8"), ("dir_z", "f8"), ("t", "f8"),
    ("group_id", "i8"),
])  # fmt: skip
COLUMNS = ("event_id", "ra", "energy", "unix_time", "run_id")
MakeSection = Callable[..., EventsSection]
Found = list[tuple[int, float | None]]


@pytest.fixture(autouse=True)
def _little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tables of a few rows be large."""
    monkeypatch.setattr(km3pipe_tables, "KEPT_BYTES", 1000)
    monkeypatch.setattr(km3pipe_tables, "BLOCK_BYTES", 2000)


def write(path: Path, events: Sequence[int], tracks: Sequence[int]) -> Path:
    """Write events and tracks with these keys; the energy of a track is its key."""
    info, best = np.zeros(len(events), EVENT), np.zeros(len(tracks), TRACK)
    info["group_id"], best["group_id"], best["E"] = events, tracks, np.array(tracks) + 0.5
    info["det_id"], info["timestamp"] = 49, 1_600_000_000
    info["run_id"] = np.array(events, dtype=np.int64) // 100
    info["frame_index"] = info["group_id"]
    best["dir_z"] = 1
    with h5py.File(path, "w") as file:
        file.attrs["format_version"] = np.bytes_("5.1")
        for name, rows in (("event_info", info), ("reco/best_jmuon", best)):
            options = {"chunks": (16,), "maxshape": (None,), "compression": 1}
            file.create_dataset(name, data=rows, **options)
    return path


def found_in(chunks: Iterable[EventChunk]) -> Found:
    """Return each event's number, and the energy of its track if it has one."""
    pairs: Found = []
    for chunk in chunks:
        found, best = chunk.tracks.best("jmuon")
        energy = np.full(len(chunk), np.nan)
        energy[found] = best.energy
        numbers = chunk.events["frame_index"].tolist()
        pairs += [(n, None if np.isnan(e) else e) for n, e in zip(numbers, energy, strict=True)]
    return pairs


def outcome(path: Path, rows: int, *, once: bool) -> Found | str:
    try:
        with Km3pipeReader(path) as reader:
            return found_in(reader.in_one_pass(rows) if once else reader.chunks(rows))
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("rows", [1, 7, 38, 499, 500, 10_000])
def test_a_file_in_order_gives_the_same_in_one_pass(rows: int, tmp_path: Path) -> None:
    tracks = [n for n in range(EVENTS) if n % 3]
    path = write(tmp_path / "a.h5", range(EVENTS), tracks)
    wanted = [(n, n + 0.5 if n % 3 else None) for n in range(EVENTS)]
    assert outcome(path, rows, once=True) == outcome(path, rows, once=False) == wanted
    with Km3pipeReader(path) as reader:
        list(reader.in_one_pass(rows))
        read_once = reader.header
    with Km3pipeReader(path) as reader:
        assert read_once == reader.header
    assert [run.run for run in read_once.runs] == [0, 1, 2, 3, 4]


def keys(least: int) -> st.SearchStrategy[list[int]]:
    """Return keys that are nearly in order, most often."""
    some = st.lists(st.integers(0, 120), min_size=least, max_size=120)
    return st.one_of(some, some.map(sorted), some.map(lambda s: sorted(set(s))))


@given(events=keys(1), tracks=keys(0), rows=st.sampled_from([1, 5, 17, 200]))
@settings(max_examples=150, deadline=None)
def test_one_pass_gives_what_two_give_or_nothing(
    events: list[int], tracks: list[int], rows: int
) -> None:
    with TemporaryDirectory() as directory:
        path = write(Path(directory) / "a.h5", events, tracks)
        once, twice = (outcome(path, rows, once=once) for once in (True, False))
    assert isinstance(once, str) or once == twice


def reduced(path: Path, section: EventsSection) -> tuple[NDArray[Any], NDArray[Any]]:
    reduction = Reduction([path], section, simulated=False, rows=50, now=NOW)
    chunks = list(reduction)
    table = concatenate(chunks[0].parameters, chunks)
    assert reduction.account.read == EVENTS
    assert [run.events_read for run in reduction.data_taking.runs] == [100] * 5
    return table["run_id"], table["energy"]


@pytest.mark.parametrize("wrong", [(), ("events",), ("tracks",), ("events", "tracks")])
def test_a_file_out_of_order_is_looked_through(
    wrong: tuple[str, ...], make_section: MakeSection, tmp_path: Path
) -> None:
    order = np.arange(EVENTS)
    order[[287, 288]] = [288, 287]  # the last of a block and the first of the next
    other = order.tolist()
    path = write(
        tmp_path / "a.h5",
        other if "events" in wrong else range(EVENTS),
        other if "tracks" in wrong else range(EVENTS),
    )
    assert isinstance(outcome(path, 50, once=True), str) is bool(wrong)
    runs, energy = reduced(path, make_section(columns=COLUMNS))
    np.testing.assert_array_equal(energy, np.arange(EVENTS) + 0.5)
    np.testing.assert_array_equal(runs, np.arange(EVENTS) // 100)


@pytest.mark.parametrize(
    ("events", "tracks", "says"),
    [
        ([*range(200), 199], range(200), "two events of group_id 199"),
        ([*range(100), *range(99, 200)], range(200), "two events of group_id 99"),
        (range(200), [*range(150), 150, 150, *range(151, 200)], "1 row more than one for an event"),
        (range(200), [*range(200), 900], "1 row of no event: group_id 900"),
    ],
)
def test_what_is_wrong_is_told_as_ever(
    events: Sequence[int],
    tracks: Sequence[int],
    says: str,
    make_section: MakeSection,
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "a.h5", events, tracks)
    with pytest.raises(InputError, match=says):
        list(Reduction([path], make_section(columns=COLUMNS), simulated=False, rows=50, now=NOW))


def test_tracks_of_a_chunk_that_passed_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", range(EVENTS), range(EVENTS))
    with Km3pipeReader(path) as reader:
        first, second, *_ = reader.in_one_pass(50)
        second.tracks.best("jmuon")
        with pytest.raises(InputError, match="asked for rows that passed"):
            first.tracks.best("jmuon")


def test_a_chunk_is_let_go_at_once(make_section: MakeSection, tmp_path: Path) -> None:
    """Large arrays that refer to themselves would stay until Python looks for such."""
    recipe = Recipe(make_section(columns=COLUMNS), simulated=False)
    path = write(tmp_path / "a.h5", range(EVENTS), range(EVENTS))
    with Km3pipeReader(path) as reader:
        chunk = next(reader.in_one_pass(50))
        gc.disable()
        try:
            reduce_chunk(chunk, recipe, now=NOW)
            tracks, events = weakref.ref(chunk.tracks), weakref.ref(chunk.events["run_id"])
            del chunk
            assert tracks() is None
            assert events() is None
        finally:
            gc.enable()
