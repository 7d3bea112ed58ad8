"""The prototype of published files that astropy wrote: the real sample, and changed copies."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import uproot
from astropy.table import QTable, Table
from km3net_testdata import data_path
from numpy.lib.recfunctions import drop_fields
from numpy.typing import NDArray

from vopub.errors import InputError
from vopub.events.convert import Reduction
from vopub.events.readers import open_reader
from vopub.events.readers.astropy_table import AstropyTableReader
from vopub.events.tracks import BestTracks
from vopub.model.description import EventsSection

STEM = "mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample"
SAMPLE = Path(data_path(f"hdf5/{STEM}.hdf5"))
ROOT = Path(data_path(f"offline/{STEM}.root"))
RECO, META = "RECO/RECO_EVENTS", ".__table_column_meta__"
Rows = NDArray[Any]
Change = Callable[[str, Callable[[Rows], Rows]], Path]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copy(SAMPLE, tmp_path / "copy.hdf5"))


@pytest.fixture
def change(copy: Path) -> Change:
    """Give a function that changes a table of a copy of the sample."""

    def changed(name: str, how: Callable[[Rows], Rows]) -> Path:
        with h5py.File(copy, "r+") as file:
            rows = how(file[name][:])
            del file[name]
            file[name] = rows
        return copy

    return changed


def best_of(path: Path, name: str = "jmuon", rows: int = 100) -> tuple[list[bool], BestTracks]:
    with open_reader(path) as reader:
        (chunk,) = reader.chunks(rows)
    found, best = chunk.tracks.best(name)
    return found.tolist(), best


def error_of(path: Path) -> str:
    with pytest.raises(InputError) as raised, open_reader(path) as reader:
        list(reader.chunks(3))
    message = str(raised.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def section(*columns: str) -> EventsSection:
    return EventsSection(inputs=("a",), detector="ARCA", columns=("event_id", *columns))


@pytest.mark.parametrize("rows", [1, 3, 10, 100])
def test_the_sample_against_astropy(rows: int) -> None:
    columns = ("unix_time", "energy", "likelihood", "zenith", "azimuth", "mc_energy", "mc_pdgid",
               "mc_zenith", "mc_azimuth")  # fmt: skip
    reduction = Reduction([SAMPLE], section(*columns), simulated=True, rows=rows)
    chunks = list(reduction)
    table = {n: np.concatenate([c[n] for c in chunks]) for n in ("event_id", *columns)}
    reco = QTable.read(SAMPLE, path=RECO)
    truth = QTable.read(SAMPLE, path="MC/MC_EVENTS")
    assert list(table["event_id"]) == [f"{STEM.replace('.', '_')}.{n}" for n in range(10)]
    np.testing.assert_array_equal(table["energy"], reco["energy"].to_value("GeV"))
    np.testing.assert_array_equal(table["likelihood"], reco["likelihood"])
    np.testing.assert_array_equal(table["mc_pdgid"], truth["pdg_id"])
    np.testing.assert_array_equal(table["mc_energy"], truth["energy"].to_value("GeV"))
    for given, prefix in ((reco, ""), (truth, "mc_")):
        theta = given["theta_detectorframe"].to_value("deg")
        phi = given["phi_detectorframe"].to_value("deg")
        np.testing.assert_allclose(table[f"{prefix}zenith"], 180 - theta, atol=1e-9)
        np.testing.assert_allclose(table[f"{prefix}azimuth"], (phi + 180) % 360, atol=1e-9)
    seconds = reco["tracktime_utc"].unix
    np.testing.assert_allclose(table["unix_time"] / 1e9, seconds, rtol=0, atol=2e-6)


def test_times_are_those_of_the_root_file_to_the_nanosecond() -> None:
    """The sample was made from a file that is also there."""
    with open_reader(SAMPLE) as reader:
        (chunk,) = reader.chunks(100)
    with uproot.open(ROOT) as file:
        for name, branch in (("t_sec", "t.fSec"), ("t_ns", "t.fNanoSec")):
            assert chunk.events[name].tolist() == file["E"][branch].array(library="np").tolist()


def test_it_is_simulated() -> None:
    with pytest.raises(InputError, match="holds simulated events"):
        list(Reduction([SAMPLE], section("energy"), simulated=False))


def test_rows_are_joined_by_their_number(change: Change) -> None:
    _, straight = best_of(SAMPLE)
    found, best = best_of(change(RECO, lambda rows: rows[::-1]))
    assert found == [True] * 10
    np.testing.assert_array_equal(best.direction, straight.direction)
    np.testing.assert_array_equal(best.energy, straight.energy)


def test_an_event_without_track(change: Change) -> None:
    found, best = best_of(change(RECO, lambda rows: rows[[0, 1, 3, 4, 5, 6, 7, 8, 9]]))
    assert found == [True, True, False, *[True] * 7]
    assert len(best) == 9


def test_of_several_tracks_the_likeliest(change: Change) -> None:
    def twice(rows: Rows) -> Rows:
        better, unknown = rows.copy(), rows.copy()
        better["likelihood"] += 1
        better["energy"] = 77
        unknown["likelihood"] = np.nan
        return np.concatenate([rows, better, unknown])

    found, best = best_of(change(RECO, twice))
    assert found == [True] * 10
    assert set(best.energy) == {77}


@pytest.mark.parametrize(
    ("kind", "stage", "name"),
    [(4000, 5, "jmuon"), (4000, 103, "jshower"), (0, 4000, "jmuon"), (101, 4, "aashower"),
     (4, 101, "aashower"), (200, 203, "dusj"), (-1, 3, "")],
)  # fmt: skip
def test_kinds_of_tracks(kind: int, stage: int, name: str, change: Change) -> None:
    """The sample itself has the two columns exchanged."""

    def labelled(rows: Rows) -> Rows:
        rows["rec_type"], rows["rec_stage"] = kind, stage
        return rows

    path = change(RECO, labelled)
    for other in ("jmuon", "jshower", "aashower", "dusj"):
        found, _ = best_of(path, other)
        assert found == [other == name] * 10


def test_units_of_the_file_are_taken(copy: Path) -> None:
    table = QTable.read(SAMPLE, path=RECO)
    for name, unit in (("energy", "TeV"), ("theta_detectorframe", "deg"), ("tracktime_ns", "us")):
        table[name] = table[name].to(unit)
    table.write(copy, path=RECO, append=True, overwrite=True, serialize_meta=True)
    _, straight = best_of(SAMPLE)
    _, best = best_of(copy)
    np.testing.assert_allclose(best.energy, straight.energy)
    np.testing.assert_allclose(best.t, straight.t)
    np.testing.assert_allclose(best.direction, straight.direction)


def test_a_unit_that_is_none_of_the_quantity(copy: Path) -> None:
    table = Table.read(SAMPLE, path=RECO)
    table["energy"].unit = "m"
    table.write(copy, path=RECO, append=True, overwrite=True, serialize_meta=True)
    assert "column energy of RECO/RECO_EVENTS is in 'm', which is no GeV" in error_of(copy)


def test_another_time_scale(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        lines = [line.replace(b"scale: utc", b"scale: tai") for line in file["ID" + META][:]]
        file["ID" + META][...] = lines
    assert "column timeslice_utc_time of ID is in tai, not utc" in error_of(copy)


def test_metadata_that_is_no_yaml(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        file["ID" + META][0] = b"{"
    assert "table ID.__table_column_meta__ is no YAML" in error_of(copy)


@pytest.mark.parametrize("name", [RECO, "MC/MC_EVENTS"])
def test_a_row_of_no_event(name: str, change: Change) -> None:
    def strange(rows: Rows) -> Rows:
        rows["event_id"][4] = 4711
        return rows

    assert f"a row of {name} has event_id 4711, which is not in" in error_of(change(name, strange))


def test_an_event_twice(change: Change) -> None:
    path = change("ID", lambda rows: np.concatenate([rows, rows[2:3]]))
    assert "event_id 2 is in table ID twice" in error_of(path)


def test_without_truth_and_header_nobody_knows_whether_it_is_simulated(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        del file["MC"], file["HEADER"]
    with open_reader(copy) as reader:
        assert reader.header.simulated is None
        assert "mc_energy" in reader.header.lacks


def test_a_missing_column(change: Change) -> None:
    path = change(RECO, lambda rows: drop_fields(rows, "energy", usemask=False))
    assert "/RECO/RECO_EVENTS has no column 'energy'" in error_of(path)


def test_a_column_of_another_type(change: Change) -> None:
    def texts(rows: Rows) -> Rows:
        names = rows.dtype.names or ()
        kinds = [(n, "S3" if n == "likelihood" else rows.dtype[n]) for n in names]
        return rows.astype(kinds)

    assert "column 'likelihood' of /RECO/RECO_EVENTS holds |S3, not numbers" in error_of(
        change(RECO, texts)
    )


def test_times_that_are_none_are_malformed(change: Change) -> None:
    def broken(rows: Rows) -> Rows:
        rows["timeslice_utc_time.jd1"][:3] = np.nan, np.inf, 1e300
        rows["timeslice_utc_time.jd2"][3] = np.nan
        return rows

    reduction = Reduction([change("ID", broken)], section("unix_time"), simulated=True)
    assert sum(map(len, reduction)) == 6
    (malformed,) = reduction.account.malformed
    assert (malformed.reason, malformed.events) == ("time of the track is not a number", 4)
    assert malformed.first == ("copy.0", "copy.1", "copy.2", "copy.3")


def test_it_knows_only_its_own_files() -> None:
    assert AstropyTableReader.recognises(SAMPLE, b"")
    assert not AstropyTableReader.recognises(Path(data_path("hdf5/geamon.h5")), b"")
