"""The best track: our numbers and choice against km3io, the collaboration's own reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import km3io
import numpy as np
import pytest
from km3io.definitions import fitparameters, reconstruction
from km3io.tools import best_aashower, best_dusjshower, best_jmuon, best_jshower
from km3net_testdata import data_path
from numpy.typing import NDArray

from vopub.events import fit_parameters
from vopub.events import reconstruction as ours
from vopub.events.readers import open_reader
from vopub.events.readers.base import EventChunk
from vopub.events.reconstruction import JaggedTracks
from vopub.events.tracks import BestTracks
from vopub.model.catalogue import known_parameters

THEIRS = {
    "jmuon": best_jmuon,
    "jshower": best_jshower,
    "aashower": best_aashower,
    "dusj": best_dusjshower,
}
FILES = {
    path.name: path
    for folder in ("offline", "dst")
    for path in (Path(data_path("dst/orca6_sample.root")).parents[1] / folder).glob("*.root")
}
# Files in which km3io, which does not look at the type, takes another program's track for a muon.
OTHER_TYPES = {
    "mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.root",
    "mcv5.1.km3_numuCC.ALL.dst.bdt.10events.root",
    "usr-sample.root",
}
WITHOUT_TRACKS = {"empty_events.root", "multiHead.root", "muon_cc_events.root"}


def read(path: Path) -> EventChunk:
    with open_reader(path) as reader:
        (chunk,) = reader.chunks(10_000)
    return chunk


def chunk_of(*events: list[dict[str, Any]]) -> EventChunk:
    """Return events with the given tracks; what a track does not say is as in a good one."""
    good: dict[str, Any] = {
        "dir_x": 0.0, "dir_y": 0.6, "dir_z": 0.8, "t": 5.0, "energy": 10.0, "length": 3.0,
        "likelihood": 50.0, "rec_type": 4000, "rec_stages": [1, 2, 5, 3, 5, 4],
        "fitinf": [0.01, 0.0, 0.0, 12.0],
    }  # fmt: skip
    records = ak.Array([[{**good, **track} for track in tracks] for tracks in [*events, [good]]])
    return EventChunk({"t_sec": np.ones(len(events), int)}, JaggedTracks(records[:-1]))


def best_of(*tracks: dict[str, Any], name: str = "jmuon") -> BestTracks:
    found, best = chunk_of(list(tracks)).tracks.best(name)
    assert found.tolist() == [True]
    return best


def test_constants_are_those_of_the_data_definitions() -> None:
    for name in ("JMUONBEGIN", "JMUONEND", "JSHOWERBEGIN",
                 "JSHOWEREND", "DUSJSHOWERBEGIN", "DUSJSHOWEREND", "AASHOWERBEGIN",
                 "AASHOWEREND", "JPP_RECONSTRUCTION_TYPE", "AANET_RECONSTRUCTION_TYPE",
                 "DUSJ_RECONSTRUCTION_TYPE"):  # fmt: skip
        assert getattr(ours, name) == reconstruction[name], name
    for name in ("JMUONGANDALF", "JMUONENERGY", "JMUONSTART", "JMUONFEATURES", "JMUONVETO",
                 "JSHOWERCOMPLETEFIT", "AASHOWERFITPOSITIONFIT"):  # fmt: skip
        assert getattr(fit_parameters, name) == reconstruction[name], name


def test_fit_parameters_are_those_of_the_data_definitions() -> None:
    theirs = {name.lower(): place for name, place in fitparameters.items()}
    assert theirs == ours.FIT_PARAMETERS
    assert theirs.keys() <= known_parameters().keys()


@pytest.mark.parametrize("file", sorted(FILES.keys() - OTHER_TYPES - WITHOUT_TRACKS))
def test_the_choice_is_that_of_km3io(file: str) -> None:
    chunk = read(FILES[file])
    with km3io.OfflineReader(FILES[file]) as reader:
        tracks = reader.events.tracks
        for name, best_track in THEIRS.items():
            found, best = chunk.tracks.best(name)
            compare(found, best, best_track(tracks))


def compare(found: NDArray[np.bool_], best: BestTracks, theirs: Any) -> None:
    """Compare our best tracks with km3io's."""
    columns = {"t": theirs.t, "len": theirs.len, "dir_z": theirs.dir_z, "lik": theirs.lik}
    there = ~ak.to_numpy(ak.is_none(columns["t"]))
    assert np.array_equal(found, there)
    expected = {name: ak.to_numpy(column[there]) for name, column in columns.items()}
    assert np.array_equal(best.t, expected["t"])
    assert np.array_equal(best.length, expected["len"])
    assert np.array_equal(best.direction[:, 2], expected["dir_z"])
    known = ~np.isnan(best.likelihood)
    assert np.array_equal(best.likelihood[known], expected["lik"][known])


@pytest.mark.parametrize(
    ("file", "name", "found"),
    [
        ("orca6_sample.root", "jmuon", 2495),
        ("orca4_sample.root", "jmuon", 2498),
        ("orca4_sample.root", "jshower", 0),
        ("mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.root", "jmuon", 7),
        ("mcv5.1.km3_numuCC.ALL.dst.bdt.10events.root", "jmuon", 9),
        ("usr-sample.root", "jmuon", 0),
        ("multiHead.root", "jmuon", 0),
        ("muon_cc_events.root", "jmuon", 0),
    ],
)
def test_how_many_are_reconstructed(file: str, name: str, found: int) -> None:
    mask, best = read(FILES[file]).tracks.best(name)
    assert (int(mask.sum()), len(best)) == (found, found)


def test_another_programs_track_is_not_taken_for_a_muon() -> None:
    path = FILES["mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.root"]
    found, best = read(path).tracks.best("jmuon")
    with km3io.OfflineReader(path) as reader:
        theirs = best_jmuon(reader.events.tracks)
        likelihood, types = ak.to_numpy(theirs.lik), ak.to_numpy(theirs.rec_type)
    same = np.isin(likelihood, best.likelihood)
    assert set(types[~same]) == {101}
    assert found.tolist().count(False) == 3  # what km3io gives for these is a shower fit


def test_most_stages_then_largest_likelihood() -> None:
    best = best_of(
        {"rec_stages": [1, 2], "likelihood": 900.0, "t": 1.0},
        {"likelihood": 40.0, "t": 2.0},
        {"likelihood": 41.0, "t": 3.0},
        {"likelihood": 41.0, "t": 4.0},
        {"rec_stages": [101, 102, 103, 104, 105, 106, 107], "likelihood": 950.0, "t": 5.0},
        {"rec_stages": [1, 2, 3, 4, 5, 3, 100], "likelihood": 950.0, "t": 6.0},
        {"rec_stages": [1, 2, 3, 4, 5, 3, 5], "likelihood": 950.0, "t": 7.0, "rec_type": 101},
    )
    assert best.t.tolist() == [3.0]


def test_a_likelihood_that_is_no_number_is_the_smallest() -> None:
    best = best_of({"likelihood": float("nan"), "t": 1.0}, {"likelihood": -7.0, "t": 2.0})
    assert best.t.tolist() == [2.0]
    assert np.isnan(best_of({"likelihood": float("nan")}).likelihood[0])


def test_events_without_any() -> None:
    chunk = chunk_of([], [{"rec_stages": []}], [{"rec_type": 0}], [{}], [{"rec_stages": [101]}])
    found, best = chunk.tracks.best("jmuon")
    assert found.tolist() == [False, False, False, True, False]
    assert len(best) == 1


@pytest.mark.parametrize("likelihood", [-1.7976931348623157e308, -np.inf, np.inf, np.nan])
def test_what_stands_for_no_likelihood(likelihood: float) -> None:
    assert np.isnan(best_of({"likelihood": likelihood}).likelihood).all()


@pytest.mark.parametrize(
    ("track", "error"),
    [
        ({}, 0.01),
        ({"fitinf": [np.pi]}, np.pi),
        ({"fitinf": [4.7]}, np.nan),
        ({"fitinf": [0.0]}, np.nan),
        ({"fitinf": [-0.1]}, np.nan),
        ({"fitinf": [np.nan]}, np.nan),
        ({"fitinf": []}, np.nan),
        ({"rec_stages": [1, 2, 5, 5, 4]}, np.nan),
    ],
)
def test_error_of_the_direction(track: dict[str, Any], error: float) -> None:
    assert np.array_equal(best_of(track).angular_error, [error], equal_nan=True)


@pytest.mark.parametrize(
    ("track", "hits"),
    [({}, 12), ({"fitinf": [0.1]}, 0), ({"rec_stages": [1, 2, 5, 5, 4]}, 0)],
)
def test_number_of_hits(track: dict[str, Any], hits: int) -> None:
    assert best_of(track).n_hits.tolist() == [hits]


def test_energy_of_a_muon_needs_the_energy_fit() -> None:
    assert best_of({}).energy.tolist() == [10.0]
    assert np.isnan(best_of({"rec_stages": [1, 2, 3]}).energy).all()


def test_a_shower_has_nothing_of_the_muon_fit() -> None:
    best = best_of({"rec_stages": [101, 103], "fitinf": [0.2, 0, 0, 9]}, name="jshower")
    assert np.isnan(best.angular_error).all()
    assert (best.n_hits.tolist(), best.energy.tolist()) == ([0], [10.0])


def test_what_the_orca6_sample_holds() -> None:
    _, best = read(FILES["orca6_sample.root"]).tracks.best("jmuon")
    assert int(np.isnan(best.likelihood).sum()) == 7
    assert int(np.isnan(best.angular_error).sum()) == 10  # 7 without, 3 beyond 180 deg
    assert int((best.direction[:, 2] > 0).sum()) == 230
    assert not np.isnan(best.energy).any()
    assert (best.n_hits >= 6).all()


def test_what_the_orca4_sample_holds() -> None:
    chunk = read(FILES["orca4_sample.root"])
    found, best = chunk.tracks.best("jmuon")
    assert isinstance(chunk.tracks, JaggedTracks)
    stages = chunk.tracks.records.rec_stages[:, 0].to_list()
    without_gandalf = [i for i, s in enumerate(stages) if s == [1, 2, 5, 5, 4]]
    assert len(without_gandalf) == 1
    row = int(found[: without_gandalf[0]].sum())
    assert np.isnan(best.angular_error[row])
    assert best.n_hits[row] == 0
    assert int(np.isnan(best.angular_error).sum()) == 2  # that one, and one with an error of 0
