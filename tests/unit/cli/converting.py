"""``vopub convert`` as a process: two samples, a recipe for them, and what runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from km3net_testdata import data_path

ROOT = Path(__file__).parents[3]
SAMPLE = Path(data_path("dst/orca6_sample.root"))
OTHER = Path(data_path("dst/orca4_sample.root"))
EVENTS = """
[events]
detector = "ORCA"
selection = [{ name = "up-going", keep = "zenith > 90 deg" }]
columns = ["event_id", "ra", "dec", "energy"]
"""


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "vopub", "convert", *map(str, arguments)]


def environment(home: Path, path: str = "/usr/bin:/bin") -> dict[str, str]:
    return {"PATH": path, "HOME": str(home), "PYTHONPATH": str(ROOT)}


def convert(place: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Convert something in a directory, to the end."""
    return subprocess.run(
        command(*arguments), cwd=place, env=environment(place), capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
