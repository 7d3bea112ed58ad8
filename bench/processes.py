"""Running something and watching the memory of it and of all that it starts."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep

ROOT = Path(__file__).parents[1]
EVERY = 0.1
"""Seconds between two looks; each process remembers its own peak in between."""
MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Watched:
    """What a command took."""

    seconds: float
    peak: float
    """Largest resident memory of any one of its processes in MB."""
    output: str


def run_watched(command: Sequence[str], environ: Mapping[str, str] | None = None) -> Watched:
    """Run a command to its end; its error output goes to ours."""
    began = perf_counter()
    peak = 0.0
    # Into a file: nobody empties a pipe while the command runs.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        with subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=output, stderr=sys.stderr
        ) as process:
            while process.poll() is None:
                peak = max(peak, *map(_peak, _family(process.pid)))
                sleep(EVERY)
        seconds = perf_counter() - began
        if process.returncode:
            raise RuntimeError(f"{' '.join(command[:4])} … ended with {process.returncode}")
        output.seek(0)
        return Watched(seconds, peak, output.read())


def _family(pid: int) -> list[int]:
    """Return a process and all that it started, directly or not."""
    family = [pid]
    for member in family:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            try:
                family += map(int, children.read_text(encoding="ascii").split())
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended in the meantime
    return family


def _peak(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0].split()[1]) * 1024 / MEGABYTE if found else 0.0
