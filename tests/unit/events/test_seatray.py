"""SeaTray's tables, with reconstructions of ANTARES: the real sample and damaged copies."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from km3net_testdata import data_path

from vopub.errors import InputError
from vopub.events.convert import Reduction
from vopub.events.readers import open_reader
from vopub.events.readers.seatray import SeaTrayReader
from vopub.model.description import Cut, EventsSection

SAMPLE = Path(data_path("seatray/antares.h5"))
COLUMNS = ("event_id", "zenith", "azimuth", "likelihood", "energy", "run_id", "trigger_counter")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copy(SAMPLE, tmp_path / "copy.h5"))


def section(*columns: str, keep: str = "", reconstruction: str = "aafit") -> EventsSection:
    cuts = (Cut(name="the cut", keep=keep),) if keep else ()
    return EventsSection.model_validate(
        {"inputs": ("a",), "detector": "ANTARES", "reconstruction": reconstruction,
         "columns": columns, "selection": cuts}
    )  # fmt: skip


def fits() -> pd.DataFrame:
    """Read the fits with h5py and pandas only."""
    with h5py.File(SAMPLE) as file:
        table = file["AafitFinalFit"][:]
    return pd.DataFrame({name: table[name] for name in table.dtype.names})


def error_of(path: Path) -> str:
    with pytest.raises(InputError) as raised, open_reader(path) as reader:
        list(reader.chunks(100))
    message = str(raised.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_every_fit_of_the_sample(rows: int) -> None:
    reduction = Reduction([SAMPLE], section(*COLUMNS), simulated=False, rows=rows)
    chunks = list(reduction)
    table = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in COLUMNS}
    expected = fits()[fits()["exists"] == 1]
    account = reduction.account
    assert (account.read, account.kept, account.not_reconstructed.events) == (23, 19, 4)
    parts = zip(expected["Run"], expected["Event"], expected["TriggerCounter"], strict=True)
    assert list(table["event_id"]) == [f"antares.{r}.{e}.{t}" for r, e, t in parts]
    np.testing.assert_allclose(table["zenith"], np.degrees(expected["zenith"]), atol=1e-12)
    np.testing.assert_allclose(table["azimuth"], np.degrees(expected["azimuth"]), atol=1e-12)
    np.testing.assert_array_equal(table["likelihood"], expected["quality"])
    np.testing.assert_array_equal(table["run_id"], expected["Run"])
    np.testing.assert_array_equal(table["trigger_counter"], expected["TriggerCounter"])
    assert np.isnan(table["energy"]).all()
    assert reduction.data_taking.first_event is None


def test_a_cut() -> None:
    wanted = section("event_id", keep="zenith > 45 deg")
    reduction = Reduction([SAMPLE], wanted, simulated=False)
    expected = fits()[fits()["exists"] == 1]
    assert sum(map(len, reduction)) == (expected["zenith"] > np.pi / 4).sum()


@pytest.mark.parametrize("name", ["ra", "dec", "mjd", "unix_time", "frame_index", "angular_error"])
def test_what_the_tables_do_not_give(name: str) -> None:
    with pytest.raises(InputError) as raised:
        list(Reduction([SAMPLE], section("event_id", name), simulated=False))
    assert str(raised.value).startswith(f"{SAMPLE}: files of the layout 'SeaTray tables' do not ")
    assert f"give {name};" in str(raised.value)


def test_numbers_of_hits_that_are_none_are_malformed(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        table = file["AafitFinalFit"][:]
        assert set(table["nUsedHits"][table["exists"] == 1]) == {-1}
        table["nUsedHits"][2] = 18
        file["AafitFinalFit"][...] = table
    reduction = Reduction([copy], section("event_id", "n_hits"), simulated=False)
    (chunk,) = reduction
    assert list(chunk["n_hits"]) == [18]
    assert [e.events for e in reduction.account.malformed] == [18]


def test_a_file_without_a_known_fit(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        file.move("AafitFinalFit", "OtherFit")
    assert "no table AafitFinalFit; there are AafitFinalFitHitsUsed, Cal" in error_of(copy)


def test_a_missing_and_a_wrong_column(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        table = pd.DataFrame({name: file["AafitFinalFit"][name] for name in ("Run", "Event")})
        del file["AafitFinalFit"]
        file["AafitFinalFit"] = table.to_records(index=False)
    assert "/AafitFinalFit has no column 'TriggerCounter'" in error_of(copy)


def test_a_truncated_file(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[:200_000])
    assert "cannot read the HDF5 file" in error_of(copy)


def test_it_knows_only_its_own_files() -> None:
    assert SeaTrayReader.recognises(SAMPLE, b"")
    assert not SeaTrayReader.recognises(Path(data_path("hdf5/geamon.h5")), b"")
