from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import parse
from astropy.table import Table

from vopub.errors import FileError
from vopub.formats import parquet
from vopub.formats.parquet import ParquetWriter, read_parquet
from vopub.model.dataset import EventDataset

MakeDataset = Callable[[int], EventDataset]


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> EventDataset:
    return make_dataset(5000)


@pytest.fixture
def path(tmp_path: Path, dataset: EventDataset, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 1000)
    path = tmp_path / "evts21_01.parquet"
    with ParquetWriter.open(path, dataset.table.parameters) as writer:
        for chunk in dataset.table.chunks(300):
            writer.append(chunk)
        writer.finish(dataset.metadata)
    return path


def test_rows_are_written_in_groups_of_one_size(path: Path) -> None:
    said = pq.read_metadata(path)
    assert [said.row_group(n).num_rows for n in range(said.num_row_groups)] == [1000] * 5


def test_pandas_reads_the_same_values(path: Path, dataset: EventDataset) -> None:
    frame = pd.read_parquet(path)
    assert list(frame["event_id"]) == list(dataset.table["event_id"])
    for p in dataset.table.parameters:
        if p.name != "event_id":
            column = dataset.table[p.name]
            assert frame[p.name].dtype == column.dtype
            assert np.array_equal(frame[p.name], column, equal_nan=p.dtype.is_float)


def test_what_is_not_available_is_null(path: Path, dataset: EventDataset) -> None:
    table = pq.read_table(path)
    assert table["energy"].null_count == np.isnan(dataset.table["energy"]).sum() > 0
    assert not table.schema.field("event_id").nullable


def test_it_is_voparquet(path: Path, dataset: EventDataset) -> None:
    said = pq.read_metadata(path).metadata
    assert said[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    document = parse(io.BytesIO(said[b"IVOA.VOTable-Parquet.content"]), verify="exception")
    (described,) = document.iter_tables()
    assert b"<DATA" not in said[b"IVOA.VOTable-Parquet.content"]
    assert described.nrows == 5000
    assert [field.name for field in described.fields] == pq.read_schema(path).names
    assert [field.ucd for field in described.fields] == [p.ucd for p in dataset.table.parameters]


def test_astropy_reads_units_and_ucds(path: Path, dataset: EventDataset) -> None:
    table = Table.read(path, format="parquet.votable")
    for p in dataset.table.parameters:
        assert str(table[p.name].unit or "") == p.unit
        assert table[p.name].meta["ucd"] == p.ucd
    assert np.array_equal(table["ra"], dataset.table["ra"])


def test_changed_files_say_what(path: Path) -> None:
    table = pq.read_table(path)
    content = path.read_bytes()
    said = table.schema.metadata
    fewer = table.slice(0, 10)
    other = table.rename_columns([f"{name}_" for name in table.column_names])

    def stored(changed: pa.Table, metadata: dict[bytes, bytes]) -> bytes:
        sink = io.BytesIO()
        pq.write_table(changed.replace_schema_metadata(metadata), sink)
        return sink.getvalue()

    changes = {
        content[: len(content) // 2]: "is damaged or not an event table of ours: ",
        b"": "is damaged or not an event table of ours: ",
        stored(table, {}): "it lacks vopub.metadata",
        stored(table, {b"vopub.metadata": b"{}"}): "identifier: Field required",
        stored(fewer, said): "has 10 rows, its metadata say 5000",
        stored(other, said): "column 1 is event_id_ string, its metadata describe event_id string",
    }
    for changed, what in changes.items():
        path.write_bytes(changed)
        with pytest.raises(FileError, match=what) as caught:
            read_parquet(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(FileError, match=r"evts21_01.parquet: cannot read: No such file"):
        read_parquet(path)


def test_overwritten_bytes_are_found_or_harmless(path: Path) -> None:
    content = path.read_bytes()
    for offset in range(0, len(content), len(content) // 40):
        path.write_bytes(content[:offset] + b"\xff" * 64 + content[offset + 64 :])
        with suppress(FileError):
            read_parquet(path)
