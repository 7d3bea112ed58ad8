"""``vopub inspect`` as a person meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from km3net_testdata import data_path

from vopub.publish.convert import Source, Way, make_table
from vopub.resources import read_folder
from vopub.settings import load_settings

ROOT = Path(__file__).parents[3]
ORCA6, HDF5 = data_path("dst/orca6_sample.root"), data_path("hdf5/mupage_ARCA.h5")
LINES, WIDTH = 24, 100

Inspect = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vopub", "inspect", *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    return run


def test_a_file_is_told_in_a_screenful(inspect: Inspect) -> None:
    done = inspect(ORCA6)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= WIDTH
    for words in ("KM3NeT DST", "2499, observed", "9505 of detector 49", "livetime", "21593",
                  "jmuon 2495", "angular_error [deg]", "energy [GeV]"):  # fmt: skip
        assert words in done.stdout


def test_json_says_the_same_of_several_files(inspect: Inspect) -> None:
    done = inspect(ORCA6, HDF5, "--json")
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)
    assert (first["events"], first["simulated"], first["livetime"]) == (2499, False, 21593.2)
    assert first["runs"][0]["run"] == 9505
    assert first["reconstructions"] == {"jmuon": 2495}
    assert {"name": "energy", "unit": "GeV", "group": "event"} in first["quantities"]
    assert (second["layout"], second["simulated"]) == ("km3pipe HDF5 5.1", True)
    assert second["uuid"] == "adbf55df-620b-48a9-9793-d6b1e182f45a"


def test_a_file_that_cannot_be_read_does_not_hide_the_others(inspect: Inspect) -> None:
    bare = data_path("hdf5/raw_header.h5")
    done = inspect(bare, HDF5, "no such file.root")
    assert done.returncode == 1
    assert done.stdout.startswith("mupage_ARCA.h5\n")
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["vopub", "vopub"]
    assert "the file holds raw_header" in done.stderr
    assert "no such file.root: cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["evts21_01.h5", "evts21_01.csv"])
def test_a_table_that_vopub_wrote_is_told_too(name: str, inspect: Inspect, tmp_path: Path) -> None:
    folder = read_folder(ROOT / "resources" / "evts21_01")
    publisher = load_settings({}).publisher
    make_table(Source(folder.description, folder.inputs(), None, publisher), tmp_path / "a", Way())
    done = inspect(f"a/{name}")
    assert done.returncode == 0, done.stderr
    assert "event table of vopub" in done.stdout
    assert "evts21_01: " in done.stdout
    assert ", observed" in done.stdout
    assert "dec [deg]" in done.stdout
