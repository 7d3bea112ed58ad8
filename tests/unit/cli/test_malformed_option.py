"""``--max-malformed``: how many events somebody lets be left out, by each command that reads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[3]
DESCRIPTION = """
id = "evts26_01"
ktype = "events"
simulated = false

[publication]
title = "A synthetic list of events that never were"
description = "A hundred lines of text in the form of the public list of ANTARES, for a test."
version = "1.0"
created = 2026-11-29
creators = [{ name = "The vopub project" }]
subjects = ["neutrino-astronomy"]
facility = "ANTARES"
instrument = "ANTARES"

[events]
inputs = ["list.dat"]
detector = "ANTARES"
reconstruction = "given"
columns = ["event_id", "ra", "dec", "mjd"]
"""
LATER = 65_000
"""A Modified Julian Date in the year 2036."""


@pytest.fixture
def desk() -> Iterator[Path]:
    """A directory with a resource, of whose 102 events 2 are later than now.

    It lies where the account of the services can enter.
    """
    with tempfile.TemporaryDirectory(prefix="vopub-test-") as place:
        Path(place).chmod(0o755)
        fill(Path(place))
        yield Path(place)


def fill(desk: Path) -> None:
    folder = desk / "resources" / "evts26_01"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "vopub.toml", desk)
    (folder / "resource.toml").write_text(DESCRIPTION)
    times = [55_000 + number for number in range(100)] + [LATER, LATER + 1]
    table = pd.DataFrame({"Decl": 10.5, "RA": 200.25, "Nhit": 20, "Beta": 0.3, "MJD": times})
    table["RA"] += table.index
    table["RA"] %= 360
    table.to_csv(folder / "list.dat", sep="\t", index=False)


def vopub(desk: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.defpath, "HOME": str(desk), "PYTHONPATH": str(ROOT)}
    environ |= {"VOPUB_SITE": str(desk / "site"), "VOPUB_RESOURCES": str(desk / "resources")}
    return subprocess.run(
        [sys.executable, "-m", "vopub", *arguments], cwd=desk, env=environ, capture_output=True,
        text=True, check=False, timeout=120,
    )  # fmt: skip


def publish(desk: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return vopub(desk, "publish", "--until", "convert", *arguments)


def convert(desk: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    folder = desk / "resources" / "evts26_01"
    paths = [str(folder / "list.dat"), "--recipe", str(folder / "resource.toml")]
    return vopub(desk, "convert", *paths, "--out", str(desk / "table"), *arguments)


@pytest.mark.parametrize("command", [publish, convert])
def test_more_malformed_events_than_somebody_lets_stop_the_run(
    desk: Path, command: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    for arguments, limit in (((), "1%"), (("--max-malformed", "1"), "1")):
        done = command(desk, *arguments)
        assert done.returncode == 1
        (line,) = [line for line in done.stderr.splitlines() if line.startswith("vopub: ")]
        assert f"2 of 102 events are malformed, the limit is {limit}: 2 time is before" in line
    assert not (desk / "table").exists()
    done = command(desk, "--max-malformed", "2%")
    assert done.returncode == 0, done.stderr


def test_a_limit_is_held_also_if_the_table_is_there(desk: Path) -> None:
    assert publish(desk, "--max-malformed", "2").returncode == 0
    done = publish(desk, "--max-malformed", "1")
    assert done.returncode == 1
    assert "2 of 102 events are malformed, the limit is 1" in done.stderr
    done = publish(desk, "--max-malformed", "2")
    assert done.returncode == 0
    assert "unchanged" in done.stderr


def test_a_limit_that_is_none_is_refused(desk: Path) -> None:
    done = publish(desk, "--max-malformed", "many")
    assert done.returncode == 2
    assert "vopub: --max-malformed: 'many' is no limit" in done.stderr
