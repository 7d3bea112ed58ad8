from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from astropy.io.votable import parse
from astropy.table import Table
from lxml import etree

from vopub.errors import FileError
from vopub.formats.votable import VotableWriter, read_votable
from vopub.model.dataset import EventDataset

MakeDataset = Callable[[int], EventDataset]
NAMESPACE = {"v": "http://www.ivoa.net/xml/VOTable/v1.3"}


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> EventDataset:
    return make_dataset(9000)


@pytest.fixture
def path(tmp_path: Path, dataset: EventDataset) -> Path:
    path = tmp_path / "evts21_01.vot"
    with VotableWriter.open(path, dataset.table.parameters) as writer:
        writer.append(dataset.table)
        writer.finish(dataset.metadata)
    return path


def stilts(*arguments: str) -> str:
    program = shutil.which("stilts")
    assert program, "stilts is a package of Debian"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_stilts_finds_nothing_wrong(path: Path) -> None:
    assert stilts("votlint", str(path)) == ""


def test_astropy_finds_nothing_wrong(path: Path) -> None:
    parse(path, verify="exception")


def test_stilts_reads_the_same_values(path: Path, dataset: EventDataset) -> None:
    said = stilts("tpipe", f"in={path}", "omode=out", "ofmt=csv", "cmd=keepcols 'event_id energy'")
    lines = said.splitlines()
    assert lines[0] == "event_id,energy"
    names, energies = zip(*(line.split(",") for line in lines[1:]), strict=True)
    assert list(names) == list(dataset.table["event_id"])
    found = [float(text) if text else np.nan for text in energies]
    assert np.array_equal(found, dataset.table["energy"], equal_nan=True)


def test_astropy_reads_values_units_and_ucds(path: Path, dataset: EventDataset) -> None:
    table = Table.read(path)
    for p in dataset.table.parameters:
        assert str(table[p.name].unit or "") == p.unit
        assert table[p.name].meta["ucd"] == p.ucd
        assert " ".join(table[p.name].description.split()) == " ".join(p.description.split())
        column = dataset.table[p.name]
        assert np.array_equal(np.asarray(table[p.name]), column, equal_nan=p.dtype.is_float)


def test_coordinates_times_and_groups_are_declared(path: Path) -> None:
    tree = etree.parse(path)

    def attributes(what: str) -> dict[str, str]:
        found = tree.find(f".//v:{what}", NAMESPACE)
        assert found is not None
        return {str(key): str(value) for key, value in found.attrib.items()}

    assert tree.getroot().get("version") == "1.4"
    assert attributes("COOSYS")["system"] == "ICRS"
    assert attributes("FIELD[@name='ra']")["ref"] == attributes("COOSYS")["ID"]
    mjd = attributes("TIMESYS[@ID='TIMESYS_MJD']")
    assert (mjd["timescale"], mjd["timeorigin"]) == ("UTC", "MJD-origin")
    assert attributes("FIELD[@name='mjd']")["ref"] == "TIMESYS_MJD"
    assert attributes("TIMESYS[@ID='TIMESYS_UNIX']")["timeorigin"] == "2440587.5"
    assert attributes("FIELD[@name='unix_time']")["ref"] == "TIMESYS_UNIX"
    assert attributes("INFO[@name='rights']")["value"] == "CC-BY-4.0"
    members = tree.findall(".//v:GROUP[@name='sky_direction']/v:FIELDref", NAMESPACE)
    assert {"ra", "dec", "angular_error"} <= {member.get("ref") for member in members}


def test_changed_files_say_what(path: Path) -> None:
    content = path.read_bytes()
    start = content.index(b"base64") + 20
    changes = {
        content[: len(content) // 2]: "damaged",
        content[:200]: "no rows in BINARY2",
        content[:start] + b"!" + content[start + 1 :]: "damaged",
        content.replace(b'name="vopub_metadata"', b'name="other_metadata"'): "lacks the PARAM",
        content.replace(b"</STREAM>", b"AAAA\n</STREAM>"): "the last row is cut off: 3 bytes",
    }
    for changed, said in changes.items():
        path.write_bytes(changed)
        with pytest.raises(FileError, match=said) as caught:
            read_votable(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def test_a_missing_file(path: Path) -> None:
    path.unlink()
    with pytest.raises(FileError, match=r"evts21_01.vot: cannot read: No such file"):
        read_votable(path)


def test_overwritten_bytes_are_found_or_harmless(path: Path) -> None:
    content = path.read_bytes()
    for offset in range(0, len(content), len(content) // 40):
        path.write_bytes(content[:offset] + b"\xff" * 64 + content[offset + 64 :])
        with suppress(FileError):
            read_votable(path)
