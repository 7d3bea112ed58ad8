"""Every line that the page of a resource gives to copy does what it is for, as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from astropy.table import Table
from lxml import html

from vopub.files import sha256_of

from . import aladin_lite
from .asking import ID
from .conftest import Desk
from .desktop import shown_by_aladin, shown_by_topcat

pytestmark = pytest.mark.live

PYTHON = ("KM3Store, the Python client", "pyvo", "pandas")
SHELL = ("STILTS", "curl")
LABEL = "Lines for "
FIRST = 100
"""How many rows the lines for TAP ask for."""


def lines_of(desk: Desk, path: str) -> dict[str, list[str]]:
    """Return what a page has to copy, by the program that it is for."""
    page: Any = html.fromstring(httpx.get(f"{desk.settings.site.odc_url}{path}").text)
    found = defaultdict(list)
    for each in page.xpath("//pre[starts-with(@aria-label, $words)]", words=LABEL):
        found[each.get("aria-label").removeprefix(LABEL)].append(each.text_content())
    return found


@pytest.fixture(scope="module")
def lines(shop: Desk) -> dict[str, list[str]]:
    return lines_of(shop, f"/resources/{ID}")


@pytest.fixture(scope="module")
def events(shop: Desk) -> set[str]:
    """The identifiers of all events."""
    return set(pd.read_csv(shop.products / ID / f"{ID}.csv")["event_id"])


def names(table: Table) -> set[str]:
    return {str(name) for name in table["event_id"]}


def run(desk: Desk, place: Path, command: list[str], typed: str = "") -> str:
    """Run a command in a directory that is its home; return what it said."""
    place.mkdir(exist_ok=True)
    done = subprocess.run(
        command, cwd=place, env=desk.environ() | {"HOME": str(place)}, input=typed,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def typed_in_python(desk: Desk, place: Path, *typed: str) -> str:
    """Return what Python says to lines that are typed at its prompt."""
    return run(desk, place, [sys.executable, "-q", "-i"], "\n".join([*typed, "", ""]))


def test_all_are_tried_below(lines: dict[str, list[str]]) -> None:
    others = ("h5py", "TOPCAT", "TOPCAT, from a shell", "Aladin Desktop", "Aladin Lite")
    assert sorted(lines) == sorted([*PYTHON, *SHELL, *others])


def test_python(lines: dict[str, list[str]], shop: Desk, tmp_path: Path) -> None:
    said = {}
    for tool in PYTHON:
        for number, text in enumerate(lines[tool]):
            asked = [text, "print(table)"] if tool == "pandas" else [text]
            said[f"{tool} {number}"] = typed_in_python(shop, tmp_path / f"{tool}{number}", *asked)
    found = {
        tool: re.findall(r"(?:\[|Length = )(\d+) rows", output) for tool, output in said.items()
    }
    assert found == {
        "KM3Store, the Python client 0": ["230"], "pyvo 0": ["230"], "pyvo 1": [str(FIRST)],
        "pandas 0": ["230"], "pandas 1": ["1"],
    }  # fmt: skip


def test_python_for_a_collection(shop: Desk, tmp_path: Path) -> None:
    ((tool, (text,)),) = lines_of(shop, "/collections/samples26_01").items()
    assert tool == "KM3Store"
    said = typed_in_python(shop, tmp_path, text)
    assert "evts20_01" in said
    assert ID in said


def test_h5py_after_the_download(lines: dict[str, list[str]], shop: Desk, tmp_path: Path) -> None:
    (text,) = lines["h5py"]
    (download,) = [each for each in lines["curl"] if "sha256sum" in each and f"{ID}.h5" in each]
    place = tmp_path / "h5py"
    typed = f"import subprocess; _ = subprocess.run({download!r}, shell=True, check=True)"
    assert "events" in typed_in_python(shop, place, typed, text)


def test_shell(lines: dict[str, list[str]], shop: Desk, events: set[str], tmp_path: Path) -> None:
    written = set()
    for number, text in enumerate(line for tool in SHELL for line in lines[tool]):
        place = tmp_path / str(number)
        run(shop, place, ["sh", "-e", "-c", text])
        (path,) = place.iterdir()
        if "--continue-at" in text:
            os.truncate(path, path.stat().st_size // 2)  # as if the first time it broke off
            run(shop, place, ["sh", "-e", "-c", text])
        written.add(path.name)
        if path.stem == "events":
            table = Table.read(path, format="votable" if path.suffix == ".vot" else "fits")
            assert len(table) == (FIRST if "/tap" in text else len(events)), text
            assert names(table) <= events
        else:
            assert sha256_of(path) == sha256_of(shop.products / ID / path.name), text
    assert {"events.vot", "events.fits", f"{ID}.csv", f"{ID}.parquet"} <= written


def test_addresses_for_topcat(
    lines: dict[str, list[str]], shop: Desk, events: set[str], tmp_path: Path
) -> None:
    """What its windows do with an address that is pasted there, TOPCAT does without a window."""
    cone, tap = lines["TOPCAT"]
    wanted = [f"serviceurl={cone}", "lon=0", "lat=0", "radius=180", "out=a.fits"]
    run(shop, tmp_path / "cone", ["topcat", "-stilts", "cone", *wanted])
    assert names(Table.read(tmp_path / "cone" / "a.fits")) == events
    wanted = [f"tapurl={tap}", f"adql=SELECT * FROM {ID}.events", "out=a.fits"]
    run(shop, tmp_path / "tap", ["topcat", "-stilts", "tapquery", *wanted])
    assert names(Table.read(tmp_path / "tap" / "a.fits")) == events


def test_topcat_from_a_shell(lines: dict[str, list[str]], events: set[str], tmp_path: Path) -> None:
    (line,) = lines["TOPCAT, from a shell"]
    assert names(shown_by_topcat(line, tmp_path)) == events


def test_aladin_desktop(lines: dict[str, list[str]], events: set[str], tmp_path: Path) -> None:
    (line,) = lines["Aladin Desktop"]
    assert names(shown_by_aladin(line, tmp_path)) == events


def test_aladin_lite(lines: dict[str, list[str]], events: set[str], tmp_path: Path) -> None:
    (line,) = lines["Aladin Lite"]
    with (
        aladin_lite.served(tmp_path, "Object.assign(window, {A, aladin});") as url,
        aladin_lite.opened(url) as page,
    ):
        page.wait_for_function("window.aladin", timeout=120_000)
        page.evaluate(f"() => {{ {line} }}")
        page.wait_for_function("aladin.getOverlays().some(each => each.getSources?.().length)")
        shown = page.evaluate(
            "aladin.getOverlays()[0].getSources().map(each => each.data.event_id)"
        )
    assert set(shown) == events
