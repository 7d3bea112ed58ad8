from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from vopub.errors import FileError, UsageError
from vopub.formats.products import write_products
from vopub.formats.reading import format_of, iterate, read_dataset, read_metadata
from vopub.formats.registry import DEFAULT, FORMATS, formats
from vopub.model.dataset import EventDataset
from vopub.model.description import FormatName, ProductsSection

MakeDataset = Callable[[int], EventDataset]


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory, make_dataset: MakeDataset) -> Path:
    """Give a directory of a table in every format."""
    directory = tmp_path_factory.mktemp("products") / "evts21_01"
    dataset = make_dataset(10)
    write_products(
        directory,
        "evts21_01",
        dataset.table.chunks(4),
        dataset.table.parameters,
        lambda _: dataset.metadata,
        version="1.0",
        key="a key",
        names=FORMATS,
    )
    return directory


@pytest.mark.parametrize("name", FORMATS)
def test_the_content_tells_the_format(
    name: str, products: Path, tmp_path: Path, make_dataset: MakeDataset
) -> None:
    path = products / f"evts21_01{FORMATS[name].writer.products[0].suffix}"
    assert format_of(path).name == name
    assert read_metadata(path) == make_dataset(10).metadata
    assert sum(map(len, iterate(path, 3))) == 10
    if name not in ("csv", "hats"):
        path = path.rename(tmp_path / "of_another_name.csv")
        assert format_of(path).name == name
        assert read_dataset(path).table.equals(make_dataset(10).table)
        path.rename(products / f"evts21_01{FORMATS[name].writer.products[0].suffix}")


def test_the_table_is_found_from_what_lies_beside_it(
    products: Path, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset(10)
    for path in (products / "evts21_01.metadata.json", products):
        assert read_dataset(path).table.equals(dataset.table)
        assert read_metadata(path) == dataset.metadata


def test_what_is_no_event_table(products: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no event table that vopub wrote; known formats are: csv"):
        read_dataset(products / "manifest.json")
    with pytest.raises(FileError, match="cannot read: Is a directory"):
        read_dataset(tmp_path)
    with pytest.raises(FileError, match="cannot read: No such file"):
        read_dataset(tmp_path / "nothing.fits")


def test_the_description_knows_every_format() -> None:
    assert get_args(FormatName) == tuple(FORMATS)
    assert ProductsSection().formats == DEFAULT


def test_formats_are_found_by_name_each_once() -> None:
    assert [entry.name for entry in formats(["fits", "csv", "fits"])] == ["fits", "csv"]
    with pytest.raises(UsageError, match=r"unknown format 'parqet'; did you mean parquet\?"):
        formats(["csv", "parqet"])
