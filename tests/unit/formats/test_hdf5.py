from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import tables
from astropy.table import Table

from vopub.errors import FileError, TableError
from vopub.formats import hdf5
from vopub.formats.hdf5 import Hdf5Writer, read_hdf5
from vopub.model.dataset import EventDataset
from vopub.model.event_table import EventAccount, EventTable, FileAccount
from vopub.model.parameter import Dtype, Parameter

MakeDataset = Callable[[int], EventDataset]


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> EventDataset:
    return make_dataset(5000)


@pytest.fixture
def path(tmp_path: Path, dataset: EventDataset) -> Path:
    path = tmp_path / "evts21_01.h5"
    with Hdf5Writer.open(path, dataset.table.parameters) as writer:
        writer.append(dataset.table)
        writer.finish(dataset.metadata)
    return path


def test_h5py_finds_rows_and_attributes(path: Path, dataset: EventDataset) -> None:
    with h5py.File(path) as file:
        events = file["events"]
        assert events.shape == (5000,)
        assert (events.compression, events.shuffle, events.chunks) == ("gzip", True, (4096,))
        assert list(events.dtype.names) == [p.name for p in dataset.table.parameters]
        assert h5py.check_string_dtype(events.dtype["event_id"]) == ("utf-8", 32)
        assert np.array_equal(events["ra"], dataset.table["ra"])
        assert events["event_id"][4999].decode() == dataset.table["event_id"][4999]
        for p in dataset.table.parameters:
            assert events.attrs[f"{p.name}.unit"] == p.unit
            assert events.attrs[f"{p.name}.ucd"] == p.ucd
            assert events.attrs[f"{p.name}.description"] == p.description
        assert list(events.attrs["dec.range"]) == [-90.0, 90.0]
        assert file.attrs["format_version"] == "1.0"
        assert file.attrs["identifier"] == "evts21_01"
        assert file.attrs["kid"] == str(dataset.metadata.kid)
        assert not file.attrs["simulated"]
        assert json.loads(file.attrs["publication"])["instrument"] == "ORCA6"
        assert json.loads(file.attrs["parameters"])[1]["unit"] == "deg"


def test_no_time_of_writing_is_kept(path: Path) -> None:
    with h5py.File(path) as file:
        assert {h5py.h5o.get_info(node.id).ctime for node in (file, *file.values())} == {0}


def test_pandas_reads_the_same_values(path: Path, dataset: EventDataset) -> None:
    with h5py.File(path) as file:
        frame = pd.DataFrame(file["events"][:])
    assert list(frame["event_id"].str.decode("utf-8")) == list(dataset.table["event_id"])
    for name, column in dataset.table.columns.items():
        if name != "event_id":
            assert np.array_equal(frame[name], column, equal_nan=column.dtype.kind == "f")


def test_pandas_reads_the_file_by_itself(path: Path, dataset: EventDataset) -> None:
    frame = pd.read_hdf(path, "events")
    assert list(frame.columns) == [p.name for p in dataset.table.parameters]
    assert list(frame["event_id"]) == list(dataset.table["event_id"])
    assert np.array_equal(frame["energy"], dataset.table["energy"], equal_nan=True)


def test_pytables_reads_and_searches(path: Path, dataset: EventDataset) -> None:
    with tables.open_file(path) as file:
        events = file.root.events
        assert events.colnames == [p.name for p in dataset.table.parameters]
        found = events.read_where("energy > 5000")["event_id"]
        chosen = dataset.table["event_id"][dataset.table["energy"] > 5000]
        assert [name.decode() for name in found] == list(chosen)
        assert events.attrs["energy.unit"] == "GeV"
        assert file.root._v_attrs.identifier == "evts21_01"
        assert not file.root._v_attrs.simulated


def test_cut_flow_and_runs_are_tables(path: Path, dataset: EventDataset) -> None:
    cut_flow = pd.read_hdf(path, "cut_flow")
    assert list(cut_flow["file"]) == ["all files"] * 3
    assert list(cut_flow["entered"]) == [5013, 5009, 5000]
    assert list(cut_flow["left"]) == [5009, 5000, 5000]
    assert list(cut_flow["step"])[:2] == ["no jmuon track", "up-going"]
    runs = pd.read_hdf(path, "runs")
    assert list(runs["run"]) == [9505, 9506]
    assert runs["livetime"][0] == 10799.125
    assert np.isnan(runs["livetime"][1])
    assert list(runs["stop"]) == ["2021-02-24T03:03:17.250001+00:00", ""]


def test_the_cut_flow_of_each_file(tmp_path: Path, dataset: EventDataset) -> None:
    account = dataset.metadata.account
    file = FileAccount(name="run_1.root", identifier=f"sha256:{'ab' * 32}", account=account)
    metadata = dataset.metadata.model_copy(update={"cut_flow": (file,)})
    path = tmp_path / "evts21_01.h5"
    with Hdf5Writer.open(path, dataset.table.parameters) as writer:
        writer.append(dataset.table)
        writer.finish(metadata)
    flow = pd.read_hdf(path, "cut_flow")
    assert list(flow["file"]) == ["all files"] * 3 + ["run_1.root"] * 3
    assert read_hdf5(path).metadata == metadata


def test_texts_that_grow_keep_the_rows_before_them(
    tmp_path: Path, dataset: EventDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdf5, "_COPIED_BLOCKS", 1)
    name = Parameter(name="name", dtype=Dtype.TEXT, ucd="meta.id", description="Some name.")
    texts = [f"{n}" + "ä" * (250 if n > 11000 else 0) for n in range(12000)]
    table = EventTable((name,), {"name": np.array(texts, "O")})
    about = {"parameters": (name,), "rows": 12000, "account": EventAccount(read=12000, kept=12000)}
    path = tmp_path / "grown.h5"
    with Hdf5Writer.open(path, table.parameters) as writer:
        writer.append(table)
        writer.finish(dataset.metadata.model_copy(update=about))
    assert read_hdf5(path).table.equals(table)
    with h5py.File(path) as file:
        assert file["events"].dtype["name"].itemsize == 512
        assert not [key for key in file if key.endswith("wider")]


def test_a_text_too_long_for_a_field_is_named(tmp_path: Path) -> None:
    name = Parameter(name="name", dtype=Dtype.TEXT, ucd="meta.id", description="Some name.")
    table = EventTable((name,), {"name": np.array(["x" * 4097] * 4096, "O")})
    with (
        pytest.raises(TableError, match=r"column name: 'x{20}'... has 4097 bytes, at most 4096"),
        Hdf5Writer.open(tmp_path / "long.h5", table.parameters) as writer,
    ):
        writer.append(table)
    assert not list(tmp_path.iterdir())


def test_astropy_reads_values_units_and_descriptions(path: Path, dataset: EventDataset) -> None:
    table = Table.read(path, path="events")
    assert table.meta["kid"] == str(dataset.metadata.kid)
    for p in dataset.table.parameters:
        assert str(table[p.name].unit or "") == p.unit
        assert table[p.name].description == p.description
        assert table[p.name].meta["ucd"] == p.ucd
        if p.name != "event_id":
            column = dataset.table[p.name]
            assert np.array_equal(table[p.name], column, equal_nan=p.dtype.is_float)


def test_people_read_the_header(path: Path) -> None:
    header = Table.read(path, path="header", character_as_bytes=False)
    assert header.colnames == ["block", "entry", "value", "unit", "description"]
    rows = {(row["block"], row["entry"]): row for row in header}
    assert rows["publication", "title"]["value"] == "Up-going track candidates of ORCA run 9505"
    assert rows["parameters", "energy"]["unit"] == "GeV"
    assert rows["account", "read"]["value"] == "5013"
    assert "Ångström, Zoë" in header["value"]


def change(path: Path, how: Callable[[Any], None]) -> None:
    with h5py.File(path, "r+") as file:
        how(file)


def set_attribute(name: str, value: object) -> Callable[[Any], None]:
    return lambda file: file.attrs.create(name, value)


def retype_events(file: Any) -> None:
    rows = file["events"][:]
    names = [(n, "f4" if n == "ra" else rows.dtype[n]) for n in rows.dtype.names]
    del file["events"]
    kinds = [(n, h5py.string_dtype() if n == "event_id" else kind) for n, kind in names]
    file.create_dataset("events", data=rows.astype(kinds))


def break_text(file: Any) -> None:
    row = file["events"][0:1]
    row["event_id"][0] = b"\xff\xfe"
    file["events"][0:1] = row


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (lambda file: file.attrs.pop("kid"), "is not an event table of ours: it lacks kid"),
        (lambda file: file.pop("events"), "it lacks events"),
        (set_attribute("format_version", "9.0"), "has format version 9.0, known is 1.0"),
        (set_attribute("publication", "{"), "is damaged or not an event table of ours: "),
        (set_attribute("coverage", 3), "is damaged or not an event table of ours: "),
        (set_attribute("kid", "x"), "kid: Input should be a valid UUID"),
        (set_attribute("coverage", '{"energy": [1]}'), "coverage.energy.1: Field required"),
        (retype_events, "/events has columns .* its metadata describe"),
        (break_text, "can't decode byte 0xff"),
    ],
)
def test_a_changed_file_says_what(how: Callable[[Any], None], said: str, path: Path) -> None:
    change(path, how)
    with pytest.raises(FileError, match=said) as caught:
        read_hdf5(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_missing_empty_truncated_and_foreign_files(path: Path) -> None:
    content = path.read_bytes()
    for size in (0, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(FileError, match="is damaged or not an event table"):
            read_hdf5(path)
    path.write_text("not HDF5 at all")
    with pytest.raises(FileError, match=r"\(file signature not found\); take"):
        read_hdf5(path)
    path.unlink()
    with pytest.raises(FileError, match=r"evts21_01.h5: cannot read: No such file"):
        read_hdf5(path)


def test_overwritten_bytes_are_found_or_harmless(path: Path) -> None:
    content = path.read_bytes()
    for offset in range(0, len(content), len(content) // 40):
        path.write_bytes(content[:offset] + b"\xff" * 64 + content[offset + 64 :])
        with suppress(FileError):
            read_hdf5(path)
