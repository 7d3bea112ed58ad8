"""HDF5 files of km3pipe: each against a plain join of its tables, and files that are not right."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from km3net_testdata import data_path
from numpy.typing import NDArray

from vopub.errors import InputError
from vopub.events.readers import km3pipe_tables
from vopub.events.readers.base import EventChunk
from vopub.events.readers.km3pipe import Km3pipeReader
from vopub.events.tracks import BestTracks

MANY = 600_000
"""So many events that neither table of `big` is kept in memory."""
BEGINNING = b"\x89HDF\r\n\x1a\n"

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
TABLES = ("event_info", "reco/best_jmuon")
DIRECTION = ("dir_x", "dir_y", "dir_z")


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


def shuffled(tables: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    random = np.random.default_rng(2)
    return {name: rows[random.permutation(len(rows))] for name, rows in tables.items()}


def with_rows_shuffled(source: Path, target: Path) -> Path:
    """Copy a file with the rows of each of its tables in another order."""
    shutil.copy(source, target)
    random = np.random.default_rng(3)
    with h5py.File(target, "r+") as file:
        for name in ("event_info", "reco/tracks", "reco/rec_stages", "reco/gandalf",
                     "reco/jmuongandalf", "mc_tracks"):  # fmt: skip
            if name in file:
                rows = file[name][:]
                file[name][...] = rows[random.permutation(len(rows))]
    return target


def assert_same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_dtype=False)


def message(path: Path, reconstruction: str = "jmuon") -> str:
    """Return the one line that a file is refused with."""
    with pytest.raises(InputError) as refused:
        best(path, reconstruction)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.fixture(scope="module")
def big() -> dict[str, NDArray[Any]]:
    return synthetic(MANY)


@pytest.fixture
def tables() -> dict[str, NDArray[Any]]:
    return synthetic(60)


@pytest.mark.parametrize("name", ["mupage_ARCA.h5", "geamon.h5"])
def test_the_best_of_all_tracks_is_that_of_a_join_by_pandas(name: str) -> None:
    path = sample(name)
    tracks, stages = frame(path, "reco/tracks"), frame(path, "reco/rec_stages")
    of_track = stages.groupby(["group_id", "idx"]).rec_stage
    tracks = tracks.set_index(["group_id", "idx"])
    tracks["stages"], tracks["highest"] = of_track.size(), of_track.max()
    tracks["fitted"] = of_track.agg(lambda reached: 4 in set(reached))
    tracks = tracks[(tracks.rec_type == 4000) & (tracks.highest < 100)].reset_index()
    ranked = tracks.sort_values(
        ["group_id", "stages", "likelihood", "idx"], ascending=[True, False, False, True]
    )
    wanted = ranked.groupby("group_id").first()
    event_keys = frame(path, "event_info").group_id
    ours = best(path, "jmuon")
    assert event_keys[ours.index].tolist() == wanted.index.tolist()
    for column_name in ("dir_x", "dir_y", "dir_z", "t", "length", "likelihood"):
        np.testing.assert_array_equal(ours[column_name], wanted[column_name])
    np.testing.assert_array_equal(ours.energy, wanted.E.where(wanted.fitted))
    np.testing.assert_array_equal(ours.angular_error, wanted.JGANDALF_BETA0_RAD)


def test_gandalf_of_version_4_is_that_of_a_join_by_pandas() -> None:
    path = sample("basic_analysis_sample.h5")
    gandalf = frame(path, "reco/gandalf").set_index("event_id")
    joined = frame(path, "event_info").set_index("event_id").join(gandalf).reset_index()
    wanted = joined[joined.rec_type != 0]
    ours = best(path, "jmuon", rows=500)
    assert (len(ours), len(joined)) == (3472, 3484)
    assert ours.index.tolist() == wanted.index.tolist()
    for mine, theirs in (("dir_x", "dir_x"), ("dir_z", "dir_z"), ("t", "time"),
                         ("n_hits", "n_hits"), ("chi2", "chi2"), ("length", "jstart_length"),
                         ("angular_error", "beta0")):  # fmt: skip
        np.testing.assert_array_equal(ours[mine], wanted[theirs], err_msg=mine)
    np.testing.assert_array_equal(ours.likelihood, -wanted.chi2)
    assert ours.energy.isna().all()
    assert column(path, "t_sec").tolist() == joined.utc_seconds.tolist()
    assert column(path, "t_ns").tolist() == joined.utc_nanoseconds.tolist()


def test_of_several_fits_of_version_5_0_the_likeliest_counts() -> None:
    path = sample("test_event_info.h5")
    fits = frame(path, "reco/jmuongandalf")
    wanted = fits.loc[fits.groupby("group_id").likelihood.idxmax()]
    ours = best(path, "jmuon", rows=2)
    assert (len(fits), len(ours)) == (60, 5)
    np.testing.assert_array_equal(ours.t, wanted.time)
    np.testing.assert_array_equal(ours.angular_error, wanted.JGANDALF_BETA0_RAD)


def test_events_that_the_file_gives_no_run_are_named_by_their_number() -> None:
    path = sample("test_event_info.h5")
    with Km3pipeReader(path) as reader:
        (chunk,) = reader.chunks(10)
        lacks = reader.header.lacks
    assert chunk.names().tolist() == [f"test_event_info.{n}" for n in (7, 8, 13, 15, 23)]
    assert {"run_id", "detector_id", "mjd", "ra", "dec"} <= lacks
    assert "energy" not in lacks


def test_tables_of_version_4_1_are_unpacked() -> None:
    """Expected values: read with h5py and the Blosc filter of hdf5plugin 7.1."""
    path = sample("numu_cc_test.h5")
    gandalf = best(path, "jmuon")
    np.testing.assert_allclose(gandalf.dir_x, [-0.7072167340103972, 0.5504952935154714])
    np.testing.assert_allclose(gandalf.t, [49999599.18246632, 49999845.084407076])
    np.testing.assert_allclose(gandalf.likelihood, [180.4984725462586, 35.72899905129055])
    np.testing.assert_allclose(gandalf.angular_error, [0.006652622680042995, 0.01614199155543366])
    dusj = best(path, "dusj")
    assert dusj.index.tolist() == [1]
    np.testing.assert_allclose(dusj.energy, [7.600656407355656])
    np.testing.assert_allclose(np.arccos(dusj.dir_z), [0.9935181089496501])
    np.testing.assert_allclose(np.arctan2(dusj.dir_y, dusj.dir_x), [1.0460154458275754])


@pytest.mark.parametrize(
    ("name", "layout", "kid", "runs"),
    [
        ("mupage_ARCA.h5", "5.1", "adbf55df-620b-48a9-9793-d6b1e182f45a", [(20, 1)]),
        ("geamon.h5", "5.1", "6e834f07-75c4-4742-addf-bd2196daedfe", [(-1, 1)]),
        ("test_event_info.h5", "5.0", None, []),
        ("basic_analysis_sample.h5", "4.3", None, [(-1, 1)]),
        ("numu_cc_test.h5", "4.1", None, [(-1, 2)]),
    ],
)
def test_the_header_is_what_the_file_says(
    name: str, layout: str, kid: str | None, runs: list[tuple[int, int]]
) -> None:
    with Km3pipeReader(sample(name)) as reader:
        header = reader.header
    assert header.layout == f"km3pipe HDF5 {layout}"
    assert (header.uuid and str(header.uuid)) == kid
    assert [(run.detector_id, run.run) for run in header.runs] == runs
    assert header.simulated is True
    assert header.name == name


def test_true_values_are_those_of_the_neutrino() -> None:
    path = sample("basic_analysis_sample.h5")
    particles = frame(path, "mc_tracks")
    wanted = particles[particles.id.eq(1)].groupby("event_id").first()
    np.testing.assert_array_equal(values(path, "mc_energy"), wanted.energy)
    np.testing.assert_array_equal(values(path, "mc_pdgid"), wanted.type)
    np.testing.assert_array_equal(values(path, "mc_bjorken_y"), wanted.bjorkeny)
    zenith = np.radians(values(path, "mc_zenith"))
    np.testing.assert_allclose(np.cos(zenith), -wanted.dir_z, atol=2e-6)  # digits of the file
    np.testing.assert_array_equal(values(path, "weight_w2"), frame(path, "event_info").weight_w2)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]])
def test_the_neutrino_before_the_interaction_counts(
    order: list[int], tables: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    kinds = [("id", "i4"), ("type", "i4"), ("energy", "f8"), *((d, "f8") for d in DIRECTION),
             ("bjorkeny", "f8"), ("group_id", "i8")]  # fmt: skip
    particles = np.array(
        [
            (0, 13, 90.0, 0, 0, 1, 0, 9),
            (1, 14, 40.0, 0, 0, 1, 0, 9),
            (1, 14, 70.0, 0, 0, -1, 0.4, 9),
            (2, 14, 99.0, 0, 0, 1, 0, 9),
        ],
        kinds,
    )
    path = write(tmp_path / "a.h5", {**tables, "mc_tracks": particles[order]})
    assert [values(path, name)[2] for name in ("mc_energy", "mc_zenith", "mc_bjorken_y")] == [
        70.0, 0.0, 0.4,
    ]  # fmt: skip
    assert np.isnan(np.delete(values(path, "mc_energy"), 2)).all()
    assert not np.delete(values(path, "mc_pdgid"), 2).any()


@pytest.mark.parametrize(
    "name", ["mupage_ARCA.h5", "geamon.h5", "basic_analysis_sample.h5", "test_event_info.h5"]
)
def test_the_order_of_rows_says_nothing(name: str, tmp_path: Path) -> None:
    path = sample(name)
    other = with_rows_shuffled(path, tmp_path / "shuffled.h5")
    assert_same(best(other, "jmuon", rows=97), best(path, "jmuon", rows=97))
    for truth in ("mc_energy", "mc_zenith", "mc_pdgid", "weight_w1"):
        np.testing.assert_array_equal(values(other, truth), values(path, truth))
    assert column(other, "event_number").tolist() == column(path, "event_number").tolist()


@pytest.mark.parametrize("rows", [1, 7, 60, 1000])
def test_chunks_of_any_size_give_the_same(
    rows: int, tables: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.h5", tables)
    ours, wanted = best(path, "jmuon", rows), tables["reco/best_jmuon"]
    assert ours.index.tolist() == [n for n in range(60) if n % 3]
    np.testing.assert_array_equal(ours.energy, wanted["E"])
    np.testing.assert_array_equal(ours.dir_y, wanted["dir_y"])


@pytest.mark.parametrize("in_order", [True, False])
def test_tables_too_large_for_memory_are_joined_too(
    in_order: bool, big: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    assert all(rows.nbytes > km3pipe_tables.KEPT_BYTES for rows in big.values())
    path = write(tmp_path / "a.h5", big if in_order else shuffled(big))
    ours = best(path, "jmuon", rows=10_007)
    assert ours.index.to_numpy().tolist() == [n for n in range(MANY) if n % 3]
    np.testing.assert_array_equal(ours.energy, big["reco/best_jmuon"]["E"])
    np.testing.assert_array_equal(column(path, "event_number", 9_000), np.arange(MANY))
    with Km3pipeReader(path) as reader:
        assert [run.run for run in reader.header.runs] == list(range(9000, 9000 + MANY // 1000))


def test_chunks_may_be_looked_at_in_any_order(
    tables: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    with Km3pipeReader(write(tmp_path / "a.h5", tables)) as reader:
        chunks = list(reader.chunks(9))
        backwards = [chunk.tracks.best("jmuon")[1].energy for chunk in reversed(chunks)]
    np.testing.assert_array_equal(np.concatenate(backwards[::-1]), tables["reco/best_jmuon"]["E"])


def test_a_reconstruction_that_the_file_does_not_have_is_of_no_event() -> None:
    assert len(best(sample("basic_analysis_sample.h5"), "aashower")) == 0
    assert len(best(sample("mupage_ARCA.h5"), "jshower")) == 0


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


def test_tracks_of_a_dst_have_no_stages_but_the_best_are_beside_them(
    tables: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    tracks = tables["reco/best_jmuon"]
    both = write(tmp_path / "a.h5", {**tables, "reco/tracks": tracks})
    alone = write(tmp_path / "b.h5", tables)
    assert len(best(both, "jmuon")) == len(tracks)
    assert_same(best(both, "jmuon"), best(alone, "jmuon"))


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


def test_a_muon_without_energy_has_none_and_no_results_of_its_fit(
    tables: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    tracks = tables["reco/best_jmuon"]
    tracks["E"][2], tracks["JGANDALF_BETA0_RAD"][4] = 0, 0
    tracks["likelihood"][6] = -np.finfo(float).max
    with Km3pipeReader(write(tmp_path / "a.h5", tables)) as reader:
        (chunk,) = reader.chunks(100)
        _, ours = chunk.tracks.best("jmuon", ["jenergy_energy", "jgandalf_lambda"])
    assert np.flatnonzero(np.isnan(ours.energy)).tolist() == [2]
    assert np.flatnonzero(np.isnan(ours.angular_error)).tolist() == [4]
    assert np.flatnonzero(np.isnan(ours.likelihood)).tolist() == [6]
    assert np.isnan(ours.fit["jenergy_energy"][2])
    assert np.isnan(ours.fit["jgandalf_lambda"]).all()
