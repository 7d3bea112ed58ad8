from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from vopub.errors import FileError
from vopub.files import sha256_of
from vopub.formats.csv import CsvWriter, metadata_path, read_csv
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.event_table import EventTable
from vopub.model.parameter import Dtype, Parameter

MakeDataset = Callable[[int], EventDataset]
PLAIN = ("identifier", "kid", "simulated", "rows")


def write(path: Path, dataset: EventDataset) -> Path:
    with CsvWriter.open(path, dataset.table.parameters) as writer:
        writer.append(dataset.table)
        writer.finish(dataset.metadata)
    return path


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> EventDataset:
    return make_dataset(230)


@pytest.fixture
def path(tmp_path: Path, dataset: EventDataset) -> Path:
    return write(tmp_path / "evts21_01.csv", dataset)


def column_of(name: str, dtype: Dtype) -> Parameter:
    return Parameter(name=name, dtype=dtype, ucd="meta.number", description="A column of a test.")


def small(tmp_path: Path, like: TableMetadata) -> Path:
    """Write a table of three columns and three rows."""
    parameters = (
        column_of("c_text", Dtype.TEXT),
        column_of("c_int", Dtype.INT16),
        column_of("c_float", Dtype.FLOAT64),
    )
    table = EventTable(
        parameters,
        {
            "c_text": np.array(["a,b", "", 'say "yes"\n'], dtype=object),
            "c_int": np.array([1, -2, 3], dtype=np.int16),
            "c_float": np.array([0.1, np.nan, -np.inf]),
        },
    )
    metadata = like.model_copy(update={"parameters": parameters, "rows": 3})
    return write(tmp_path / "small.csv", EventDataset(metadata, table))


def test_the_very_bytes(tmp_path: Path, dataset: EventDataset) -> None:
    path = small(tmp_path, dataset.metadata)
    assert path.read_bytes() == (
        b'c_text,c_int,c_float\n"a,b",1,0.1\n"",-2,\n"say ""yes""\n",3,-inf\n'
    )


def test_pandas_reads_the_same_values(path: Path, dataset: EventDataset) -> None:
    frame = pd.read_csv(path)
    assert list(frame.columns) == [p.name for p in dataset.table.parameters]
    for name, column in dataset.table.columns.items():
        assert np.array_equal(
            frame[name].to_numpy(column.dtype), column, equal_nan=column.dtype.kind == "f"
        )


def test_astropy_and_the_metadata_give_values_and_units(path: Path, dataset: EventDataset) -> None:
    said = json.loads(metadata_path(path).read_text(encoding="utf-8"))
    table = Table.read(path, format="ascii.csv", fill_values=[("", "nan")])
    for told in said["parameters"]:
        table[told["name"]].unit = told["unit"] or None
    assert table["energy"].unit == "GeV"
    assert table["likelihood"].unit is None
    for parameter in dataset.table.parameters:
        found, column = table[parameter.name], dataset.table[parameter.name]
        assert str(found.unit or "") == parameter.unit
        if parameter.dtype.is_float:
            assert np.array_equal(np.ma.filled(found, np.nan), column, equal_nan=True)
        else:
            assert list(found) == list(column)


def test_csv_module_reads_every_field(path: Path, dataset: EventDataset) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream, strict=True))
    assert len(lines) == 230
    assert [line["event_id"] for line in lines] == list(dataset.table["event_id"])
    assert {line["energy"] for line in lines[::7]} == {""}


def test_metadata_file_is_for_people_and_machines(path: Path, dataset: EventDataset) -> None:
    text = metadata_path(path).read_text(encoding="utf-8")
    said = json.loads(text)
    blocks = [name for name in TableMetadata.model_fields if name not in PLAIN]
    assert list(said) == ["identifier", "kid", "simulated", "rows", *blocks, "csv"]
    assert said["csv"]["sha256"] == sha256_of(path)
    assert said["csv"]["file"] == "evts21_01.csv"
    assert said["rows"] == 230
    assert said["publication"]["creators"][1]["name"] == "Ångström, Zoë"
    assert text.startswith('{\n  "identifier": "evts21_01",\n')
    assert "Ångström" in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("-2,", "two,", "row 2, column c_int: conversion error to int16: invalid value 'two'"),
        ("-2,", "40000,", "row 2, column c_int: .*invalid value '40000'"),
        ("-2,", ",", "row 2, column c_int: no value, but a int16 needs one"),
        ("0.1\n", "0.1,7\n", "row 1: Expected 3 columns, got 4"),
        ('"a,b"', '"a,b', "row 1: "),
        ("0.1", "o.1", "row 1, column c_float: .*invalid value 'o.1'"),
        ("0.1", "0.2", "the sha256 differs"),
        ('"",-2,\n', ",-2,\n", "row 2, column c_text: no value"),
        ('"",-2,\n', "", "has 2 rows, its metadata say 3"),
        ("c_int", "number", "column 2 is named 'number', its metadata say 'c_int'"),
        ("c_int,", "", "has 2 columns, its metadata describe 3"),
        ("c_float\n", "c_float\r\n", r"column 3 is named 'c_float\\r'"),
    ],
)
def test_a_changed_table_says_where(
    *, old: str, new: str, said: str, tmp_path: Path, dataset: EventDataset
) -> None:
    path = small(tmp_path, dataset.metadata)
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode())
    with pytest.raises(FileError, match=said) as caught:
        read_csv(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_the_row_of_an_error_far_down(tmp_path: Path, make_dataset: MakeDataset) -> None:
    dataset = make_dataset(20_000)
    path = write(tmp_path / "long.csv", dataset)
    lines = path.read_bytes().split(b"\n")
    assert path.stat().st_size > 2 << 20
    lines[19_000] = lines[19_000].replace(b",", b",x", 1)
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(FileError, match="row 19000, column ra: "):
        read_csv(path)


def test_newlines_in_text_anywhere_in_a_long_file(
    tmp_path: Path, make_dataset: MakeDataset
) -> None:
    like = make_dataset(1).metadata
    parameters = (column_of("c_text", Dtype.TEXT),)
    # 3 MB of lines: some of them meet the edge of the blocks that a reader takes
    text = np.array([f"{row}" + "\n" * 1000 for row in range(3000)], dtype=object)
    table = EventTable(parameters, {"c_text": text})
    metadata = like.model_copy(update={"parameters": parameters, "rows": 3000})
    path = write(tmp_path / "lines.csv", EventDataset(metadata, table))
    assert read_csv(path).table.equals(table)


def test_text_that_is_not_utf8(tmp_path: Path, dataset: EventDataset) -> None:
    path = small(tmp_path, dataset.metadata)
    path.write_bytes(path.read_bytes().replace(b"a,b", b"a,\xff"))
    with pytest.raises(FileError, match=r"row 1, column c_text: .*invalid UTF8"):
        read_csv(path)


@pytest.mark.parametrize("size", [0, 1, 21, 40])
def test_a_truncated_table(size: int, tmp_path: Path, dataset: EventDataset) -> None:
    path = small(tmp_path, dataset.metadata)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(FileError):
        read_csv(path)


def test_missing_files(path: Path) -> None:
    metadata_path(path).rename(path.with_name("aside.json"))
    with pytest.raises(FileError, match=r"evts21_01.metadata.json: cannot read: No such file"):
        read_csv(path)
    path.with_name("aside.json").rename(metadata_path(path))
    path.unlink()
    with pytest.raises(FileError, match=r"evts21_01.csv: cannot read: No such file"):
        read_csv(path)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("rows", -1, "rows: Input should be greater than or equal to 0"),
        ("kid", "not a uuid", "kid: "),
        ("surprise", 1, "surprise: Extra inputs are not permitted"),
        ("csv", {"file": "a", "sha256": "0" * 64, "delimiter": ";"}, "csv.delimiter: "),
    ],
)
def test_metadata_of_another_kind(place: str, value: object, said: str, path: Path) -> None:
    beside = metadata_path(path)
    content = json.loads(beside.read_text(encoding="utf-8"))
    beside.write_text(json.dumps({**content, place: value}), encoding="utf-8")
    with pytest.raises(FileError, match=said) as caught:
        read_csv(path)
    assert "\n" not in str(caught.value)


def test_metadata_that_are_not_json(path: Path) -> None:
    metadata_path(path).write_text("{ truncated", encoding="utf-8")
    with pytest.raises(FileError, match="is not the metadata of an event table"):
        read_csv(path)
