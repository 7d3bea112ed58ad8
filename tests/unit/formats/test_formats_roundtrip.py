"""What is written reads back equal, to the bit, whatever it is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vopub.formats.base import Writer
from vopub.formats.reading import iterate, read_dataset, read_metadata
from vopub.formats.registry import FORMATS
from vopub.model.catalogue import parameter
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.event_table import Column, EventAccount, EventTable, concatenate
from vopub.model.parameter import Dtype, Parameter
from vopub.model.provenance import Provenance

MakeDataset = Callable[[int], EventDataset]
Reader = Callable[[Path], EventDataset]
FILES = [entry for entry in FORMATS.values() if not entry.writer.products[0].directory]
EVERY_FORMAT = pytest.mark.parametrize(
    ("writer_class", "read"),
    [(entry.writer, entry.read) for entry in FILES],
    ids=[entry.name for entry in FILES],
)

HOSTILE = st.text(
    st.one_of(
        st.sampled_from("\"'\n\r,;\t <&>\\#äßΩ\u2028\U0001f30a\ufeff\x1a\x7f\x85"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=12,
)


def integers(bits: int) -> st.SearchStrategy[int]:
    edge = 2 ** (bits - 1)
    return st.one_of(st.sampled_from((-edge, edge - 1, 0)), st.integers(-edge, edge - 1))


def floats(width: Literal[32, 64]) -> st.SearchStrategy[float]:
    special = (np.nan, np.inf, -np.inf, -0.0, 0.0)
    return st.one_of(st.sampled_from(special), st.floats(width=width))


VALUES: dict[Dtype, st.SearchStrategy[object]] = {
    Dtype.INT16: integers(16),
    Dtype.INT32: integers(32),
    Dtype.INT64: integers(64),
    Dtype.FLOAT32: floats(32),
    Dtype.FLOAT64: floats(64),
    Dtype.TEXT: HOSTILE,
}


@st.composite
def tables(draw: st.DrawFn, least: int = 0) -> EventTable:
    dtypes = draw(st.lists(st.sampled_from(list(Dtype)), min_size=1, max_size=7))
    rows = draw(st.integers(least, 12))
    columns: dict[str, Column] = {}
    parameters = []
    for number, dtype in enumerate(dtypes):
        name = f"c{number}"
        about = "A column: " + draw(HOSTILE)
        parameters.append(Parameter(name=name, dtype=dtype, ucd="meta.number", description=about))
        values = draw(st.lists(VALUES[dtype], min_size=rows, max_size=rows))
        columns[name] = np.array(values, dtype=dtype.numpy)
    return EventTable(tuple(parameters), columns)


@st.composite
def placed_tables(draw: st.DrawFn) -> EventTable:
    """Draw tables of what HATS can hold: rows with a position on the sky."""
    table = draw(tables(least=1))
    sky = []
    for name, low, high in (("ra", 0.0, 360.0), ("dec", -90.0, 90.0)):
        degrees = st.floats(low, high, exclude_max=name == "ra")
        values = draw(st.lists(degrees, min_size=len(table), max_size=len(table)))
        sky.append((parameter(name), np.array(values)))
    return EventTable(
        (*(described for described, _ in sky), *table.parameters),
        {**{described.name: values for described, values in sky}, **table.columns},
    )


def write(writer_class: type[Writer], path: Path, dataset: EventDataset, rows: int) -> None:
    with writer_class.open(path, dataset.table.parameters) as writer:
        for chunk in dataset.table.chunks(rows):
            writer.append(chunk)
        writer.finish(dataset.metadata)


def bits_of(column: Column) -> list[object]:
    """Give values that are equal where the bits are; every NaN is the same."""
    if column.dtype.kind != "f":
        return list(column)
    return ["nan" if np.isnan(value) else value.tobytes() for value in column]


def assert_same(found: EventDataset, expected: EventDataset) -> None:
    assert found.metadata == expected.metadata
    assert found.table.parameters == expected.table.parameters
    for name, column in expected.table.columns.items():
        assert found.table[name].dtype == column.dtype
        assert bits_of(found.table[name]) == bits_of(column)


def said_of(table: EventTable, like: TableMetadata, text: str) -> TableMetadata:
    """Describe a table with hostile text wherever metadata have free text."""
    publication = like.publication.model_copy(
        update={"title": "A long title " + text, "description": "-" * 50 + text, "note": text}
    )
    step = like.provenance.steps[0].model_copy(
        update={"description": text, "configuration": {text: text, "n": 2**60, "x": 0.1}}
    )
    return like.model_copy(
        update={
            "rows": len(table),
            "parameters": table.parameters,
            "publication": publication,
            "data_taking": like.data_taking.model_copy(update={"selection": (text,)}),
            "provenance": Provenance(steps=(step,), entities=()),
            "account": EventAccount(read=len(table), kept=len(table)),
        }
    )


@EVERY_FORMAT
@settings(max_examples=60, deadline=None)
@given(table=tables(), text=HOSTILE, rows=st.integers(1, 13))
def test_anything_reads_back_to_the_bit(
    *,
    writer_class: type[Writer],
    read: Reader,
    make_dataset: MakeDataset,
    table: EventTable,
    text: str,
    rows: int,
) -> None:
    dataset = EventDataset(said_of(table, make_dataset(1).metadata, text), table)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"any.thing{writer_class.products[0].suffix}"
        write(writer_class, path, dataset, rows)
        assert_same(read(path), dataset)


@settings(max_examples=12, deadline=None)
@given(table=placed_tables(), text=HOSTILE, rows=st.integers(1, 13))
def test_anything_with_a_position_reads_back_from_hats_to_the_bit(
    *, make_dataset: MakeDataset, table: EventTable, text: str, rows: int
) -> None:
    dataset = EventDataset(said_of(table, make_dataset(1).metadata, text), table)
    entry = FORMATS["hats"]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"any.thing{entry.writer.products[0].suffix}"
        write(entry.writer, path, dataset, rows)
        assert_same(entry.read(path), dataset)


@EVERY_FORMAT
@pytest.mark.parametrize(("rows", "chunk"), [(0, 1), (1, 1), (230, 100), (9000, 4097)])
def test_a_real_looking_table_reads_back(
    *,
    writer_class: type[Writer],
    read: Reader,
    rows: int,
    chunk: int,
    tmp_path: Path,
    make_dataset: MakeDataset,
) -> None:
    dataset = make_dataset(rows)
    path = tmp_path / f"evts21_01{writer_class.products[0].suffix}"
    write(writer_class, path, dataset, chunk)
    assert_same(read(path), dataset)
    assert read(path).table.equals(dataset.table)


@EVERY_FORMAT
def test_bytes_depend_on_the_content_only(
    writer_class: type[Writer], read: Reader, tmp_path: Path, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(9000)
    contents = set()
    for rows in (9000, 37, 4096, 5000):
        path = tmp_path / str(rows) / f"evts21_01{writer_class.products[0].suffix}"
        write(writer_class, path, dataset, rows)
        contents.add(tuple(file.read_bytes() for file in sorted(path.parent.iterdir())))
    assert len(contents) == 1


@EVERY_FORMAT
def test_long_metadata_survive(
    writer_class: type[Writer], read: Reader, tmp_path: Path, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(3)
    publication = dataset.metadata.publication.model_copy(update={"description": "ä" * 300_000})
    metadata = dataset.metadata.model_copy(update={"publication": publication})
    path = tmp_path / f"long{writer_class.products[0].suffix}"
    write(writer_class, path, EventDataset(metadata, dataset.table), 10)
    assert read(path).metadata == metadata


@EVERY_FORMAT
@pytest.mark.parametrize(("rows", "chunk"), [(0, 10), (1, 1), (230, 37), (9000, 4096)])
def test_tables_are_read_in_chunks(
    *,
    writer_class: type[Writer],
    read: Reader,
    rows: int,
    chunk: int,
    tmp_path: Path,
    make_dataset: MakeDataset,
) -> None:
    dataset = make_dataset(rows)
    path = tmp_path / f"evts21_01{writer_class.products[0].suffix}"
    write(writer_class, path, dataset, 100)
    chunks = list(iterate(path, chunk))
    assert all(0 < len(piece) <= chunk for piece in chunks)
    whole = concatenate(dataset.table.parameters, chunks)
    assert_same(EventDataset(read_metadata(path), whole), dataset)
    assert_same(read_dataset(path), dataset)
