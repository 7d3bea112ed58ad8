from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hats.io.validation import is_valid_catalog

from vopub.errors import FileError, TableError
from vopub.formats import hats
from vopub.formats.hats import HatsWriter, read_hats
from vopub.formats.products import verify, write_products
from vopub.formats.reading import iterate, read_dataset, read_metadata
from vopub.model.dataset import EventDataset, Manifest
from vopub.model.event_table import Column, EventTable, concatenate

MakeDataset = Callable[[int], EventDataset]


def write(path: Path, dataset: EventDataset, rows: int = 100) -> None:
    with HatsWriter.open(path, dataset.table.parameters) as writer:
        for chunk in dataset.table.chunks(rows):
            writer.append(chunk)
        writer.finish(dataset.metadata)


def with_columns(dataset: EventDataset, **columns: Column) -> EventDataset:
    return EventDataset(
        dataset.metadata, EventTable(dataset.table.parameters, {**dataset.table.columns, **columns})
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, make_dataset: MakeDataset) -> Path:
    path = tmp_path_factory.mktemp("hats") / "evts21_01.hats"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hats, "ROWS_PER_PARTITION", 300)  # files of several orders
        write(path, make_dataset(9000))
    return path


def test_it_reads_back_equal_and_in_order(path: Path, make_dataset: MakeDataset) -> None:
    dataset = make_dataset(9000)
    found = read_dataset(path)
    assert found.metadata == dataset.metadata == read_metadata(path)
    assert found.table.equals(dataset.table)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_chunks_come_in_order(
    path: Path, make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hats, "_ROWS_PER_STEP", 1000)
    monkeypatch.setattr(hats, "_MOST_BUCKETS", 7)
    table = make_dataset(9000).table
    chunks = list(iterate(path, 50))
    assert all(0 < len(chunk) <= 50 for chunk in chunks)
    assert concatenate(table.parameters, chunks).equals(table)


def test_hats_finds_the_catalogue_valid(path: Path) -> None:
    assert is_valid_catalog(path, strict=True, verbose=False)
    properties = (path / "hats.properties").read_text().splitlines()
    assert "obs_title=Up-going track candidates of ORCA run 9505" in properties
    assert "hats_nrows=9000" in properties


@pytest.mark.filterwarnings("ignore")
def test_lsdb_opens_it_and_finds_the_same_rows(path: Path, make_dataset: MakeDataset) -> None:
    table = make_dataset(9000).table
    # importing it warns of its use of pandas
    catalogue = importlib.import_module("lsdb").open_catalog(path, columns="all")
    frame = catalogue.compute().sort_values("_row")
    for name, column in table.columns.items():
        if column.dtype == object:
            assert list(frame[name]) == list(column)
        else:
            found = frame[name].to_numpy(column.dtype, na_value=np.nan)
            assert np.array_equal(found, column, equal_nan=column.dtype.kind == "f")
    cone = catalogue.cone_search(ra=180.0, dec=45.0, radius_arcsec=36000).compute()
    away = np.hypot(table["ra"] - 180, table["dec"] - 45) < 5  # inside the cone for certain
    assert set(table["event_id"][away]) <= set(cone["event_id"])


def test_units_are_in_the_common_metadata(path: Path) -> None:
    said = pq.read_metadata(path / "dataset" / "_common_metadata").metadata
    assert said[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    assert b'ucd="pos.eq.ra;meta.main"' in said[b"IVOA.VOTable-Parquet.content"]


def test_no_place_of_this_machine_is_in_it(path: Path) -> None:
    for file in path.rglob("*"):
        assert file.is_dir() or str(path.parent).encode() not in file.read_bytes()


def test_one_place_with_more_rows_than_a_file_should_have(
    tmp_path: Path, make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hats, "ROWS_PER_PARTITION", 10)
    dataset = make_dataset(60)
    there = with_columns(dataset, ra=np.full(60, 83.6), dec=np.full(60, 22.0))
    write(tmp_path / "one.hats", there)
    assert read_hats(tmp_path / "one.hats").table.equals(there.table)


def test_special_values_read_back(tmp_path: Path, make_dataset: MakeDataset) -> None:
    dataset = make_dataset(4)
    special = with_columns(
        dataset,
        ra=np.array([0.0, 360.0, 12.5, 359.999]),
        dec=np.array([-90.0, 90.0, 0.0, -0.0]),
        energy=np.array([np.nan, np.inf, -np.inf, -0.0]),
        unix_time=np.array([-(2**63), 2**63 - 1, 0, 1]),
        event_id=np.array(["", "äΩ\U0001f30a", 'a"b,\n', " "], object),
    )
    write(tmp_path / "special.hats", special)
    found = read_hats(tmp_path / "special.hats").table
    assert found.equals(special.table)
    assert np.array_equal(np.signbit(found["energy"][1:]), [False, True, True])


def test_one_row(tmp_path: Path, make_dataset: MakeDataset) -> None:
    dataset = make_dataset(1)
    write(tmp_path / "one.hats", dataset)
    assert read_hats(tmp_path / "one.hats").table.equals(dataset.table)


def test_tables_that_have_no_place_on_the_sky(tmp_path: Path, make_dataset: MakeDataset) -> None:
    dataset = make_dataset(3)
    lost = with_columns(dataset, dec=np.array([1.0, np.nan, 2.0]))
    with pytest.raises(TableError, match=r"row 2: ra .*, dec nan is no place on the sky; cut"):
        write(tmp_path / "a.hats", lost)
    with pytest.raises(TableError, match="needs at least one row; leave the format hats out"):
        write(tmp_path / "a.hats", make_dataset(0))
    with pytest.raises(TableError, match="a HATS catalogue needs the columns dec; add them"):
        HatsWriter.open(tmp_path / "a.hats", dataset.table.parameters[:2])
    assert not list(tmp_path.iterdir())


def test_without_the_library_it_says_what_to_install() -> None:
    program = """
import sys
sys.modules["hats_import"] = None
from pathlib import Path
from vopub.errors import UsageError
from vopub.formats.hats import HatsWriter
from vopub.model.catalogue import known_parameters
try:
    HatsWriter.open(Path("x.hats"), tuple(known_parameters().values()))
except UsageError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith('install it with: pip install "vopub[hats]"'), done.stderr


def products(directory: Path, dataset: EventDataset) -> Manifest:
    return write_products(
        directory,
        "evts21_01",
        dataset.table.chunks(100),
        dataset.table.parameters,
        lambda _: dataset.metadata,
        version="1.0",
        key="a key",
        names=("hats",),
    )


def test_every_file_is_in_the_manifest(tmp_path: Path, make_dataset: MakeDataset) -> None:
    directory = tmp_path / "evts21_01"
    manifest = products(directory, make_dataset(20))
    (catalogue,) = manifest.directories
    assert catalogue.name == "evts21_01.hats"
    root = directory / catalogue.name
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert {file.path for file in catalogue.files} == found
    verify(directory)
    assert read_dataset(directory).table.equals(make_dataset(20).table)
    first = directory / catalogue.name / catalogue.files[0].path
    first.write_bytes(first.read_bytes() + b"x")
    with pytest.raises(FileError, match=r"has \d+ bytes, the manifest says"):
        verify(directory)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, make_dataset: MakeDataset) -> None:
    path = tmp_path / "evts21_01.hats"
    dataset = make_dataset(20)
    write(path, dataset)
    program = """
import pickle, resource, sys
from pathlib import Path
from vopub.errors import FileError
from vopub.formats.hats import HatsWriter
dataset = pickle.loads(Path(sys.argv[1]).read_bytes())
writer = HatsWriter.open(Path(sys.argv[2]), dataset.table.parameters)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    with writer:
        writer.append(dataset.table)
        writer.finish(dataset.metadata)
except FileError as error:
    print(error)
"""
    (tmp_path / "dataset").write_bytes(pickle.dumps(make_dataset(9000)))
    for limit in ("1000", "200000"):
        command = [sys.executable, "-c", program, str(tmp_path / "dataset"), str(path), limit]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "cannot write: File too large" in done.stdout, done.stderr
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["dataset", path.name]
        assert read_hats(path).table.equals(dataset.table)


def test_changed_catalogues_say_what(tmp_path: Path, make_dataset: MakeDataset) -> None:
    path = tmp_path / "evts21_01.hats"
    write(path, make_dataset(20))
    part = next(path.glob("dataset/*/*/*.parquet"))
    content = part.read_bytes()
    part.write_bytes(content[: len(content) // 2])
    with pytest.raises(FileError, match="is damaged"):
        read_hats(path)
    part.unlink()
    with pytest.raises(FileError, match=r"lacks row \d+ of 20|holds no rows"):
        read_hats(path)
    (path / "metadata.json").unlink()
    with pytest.raises(FileError, match=r"metadata.json: cannot read: No such file"):
        read_dataset(path)
