from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from vopub.errors import FileError
from vopub.formats.fits import FitsWriter, read_fits
from vopub.formats.fits_checksum import checksum, sum32
from vopub.model.dataset import EventDataset

MakeDataset = Callable[[int], EventDataset]


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> EventDataset:
    return make_dataset(9000)


@pytest.fixture
def path(tmp_path: Path, dataset: EventDataset) -> Path:
    path = tmp_path / "evts21_01.fits"
    with FitsWriter.open(path, dataset.table.parameters) as writer:
        for chunk in dataset.table.chunks(100):
            writer.append(chunk)
        writer.finish(dataset.metadata)
    return path


def test_astropy_finds_the_file_in_order(path: Path) -> None:
    with fits.open(path, checksum=True) as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus[1:]] == [
            "EVENTS",
            "HEADER",
            "CUT_FLOW",
            "RUNS",
            "METADATA",
        ]
        assert all("CHECKSUM" in hdu.header and "DATASUM" in hdu.header for hdu in hdus)
        for hdu in hdus:
            assert hdu.verify_checksum() == hdu.verify_datasum() == 1
        assert hdus[0].header["TITLE"] == "Up-going track candidates of ORCA run 9505"
        assert hdus[0].header["AUTHOR"] == r"KM3NeT Collaboration; \xc5ngstr\xf6m, Zo\xeb"
        assert hdus[0].header["SIMULATE"] is False
        assert list(hdus["RUNS"].data["run"]) == [9505, 9506]


def test_astropy_reads_values_units_and_ucds(path: Path, dataset: EventDataset) -> None:
    with fits.open(path) as hdus:
        header = hdus["EVENTS"].header
        for number, p in enumerate(dataset.table.parameters, start=1):
            assert header[f"TTYPE{number}"] == p.name
            assert header[f"TUCD{number}"] == p.ucd
            assert header[f"TCOMM{number}"] == p.description
        assert (header["RADESYS"], header["TIMESYS"]) == ("ICRS", "UTC")
    table = Table.read(path, hdu="EVENTS", mask_invalid=False)
    assert str(table["energy"].unit) == "GeV"
    for p in dataset.table.parameters:
        found, column = list(table[p.name]), dataset.table[p.name]
        assert np.array_equal(np.array(found, column.dtype), column, equal_nan=p.dtype.is_float)


def test_stilts_reads_the_same_values(path: Path, dataset: EventDataset) -> None:
    program = shutil.which("stilts")
    assert program, "stilts is a package of Debian"
    command = [program, "tpipe", f"in={path}#1", "ofmt=csv", "cmd=keepcols 'event_id energy'"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names, energies = zip(*(line.split(",") for line in said.splitlines()[1:]), strict=True)
    assert list(names) == list(dataset.table["event_id"])
    found = [float(text) if text else np.nan for text in energies]
    assert np.array_equal(found, dataset.table["energy"], equal_nan=True)


@given(blocks=st.lists(st.binary(min_size=4, max_size=4).map(lambda b: b * 720), max_size=3))
def test_checksums_are_those_of_astropy(blocks: list[bytes]) -> None:
    data = np.frombuffer(b"".join(blocks), np.uint8)
    hdu = fits.PrimaryHDU(data if len(data) else None)
    hdu.add_checksum(when="x")
    total = sum32(blocks)
    assert str(total) == hdu.header["DATASUM"]
    expected, hdu.header["CHECKSUM"] = hdu.header["CHECKSUM"], "0" * 16
    assert checksum(sum32([hdu.header.tostring().encode()], total)) == expected


def changes(content: bytes) -> Iterator[tuple[bytes, str]]:
    rows = content.index(b"km3.49.9505")
    yield content[: len(content) // 2], "damaged"
    yield content[:2880], "it lacks EVENTS or METADATA"
    yield content[:rows] + b"\xff" + content[rows + 1 :], "DATASUM differs"
    yield content.replace(b"'METADATA'", b"'METADATU'"), "it lacks EVENTS or METADATA"
    yield content.replace(b"TTYPE2  = 'ra ", b"TTYPE2  = 'rb "), "has columns .*rb D.* describe"
    said = "has 9000 rows, its metadata say 9001"
    yield content.replace(b'"rows":9000', b'"rows":9001'), said


def test_changed_files_say_what(path: Path) -> None:
    for changed, said in changes(path.read_bytes()):
        path.write_bytes(changed)
        with pytest.raises(FileError, match=said) as caught:
            read_fits(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def test_missing_and_empty_files(path: Path) -> None:
    path.write_bytes(b"")
    with pytest.raises(FileError, match="is damaged or not an event table"):
        read_fits(path)
    path.unlink()
    with pytest.raises(FileError, match=r"evts21_01.fits: cannot read: No such file"):
        read_fits(path)


def test_overwritten_bytes_are_found_or_harmless(path: Path) -> None:
    content = path.read_bytes()
    for offset in range(0, len(content), len(content) // 40):
        path.write_bytes(content[:offset] + b"\xff" * 64 + content[offset + 64 :])
        with suppress(FileError):
            read_fits(path)
