"""What is said of event files, against what other readers find in them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import h5py
import km3io
import numpy as np
import pytest
import uproot
from km3net_testdata import data_path

from vopub.errors import InputError
from vopub.events.inspect import RECONSTRUCTIONS, Inspection, inspect

ROOT_FILES = (
    "dst/orca6_sample.root",
    "offline/numucc.root",
    "offline/km3net_offline.root",
    "offline/mcv5.11r2.gsg_muonCChigherE-CC_50-5000GeV.km3_AAv1.jterbr00004695.jchain.aanet.498.root",
)


def of(name: str) -> Inspection:
    return inspect(Path(data_path(name)))


def names(found: Inspection, group: str) -> set[str]:
    return {quantity.name for quantity in found.quantities if quantity.group == group}


@pytest.mark.parametrize("name", ROOT_FILES)
def test_the_events_of_root_files_are_those_that_km3io_finds(name: str) -> None:
    found = of(name)
    with uproot.open(data_path(name)) as file:
        assert found.events == file["E"].num_entries
    with km3io.OfflineReader(data_path(name)) as reader:
        tracks = reader.events.tracks
        jmuon = (tracks.rec_type == 4000) & np.any(tracks.rec_stages > 0, axis=-1)
        stages = np.all(tracks.rec_stages < 100, axis=-1)
        assert found.reconstructions["jmuon"] == int(np.sum(np.any(jmuon & stages, axis=-1)))


@pytest.mark.parametrize(
    ("name", "key", "table"),
    [("mupage_ARCA.h5", "group_id", "tracks"), ("test_event_info.h5", "group_id", "jmuongandalf")],
)
def test_the_events_of_hdf5_files_are_those_that_h5py_finds(
    name: str, key: str, table: str
) -> None:
    found = of(f"hdf5/{name}")
    with h5py.File(data_path(f"hdf5/{name}")) as file:
        assert found.events == len(file["event_info"])
        reconstructed = len(np.unique(file[f"reco/{table}"][key]))
    assert found.reconstructions == {"jmuon": reconstructed}


def test_a_run_has_its_times_and_livetime() -> None:
    found = of("dst/orca6_sample.root")
    (run,) = found.runs
    assert (run.detector_id, run.run, found.livetime) == (49, 9505, run.livetime)
    assert found.livetime == pytest.approx(21593.2, abs=0.1)
    assert found.simulated is False
    assert found.first is not None
    assert found.last is not None
    assert run.start is not None
    assert run.start <= found.first < found.last
    assert found.first.replace(microsecond=0) == datetime(2021, 2, 24, 12, 0, 8, tzinfo=UTC)


def test_quantities_are_those_with_a_value_and_have_units() -> None:
    found = of("hdf5/basic_analysis_sample.h5")
    units = {quantity.name: quantity.unit for quantity in found.quantities}
    assert (units["angular_error"], units["mc_energy"], units["n_hits"]) == ("deg", "GeV", "")
    assert "energy" not in units  # all are zero in the file
    assert {"jgandalf_lambda", "jgandalf_chi2"} <= names(found, "fit")
    assert {"mc_energy", "mc_bjorken_y", "weight_w2"} <= names(found, "truth")


def test_simulated_events_without_a_date_have_no_place_on_the_sky() -> None:
    found = of("hdf5/basic_analysis_sample.h5")
    assert not {"ra", "dec", "mc_ra", "mc_dec"} & {q.name for q in found.quantities}
    assert (found.first, found.last, found.simulated) == (None, None, True)
    assert {"ra", "dec"} <= names(of("dst/orca6_sample.root"), "event")


def test_a_file_without_events_is_told_so() -> None:
    found = of("offline/empty_events.root")
    assert (found.events, found.reconstructions, found.quantities) == (0, {}, ())


def test_other_observatories_files_are_told_too() -> None:
    found = of("seatray/antares.h5")
    assert found.reconstructions["aafit"] == 19
    assert "run_id" in names(found, "event")


def test_every_reconstruction_that_a_resource_can_ask_for_is_looked_for() -> None:
    assert {"jmuon", "jshower", "aashower", "dusj"} <= set(RECONSTRUCTIONS)


def test_what_is_no_event_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    path.write_bytes(b"\x00\x01\x02 nothing")
    with pytest.raises(InputError, match="no known layout"):
        inspect(path)
