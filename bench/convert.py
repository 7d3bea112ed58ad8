"""Run files to a table in three formats, against km3pipe's pump and against km3io only reading.

The files are copies of one run file, told apart by a trailer. Reading with km3io goes over all of
them in one process; km3pipe's loop over the events of a few, since it takes hours for all.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.inputs import recipe, run_files
from bench.peers import KM3IO, OFFLINE_PUMP, Speed, run_here, run_in_km3pipe
from bench.processes import Watched, run_watched
from bench.report import Figure

FILES = 400
SLOW_FILES = 2
TIMES = 10
"""How many times more files, for the memory."""
MOST_MEMORY = 600.0
WORKERS = 2
FORMATS = "csv,hdf5,parquet"


def measure(files: int = FILES, times: int = TIMES) -> list[Figure]:
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-"))
    try:
        paths = run_files(place / "runs", files)
        ours, took = convert(paths, place)
        read = run_here(KM3IO, paths)
        pump = run_in_km3pipe(OFFLINE_PUMP, paths[:SLOW_FILES])
        again = _seconds_again(paths, place)
        _, more = convert(run_files(place / "runs", files * times), place)
    finally:
        shutil.rmtree(place)
    detail = (
        f"{ours.events} events in {files} files: {ours.seconds:.1f} s, {ours.rate:.0f} events/s"
    )
    memory = f"{files} files: {took.peak:.0f} MB"
    return [
        Figure(
            "convert, against km3pipe's OfflinePump", ours.rate / pump.rate, "times as fast", 25,
            True, f"{detail}, against {pump.rate:.0f}",
        ),
        Figure(
            "convert, against only reading with km3io", ours.rate / read.rate, "times as fast", 1,
            True, f"against {read.seconds:.1f} s",
        ),
        Figure("convert, peak of any process", took.peak, "MB", MOST_MEMORY, False, memory),
        Figure(
            "convert, the same for more files", more.peak, "MB", MOST_MEMORY, False,
            f"{files * times} files, {more.seconds:.0f} s",
        ),
        Figure("convert again, nothing missing", again, "s", took.seconds, detail="by its parts"),
    ]  # fmt: skip


def convert(paths: Sequence[Path], place: Path, formats: str = FORMATS) -> tuple[Speed, Watched]:
    """Make a table of files from nothing; return how fast, and what it took."""
    out = place / "table"
    shutil.rmtree(place / ".table.parts", ignore_errors=True)
    done = run_watched(command(paths, place, out, formats))
    account = json.loads(done.output)["account"]
    shutil.rmtree(out)
    return Speed(account["read"], done.seconds), done


def command(paths: Sequence[Path], place: Path, out: Path, formats: str = FORMATS) -> list[str]:
    """Return the command that makes the table."""
    options = {
        "--recipe": recipe(place), "--out": out, "--formats": formats, "--duplicates": "keep",
        "--workers": WORKERS,
    }  # fmt: skip
    given = [str(word) for option in options.items() for word in option]
    return [sys.executable, "-m", "vopub", "convert", *map(str, paths), *given, "--json"]


def _seconds_again(paths: Sequence[Path], place: Path) -> float:
    return run_watched(command(paths, place, place / "table")).seconds
