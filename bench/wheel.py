"""The wheel, built and installed in a clean environment outside the checkout, renders a descriptor.

How, stands in the test that this runs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import perf_counter

from bench.report import Figure

ROOT = Path(__file__).parents[1]


def measure() -> list[Figure]:
    began = perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "tests/unit/test_wheel.py"]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=sys.stderr)
    detail = f"built, installed and run in {perf_counter() - began:.0f} s"
    works = float(done.returncode == 0)
    return [Figure("wheel elsewhere renders a descriptor", works, "(1: yes)", 1, True, detail)]
