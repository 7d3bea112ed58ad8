from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vopub.errors import FileError
from vopub.formats.compare import Change, ColumnChange, compare, table_in
from vopub.formats.compare_rows import RowDifference, compare_rows
from vopub.formats.products import write_products
from vopub.formats.registry import FORMATS
from vopub.model.dataset import EventDataset, TableMetadata
from vopub.model.event_table import EventAccount, EventTable, Excluded
from vopub.model.parameter import Dtype, Parameter

MakeDataset = Callable[[int], EventDataset]
ID = Parameter(name="event_id", dtype=Dtype.TEXT, ucd="meta.id;meta.main", description="Identifier")
VALUE = Parameter(name="energy", dtype=Dtype.FLOAT64, ucd="phys.energy", description="The energy")


def written(dataset: EventDataset, path: Path) -> Path:
    """Write a table in the format that the name ends in."""
    writer = next(
        f.writer for f in FORMATS.values() if path.name.endswith(f.writer.products[0].suffix)
    )
    with writer.open(path, dataset.table.parameters) as open_writer:
        for chunk in dataset.table.chunks(100):
            open_writer.append(chunk)
        open_writer.finish(dataset.metadata)
    return path


def with_table(dataset: EventDataset, table: EventTable) -> EventDataset:
    account = dataset.metadata.account
    gone = account.read - account.kept
    fitting = account.model_copy(update={"kept": len(table), "read": len(table) + gone})
    said = {"rows": len(table), "parameters": table.parameters, "account": fitting}
    return EventDataset(dataset.metadata.model_copy(update=said), table)


def changed(table: EventTable, name: str, rows: Any, value: Any) -> EventTable:
    columns = {n: c.copy() for n, c in table.columns.items()}
    columns[name][rows] = value
    return EventTable(table.parameters, columns)


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> EventDataset:
    made = make_dataset(400)
    names = np.array([f"km3.49.9505.{row}.1" for row in range(400)], dtype=object)
    return with_table(made, changed(made.table, "event_id", slice(None), names))


@pytest.mark.parametrize("first", FORMATS)
@pytest.mark.parametrize("second", FORMATS)
def test_a_table_equals_itself_in_any_format(
    dataset: EventDataset, tmp_path: Path, first: str, second: str
) -> None:
    names = [f"{n}{FORMATS[f].writer.products[0].suffix}" for n, f in (("a", first), ("b", second))]
    difference = compare(*(written(dataset, tmp_path / name) for name in names))
    assert difference.equal
    assert difference.rows.before == difference.rows.after == 400


def test_rows_are_known_by_their_identifier(dataset: EventDataset, tmp_path: Path) -> None:
    old = written(dataset, tmp_path / "a.h5")
    other = changed(dataset.table, "energy", [7, 11], [1.0, 5.0])
    energy = dataset.table["energy"]
    new = written(with_table(dataset, other.select(np.r_[300, 1:300])), tmp_path / "b.csv")
    rows = compare(old, new).rows
    assert (rows.added, rows.removed, rows.changed) == (0, 100, 2)
    assert rows.first_removed == tuple(f"km3.49.9505.{n}.1" for n in (0, 301, 302, 303, 304))
    assert rows.first_changed == ("km3.49.9505.7.1", "km3.49.9505.11.1")
    assert set(rows.columns) == {"energy"}
    sizes = [abs(energy[7] - 1.0), abs(energy[11] - 5.0)]
    finite = [size for size in sizes if np.isfinite(size)]
    assert rows.columns["energy"].largest == pytest.approx(max(finite))


def test_rows_in_another_order_are_counted(dataset: EventDataset, tmp_path: Path) -> None:
    back = with_table(dataset, dataset.table.select(slice(None, None, -1)))
    difference = compare(written(dataset, tmp_path / "a.h5"), written(back, tmp_path / "b.h5"))
    assert difference.rows.moved == 400
    assert difference.rows.changed == 0
    assert not difference.equal


def test_columns_added_removed_and_described_otherwise(
    dataset: EventDataset, tmp_path: Path
) -> None:
    table = dataset.table
    kept = [p for p in table.parameters if p.name != "likelihood"]
    kept = [
        p.model_copy(update={"unit": "TeV", "dtype": Dtype.FLOAT64}) if p.name == "energy" else p
        for p in kept
    ]
    columns = {p.name: table[p.name].astype(p.dtype.numpy) for p in kept}
    extra = VALUE.model_copy(update={"name": "purity"})
    other = EventTable((*kept, extra), {**columns, "purity": np.zeros(400)})
    old = written(dataset, tmp_path / "a.h5")
    difference = compare(old, written(with_table(dataset, other), tmp_path / "b.h5"))
    about = {change.name: change for change in difference.columns}
    assert about["likelihood"] == ColumnChange("likelihood", "removed")
    assert about["purity"] == ColumnChange("purity", "added")
    assert Change("unit", "GeV", "TeV") in about["energy"].changes
    assert difference.rows.changed == 0


def test_metadata_are_compared_field_by_field(dataset: EventDataset, tmp_path: Path) -> None:
    m = dataset.metadata
    cuts = (Excluded(reason="up-going", events=5), Excluded(reason="quality", events=4))
    account = EventAccount(
        read=413, kept=400, not_reconstructed=m.account.not_reconstructed, cuts=cuts
    )
    publication = m.publication.model_copy(update={"version": "1.1", "doi": "10.5072/x"})
    said = m.model_copy(update={"publication": publication, "account": account})
    old = written(dataset, tmp_path / "a.h5")
    difference = compare(old, written(EventDataset(said, dataset.table), tmp_path / "b.h5"))
    changes = {change.place: (change.before, change.after) for change in difference.metadata}
    assert changes["publication.version"] == ("1.0", "1.1")
    assert changes["publication.doi"] == (None, "10.5072/x")
    assert changes["account.cuts.up-going.events"] == (9, 5)
    assert changes["account.cuts.quality.events"] == (None, 4)
    assert difference.same_table
    assert not difference.equal


def test_a_directory_of_products_is_a_table(dataset: EventDataset, tmp_path: Path) -> None:
    def metadata(rows: int) -> TableMetadata:
        assert rows == 400
        return dataset.metadata

    parameters = dataset.table.parameters
    write_products(
        tmp_path / "products", "evts21_01", [dataset.table], parameters, metadata,
        version="1.0", key="k",
    )  # fmt: skip
    assert table_in(tmp_path / "products").name.startswith("evts21_01.")
    assert compare(tmp_path / "products", written(dataset, tmp_path / "b.csv")).equal


def test_what_is_no_table_is_an_error(dataset: EventDataset, tmp_path: Path) -> None:
    there = written(dataset, tmp_path / "a.h5")
    with pytest.raises(FileError, match="no manifest"):
        compare(tmp_path, there)
    with pytest.raises(FileError, match="No such file"):
        compare(there, tmp_path / "missing.h5")


def test_without_identifiers_rows_cannot_be_known(dataset: EventDataset, tmp_path: Path) -> None:
    columns = {p.name: dataset.table[p.name] for p in dataset.table.parameters[1:]}
    assert dataset.table.parameters[0].name == "event_id"
    bare = with_table(dataset, EventTable(dataset.table.parameters[1:], columns))
    with pytest.raises(FileError, match="no column event_id"):
        compare(written(bare, tmp_path / "a.h5"), written(dataset, tmp_path / "b.h5"))


Row = tuple[str, float]


def chunks(rows: Sequence[Row], size: int) -> Callable[[], Iterator[EventTable]]:
    table = EventTable(
        (ID, VALUE),
        {
            "event_id": np.array([row[0] for row in rows], dtype=object),
            "energy": np.array([row[1] for row in rows], dtype=float),
        },
    )
    return lambda: table.chunks(size)


def plainly(before: Sequence[Row], after: Sequence[Row]) -> tuple[int, int, int]:
    """Count added, removed and changed rows the plain way; identifiers are unique."""
    old, new = dict(before), dict(after)
    differ = sum(
        not np.array_equal([old[i]], [new[i]], equal_nan=True) for i in old.keys() & new.keys()
    )
    return len(new.keys() - old.keys()), len(old.keys() - new.keys()), differ


tables = st.dictionaries(
    st.integers(0, 60).map(lambda n: f"km3.1.2.{n}.0"), st.sampled_from([0.0, -0.0, 1.5, np.nan])
).map(lambda rows: list(rows.items()))


@settings(deadline=None, max_examples=60)
@given(before=tables, after=tables, size=st.integers(1, 70))
def test_the_counts_are_those_of_a_plain_comparison(
    before: list[Row], after: list[Row], size: int
) -> None:
    found = compare_rows(chunks(before, size), chunks(after, 7), ["event_id", "energy"])
    assert (found.added, found.removed, found.changed) == plainly(before, after)
    assert (found.before, found.after) == (len(before), len(after))
    assert found.columns.keys() == ({"energy"} if found.changed else set())


def test_identifiers_that_repeat_are_paired_in_order() -> None:
    before, after = [("a", 1.0), ("a", 2.0), ("b", 3.0)], [("a", 1.0), ("a", 5.0), ("a", 9.0)]
    found = compare_rows(chunks(before, 2), chunks(after, 2), ["energy"])
    assert (found.added, found.removed, found.changed) == (1, 1, 1)
    assert found.first_removed == ("b",)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        (2**53, 2**53 + 1, 1), (2**63 - 1, 2**63 - 2, 1), (-(2**63), -(2**63) + 1, 1),
        (2**63 - 1, 2**63 - 1, 0), (0, 0, 0),
    ],
)  # fmt: skip
def test_large_integers_are_told_apart(old: int, new: int, changes: int) -> None:
    whole = VALUE.model_copy(update={"name": "number", "dtype": Dtype.INT64})

    def table(value: int) -> EventTable:
        columns = {"event_id": np.array(["a"], object), "number": np.array([value], np.int64)}
        return EventTable((ID, whole), columns)

    found = compare_rows(lambda: [table(old)], lambda: [table(new)], ["number"])
    assert found.changed == changes


def test_more_changes_than_are_looked_up_are_still_counted() -> None:
    many = [(f"km3.1.2.{n}.0", float(n)) for n in range(120_000)]
    other = [(name, value + 0.5) for name, value in many]
    found = compare_rows(chunks(many, 50_000), chunks(other, 50_000), ["energy"])
    assert found.changed == 120_000
    assert found.compared == 100_000
    assert found.columns["energy"].rows == 100_000
    assert found.columns["energy"].largest == 0.5
    assert isinstance(found, RowDifference)
    assert found.first_changed[0] == "km3.1.2.0.0"


def test_every_bit_pattern_of_nan_and_both_zeros_are_the_same() -> None:
    quiet = np.array([0x7FF8000000000001], "u8").view("f8")[0]
    before, after = [("a", np.nan), ("b", 0.0)], [("a", -quiet), ("b", -0.0)]
    assert compare_rows(chunks(before, 2), chunks(after, 2), ["energy"]).equal
