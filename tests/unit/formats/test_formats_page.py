"""The lines that open files in docs/formats.md do so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vopub.formats.products import write_products
from vopub.formats.registry import FORMATS
from vopub.model.dataset import EventDataset

MakeDataset = Callable[[int], EventDataset]
PAGE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory, make_dataset: MakeDataset) -> Path:
    directory = tmp_path_factory.mktemp("products") / "evts21_01"
    dataset = make_dataset(50)
    write_products(
        directory,
        "evts21_01",
        dataset.table.chunks(20),
        dataset.table.parameters,
        lambda _: dataset.metadata,
        version="1.0",
        key="a key",
        names=FORMATS,
    )
    return directory


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_gives_the_energies(
    example: str, products: Path, make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(products)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - our own page
    found = names["energies"]
    expected = make_dataset(50).table["energy"]
    assert np.array_equal(np.asarray(found, dtype=float), expected, equal_nan=True)


def test_every_format_has_a_row_and_an_example() -> None:
    for name, entry in FORMATS.items():
        suffix = entry.writer.products[0].suffix
        assert re.search(rf"^\| `{name}` \|.*`<id>{re.escape(suffix)}`", PAGE, re.MULTILINE)
        assert any(f"evts21_01{suffix}" in example for example in EXAMPLES)
