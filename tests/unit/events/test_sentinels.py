"""Values that stand for none: never a wrong row."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pytest
from km3net_testdata import data_path

from vopub.events.convert import Reduction
from vopub.events.readers import open_reader
from vopub.events.readers.base import EventChunk
from vopub.events.recipe import Recipe
from vopub.events.reconstruction import JaggedTracks
from vopub.events.reduce import Reduced, reduce_chunk
from vopub.events.tracks import BestTracks
from vopub.model.derived import DerivedParameter
from vopub.model.description import EventsSection
from vopub.model.event_table import concatenate

Alter = Callable[[Mapping[str, Mapping[int, float]]], Path]
MakeSection = Callable[..., EventsSection]
NOW = 1_700_000_000 * 10**9
BIGGEST = float(np.finfo(np.float64).max)
NAN, INF = float("nan"), float("inf")
PROTOTYPE = "hdf5/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.hdf5"
LIST = [0.01, 0.008, -60.0, 40.0, 120.0, 200.0, 0.01, 12.0, 3.0, 9.0, 80.0, 0.0, 0.0, 400.0, -90.0,
        900.0, 30.0, 0.0, 0.0, 0.0, 100.0, 140.0]  # fmt: skip
"""What a fit says about itself."""


def chunk_of(*tracks: dict[str, Any]) -> EventChunk:
    """Return events with one track each; what a track does not say is as in a good one."""
    good: dict[str, Any] = {
        "dir_x": 0.0, "dir_y": 0.6, "dir_z": 0.8, "t": 5.0, "energy": 10.0, "length": 3.0,
        "likelihood": 50.0, "rec_type": 4000, "rec_stages": [1, 2, 5, 3, 5, 4], "fitinf": LIST,
    }  # fmt: skip
    records = ak.Array([[{**good, **track}] for track in (*tracks, {})])
    n = len(records)
    numbers: dict[str, Any] = {
        name: np.ones(n, np.int32) for name in ("detector_id", "run_id", "overlays")
    }
    events = {
        **numbers,
        "event_number": np.arange(n), "frame_index": np.arange(n, dtype=np.int32),
        "trigger_counter": np.arange(n, dtype=np.uint64), "trigger_mask": np.full(n, 4, np.uint64),
        "t_sec": np.full(n, 1_600_000_000, np.int32), "t_ns": np.zeros(n, np.int32),
    }  # fmt: skip
    return EventChunk(events, JaggedTracks(records))


def with_fit(**places: float) -> dict[str, Any]:
    """Return a track whose fit says something else at some places, named ``at<place>``."""
    changed = {int(name.removeprefix("at")): value for name, value in places.items()}
    return {"fitinf": [changed.get(place, value) for place, value in enumerate(LIST)]}


def reduced(section: EventsSection, *tracks: dict[str, Any]) -> Reduced:
    """Reduce events with these tracks and a good one."""
    return reduce_chunk(chunk_of(*tracks), Recipe(section, simulated=False), now=NOW)


@pytest.mark.parametrize(
    ("track", "reason"),
    [
        ({"dir_x": 0.0, "dir_y": 0.0, "dir_z": 0.0}, "direction is not a unit vector"),
        ({"dir_x": -999.0, "dir_y": -999.0, "dir_z": -999.0}, "direction is not a unit vector"),
        ({"dir_z": BIGGEST}, "direction is not a unit vector"),
        ({"dir_z": NAN}, "direction is not a unit vector"),
        ({"t": NAN}, "time of the track is not a number"),
        ({"t": BIGGEST}, "time of the track is not a number"),
        ({"t": -BIGGEST}, "time of the track is not a number"),
        ({"energy": -998.0}, "energy is outside 0 to 1e+12 GeV"),
        ({"energy": BIGGEST}, "energy is outside 0 to 1e+12 GeV"),
        ({"energy": INF}, "energy is infinite"),
        ({"length": -998.0}, "track_length is outside 0 to 100000 m"),
        ({"t": -999.0}, "time of the track is not a number"),
    ],
)
def test_an_event_of_which_it_says_nothing_true_is_malformed(
    track: dict[str, Any], reason: str, make_section: MakeSection
) -> None:
    result = reduced(make_section(), track)
    assert [(e.reason, e.events) for e in result.account.malformed] == [(reason, 1)]
    assert result.table["event_id"].tolist() == ["km3.1.1.1.1"]


@pytest.mark.parametrize(
    ("track", "missing"),
    [
        ({"likelihood": -BIGGEST}, {"likelihood"}),
        ({"likelihood": NAN}, {"likelihood"}),
        ({"likelihood": -999.0}, {"likelihood"}),
        ({"energy": NAN}, {"energy"}),
        ({"energy": -999.0}, {"energy"}),
        ({"length": -999.0}, {"track_length"}),
        (with_fit(at2=-999.0), {"jgandalf_chi2"}),
        (with_fit(at13=-999.0), {"jenergy_muon_range_metres"}),
        (with_fit(at14=-999.0), {"jenergy_noise_likelihood"}),
        (with_fit(at0=-1.0), {"angular_error", "jgandalf_beta0_rad"}),
        (with_fit(at0=0.0), {"angular_error", "jgandalf_beta0_rad"}),
        (with_fit(at0=NAN), {"angular_error", "jgandalf_beta0_rad"}),
        (with_fit(at0=14480.5), {"angular_error", "jgandalf_beta0_rad"}),
        (with_fit(at2=BIGGEST), {"jgandalf_chi2"}),
        (with_fit(at5=BIGGEST), {"jenergy_chi2"}),
        (with_fit(at5=-BIGGEST), {"jenergy_chi2"}),
        (with_fit(at14=-INF), {"jenergy_noise_likelihood"}),
        (with_fit(at4=0.0), {"jenergy_energy"}),
        (with_fit(at4=-999.0), {"jenergy_energy"}),
        (with_fit(at21=0.0), {"jenergy_maximal_energy"}),
    ],
)
def test_a_value_that_stands_for_none_is_not_available(
    track: dict[str, Any], missing: set[str], make_section: MakeSection
) -> None:
    table = reduced(make_section(), track).table
    assert len(table) == 2
    good = {p.name for p in table.parameters if p.dtype.is_float and not np.isnan(table[p.name][1])}
    assert {name for name in good if np.isnan(table[name][0])} == missing


def test_what_a_program_that_did_not_run_left_as_zero(make_section: MakeSection) -> None:
    """Without the energy fit, its places in the list of a longer fit are zeros."""
    track = {"rec_stages": [1, 2, 5, 3], **with_fit(at4=0, at5=0, at13=0, at14=0, at15=0, at16=0)}
    table = reduced(make_section(), track).table
    for p in table.parameters:
        if p.name.startswith("jenergy_") or p.name in ("energy", "jveto_npe"):
            assert np.isnan(table[p.name][0]), p.name
        if p.name.startswith("jgandalf_") or p.name.startswith("jstart_npe_mip_total"):
            assert np.isfinite(table[p.name][0]), p.name


def test_a_shower_says_nothing_of_a_muon(make_section: MakeSection) -> None:
    """The same places of the list mean other things for other programs."""
    section = make_section(reconstruction="jshower")
    stages = [101, 102, 106, 107, 103]
    table = reduced(section, {"rec_stages": stages}, {"rec_stages": stages[:3]}).table
    assert table["jshowerfit_energy"][0] == 120.0
    assert np.isnan(table["jshowerfit_energy"][1])
    assert np.isnan(table["energy"][1])
    assert np.isnan(table["angular_error"]).all()
    assert np.isnan(table["jenergy_energy"]).all()
    assert np.isnan(table["aashowerfit_energy"]).all()


def test_a_formula_of_a_value_that_is_none(make_section: MakeSection) -> None:
    def section(null: str) -> EventsSection:
        own = DerivedParameter(
            formula="log10(energy / (1 GeV))", ucd="phys.energy", null=null,
            description="Logarithm of the energy in GeV.",
        )  # fmt: skip
        return make_section(columns=("event_id", "log_energy"), derived={"log_energy": own})

    tracks = [{"energy": NAN}, {"energy": 0.0}, {"energy": -999.0}]
    strict = reduced(section(""), *tracks)
    assert strict.table["log_energy"].tolist() == [1.0]
    assert [(e.reason, e.events) for e in strict.account.malformed] == [
        ("log_energy is not a number", 2),
        ("log_energy is infinite", 1),
    ]
    lenient = reduced(section("No energy."), *tracks)
    assert np.isnan(lenient.table["log_energy"]).tolist() == [True, True, False]
    assert {e.reason for e in lenient.account.malformed} == {"log_energy is infinite"}


def test_the_same_in_a_file(alter: Alter, make_section: MakeSection) -> None:
    """Events 5 and 8 have no likelihood, event 6 no energy, event 9 one that cannot be."""
    path = alter({
        "trks.lik": {5: -BIGGEST, 8: -999.0}, "trks.E": {6: -999.0, 9: -998.0},
        "trks.dir.x": {7: 0.0}, "trks.dir.y": {7: 0.0}, "trks.dir.z": {7: 0.0},
    })  # fmt: skip
    reduction = Reduction([path], make_section(), simulated=False)
    chunks = list(reduction)
    table = concatenate(chunks[0].parameters, chunks)
    assert int(np.isnan(table["likelihood"]).sum()) == 9  # 7 in the sample itself
    assert int(np.isnan(table["energy"]).sum()) == 1
    assert {e.reason: e.events for e in reduction.account.malformed} == {
        "direction is not a unit vector": 1,
        "energy is outside 0 to 1e+12 GeV": 1,
    }


@pytest.mark.parametrize(("rest", "is_time"), [(0, True), (999_999_999, True), (-999, False),
                                               (10**9, False), (5 * 10**8, True)])  # fmt: skip
@pytest.mark.parametrize("simulated", [True, False])
def test_nanoseconds_that_are_none(
    rest: int, is_time: bool, simulated: bool, make_section: MakeSection
) -> None:
    chunk = chunk_of({})
    chunk.events["t_ns"][0] = rest
    section = make_section(columns=("event_id", "unix_time"))
    result = reduce_chunk(chunk, Recipe(section, simulated=simulated), now=NOW)
    reason = "nanoseconds of the time are outside 0 to 1e9"
    assert [e.reason for e in result.account.malformed] == ([] if is_time else [reason])
    assert result.table["unix_time"][0] - 1_600_000_000 * 10**9 == (rest + 5 if is_time else 5)


def test_nanoseconds_of_a_simulation_without_a_time_of_day(make_section: MakeSection) -> None:
    chunk = chunk_of({})
    chunk.events["t_sec"][:], chunk.events["t_ns"][0] = 0, -999
    recipe = Recipe(make_section(columns=("event_id", "unix_time")), simulated=True)
    assert reduce_chunk(chunk, recipe, now=NOW).table["unix_time"].tolist() == [-994, 5]


NAMES = ("dir_x", "dir_y", "dir_z", "t", "E", "likelihood", "length", "JGANDALF_CHI2")


@pytest.mark.parametrize(
    "table",
    [
        "best_jmuon", "best_jshower", "best_aashower", "best_dusjshower", "best_dusj",
        "jmuongandalf",
    ],
)  # fmt: skip
def test_the_same_in_a_flat_table_of_km3pipe(table: str, tmp_path: Path) -> None:
    tracks = np.zeros(2, np.dtype([*((name, "f8") for name in NAMES), ("group_id", "i8")]))
    tracks["dir_z"], tracks["group_id"] = 1, [0, 1]
    for name in ("E", "likelihood", "length", "JGANDALF_CHI2"):
        tracks[name] = [-999, 7]
    path = km3pipe_file(tmp_path, {f"reco/{table}": tracks})
    name = {"jmuongandalf": "jmuon", "best_dusjshower": "dusj"}.get(table, table[5:])
    best = best_of(path, name, "jgandalf_chi2")
    chi2 = best.fit["jgandalf_chi2"]
    for values in (best.energy, best.likelihood, best.length, *([chi2] if name == "jmuon" else [])):
        np.testing.assert_array_equal(values, [np.nan, 7])


def test_minus_a_likelihood_that_is_none(tmp_path: Path) -> None:
    kinds = [*((name, "f8") for name in ("dir_x", "dir_y", "dir_z", "time", "chi2")),
             ("rec_type", "i4"), ("group_id", "i8")]  # fmt: skip
    fits = np.zeros(2, np.dtype(kinds))
    fits["dir_z"], fits["chi2"], fits["rec_type"], fits["group_id"] = 1, [-999, 5], 4000, [0, 1]
    path = km3pipe_file(tmp_path, {"reco/gandalf": fits})
    np.testing.assert_array_equal(best_of(path, "jmuon").likelihood, [np.nan, -5])


def test_angles_that_are_none(tmp_path: Path) -> None:
    """Their sines and cosines would be those of a direction."""
    names = ("d_theta", "d_phi", "d_E", "d_t")
    fits = np.zeros(2, np.dtype([*((name, "f8") for name in names), ("group_id", "i8")]))
    fits["group_id"] = [0, 1]
    fits["d_theta"], fits["d_phi"], fits["d_E"] = [-999, 1], [-999, 1], [-999, 1]
    path = km3pipe_file(tmp_path, {"reco/dusj": fits})
    with open_reader(path) as reader:
        (chunk,) = reader.chunks(10)
        assert chunk.tracks.best("dusj")[0].tolist() == [False, True]


@pytest.mark.parametrize(
    ("source", "table", "columns", "reconstruction"),
    [
        ("seatray/antares.h5", "AafitFinalFit", ("quality",), "aafit"),
        (PROTOTYPE, "RECO/RECO_EVENTS", ("energy", "likelihood"), "jmuon"),
    ],
)
def test_the_same_in_other_tables(
    source: str, table: str, columns: tuple[str, ...], reconstruction: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.h5"
    shutil.copy(data_path(source), path)
    before = best_of(path, reconstruction)
    with h5py.File(path, "r+") as file:
        rows = file[table][:]
        for name in columns:
            rows[name] = -999
        file[table][...] = rows
    after = best_of(path, reconstruction)
    attribute = {"quality": "likelihood"}
    for name in (attribute.get(name, name) for name in columns):
        assert np.isfinite(getattr(before, name)).any(), name
        assert np.isnan(getattr(after, name)).all(), name


def test_the_same_in_a_list(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("ra,dec,energy [TeV],lambda,beta\n1,2,-999,-999,-999\n1,2,3,4,5\n")
    best = best_of(path, "given")
    np.testing.assert_array_equal(best.energy, [np.nan, 3000])
    np.testing.assert_array_equal(best.likelihood, [np.nan, 4])
    with open_reader(path) as reader:
        (chunk,) = reader.chunks(10)
    np.testing.assert_array_equal(chunk.values["angular_error"], [np.nan, 5])


def km3pipe_file(place: Path, tables: Mapping[str, Any]) -> Path:
    events = np.zeros(2, np.dtype([("group_id", "i8"), ("event_id", "i4")]))
    events["group_id"] = [0, 1]
    with h5py.File(place / "a.h5", "w") as file:
        file.attrs["format_version"] = "5.1"
        file["event_info"] = events
        for name, rows in tables.items():
            file[name] = rows
    return place / "a.h5"


def best_of(path: Path, reconstruction: str, *fit: str) -> BestTracks:
    with open_reader(path) as reader:
        chunks = [chunk.tracks.best(reconstruction, fit) for chunk in reader.chunks(1000)]
    ((_, best),) = chunks
    return best
