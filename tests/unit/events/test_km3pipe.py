"""HDF5 files of km3pipe: each against a plain join of its tables."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from vopub.events.readers import km3pipe_tables
from vopub.events.readers.km3pipe import Km3pipeReader

from .km3pipe_files import MANY, assert_same, best, column, frame, sample, values, write

DIRECTION = ("dir_x", "dir_y", "dir_z")


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


def test_tracks_of_a_dst_have_no_stages_but_the_best_are_beside_them(
    tables: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    tracks = tables["reco/best_jmuon"]
    both = write(tmp_path / "a.h5", {**tables, "reco/tracks": tracks})
    alone = write(tmp_path / "b.h5", tables)
    assert len(best(both, "jmuon")) == len(tracks)
    assert_same(best(both, "jmuon"), best(alone, "jmuon"))


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
