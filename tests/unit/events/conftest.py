"""Samples of real files, and copies of them with values that should not be there."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import uproot
from km3net_testdata import data_path
from numpy.typing import NDArray

from vopub.model.catalogue import known_parameters
from vopub.model.description import Cut, EventsSection

from .km3pipe_files import MANY, synthetic
from .plugins import READER, packages_of, write_package

Alter = Callable[[Mapping[str, Mapping[int, float]]], Path]
MakeSection = Callable[..., EventsSection]

_FORMATS = {"double": ">d", "int32_t": ">i", "uint64_t": ">Q", "uint32_t": ">I"}


@pytest.fixture(scope="session")
def orca6() -> Path:
    """Run 9505 of ORCA with 6 detection units."""
    return Path(data_path("dst/orca6_sample.root"))


@pytest.fixture(scope="session")
def orca4() -> Path:
    """Run 6370 of ORCA with 4 detection units."""
    return Path(data_path("dst/orca4_sample.root"))


@pytest.fixture
def make_section() -> MakeSection:
    """Give a function that describes the events of a resource."""

    def make(*keep: str, **fields: Any) -> EventsSection:
        cuts = tuple(Cut(name=f"cut {number}", keep=text) for number, text in enumerate(keep))
        defaults = {
            "inputs": ("a.root",),
            "detector": "ORCA",
            "columns": tuple(name for name, p in known_parameters().items() if not p.truth),
            "selection": cuts,
        }
        return EventsSection(**{**defaults, **fields})

    return make


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an installed package that brings the odd reader."""
    return write_package(tmp_path_factory.mktemp("plugin"), "odd_reader", "OddReader", READER)


@pytest.fixture
def installed(plugin: Path) -> Iterator[None]:
    """That package installed here: in this process and in those that it starts."""
    with packages_of(plugin):
        yield


@pytest.fixture
def alter(orca6: Path, tmp_path: Path) -> Alter:
    """Give a function that writes a copy of the ORCA6 sample in which some values differ.

    It takes, per branch, the new values by event; each event of the sample has one track.
    """
    return lambda changes: altered(orca6, tmp_path / f"altered{len(changes)}.root", changes)


@pytest.fixture(scope="module")
def big() -> dict[str, NDArray[Any]]:
    """Tables of km3pipe that are not kept in memory."""
    return synthetic(MANY)


@pytest.fixture
def tables() -> dict[str, NDArray[Any]]:
    """Tables of km3pipe that a test may change."""
    return synthetic(60)


def altered(source: Path, target: Path, changes: Mapping[str, Mapping[int, float]]) -> Path:
    """Write a copy of a ROOT file whose branches have a single basket, with other values."""
    content = bytearray(source.read_bytes())
    with uproot.open(source) as file:
        branches = {b.name: b for b in file["E"].itervalues(recursive=True)}
        for name, values in changes.items():
            layout = _FORMATS[branches[name].typename.removesuffix("[]")]
            assert branches[name].num_baskets == 1
            rewrite(content, int(branches[name].member("fBasketSeek")[0]), layout, values)
    target.write_bytes(content)
    return target


def rewrite(content: bytearray, seek: int, layout: str, values: Mapping[int, float]) -> None:
    """Change values in a compressed basket; the new one is smaller and leaves a gap behind it."""
    key_length = struct.unpack_from(">h", content, seek + 14)[0]
    block = seek + key_length
    algorithm, packed = bytes(content[block : block + 2]), content[block + 3 : block + 6]
    length = int.from_bytes(packed, "little")
    assert algorithm == b"ZL"
    raw = bytearray(zlib.decompress(content[block + 9 : block + 9 + length]))
    for entry, value in values.items():
        struct.pack_into(layout, raw, entry * struct.calcsize(layout), value)
    name, again = min(
        (b"ZL", zlib.compress(bytes(raw), 9)),
        (b"XZ", lzma.compress(bytes(raw), preset=9 | lzma.PRESET_EXTREME)),
        key=lambda pair: len(pair[1]),
    )
    assert len(again) <= length, "the basket does not fit in its place any more"
    struct.pack_into(">i", content, seek, key_length + 9 + len(again))
    content[block : block + 2] = name
    content[block + 3 : block + 6] = len(again).to_bytes(3, "little")
    content[block + 9 : block + 9 + len(again)] = again
