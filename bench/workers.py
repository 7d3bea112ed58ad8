"""One, two and four workers of a Dask scheduler on storage that lets them wait.

The wait is in a reader of its own, installed beside vopub as another package would be.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, perf_counter, sleep

from distributed import Client

from bench.inputs import COLUMNS, SAMPLE
from bench.processes import ROOT
from bench.report import Figure
from vopub.events.convert import Reduction
from vopub.events.scale.cluster import Scheduler
from vopub.model.description import EventsSection
from vopub.model.duplicates import Duplicates

WORKERS = (1, 2, 4)
FILES = 48
WAIT = 1.0
"""Seconds that each file lets its reader wait."""
STARTUP = 60.0

READER = """
import time
from pathlib import Path
from vopub.events.readers.root import RootReader

class WaitingReader(RootReader):
    def __init__(self, path):
        _, seconds, other, _ = path.read_text().split()
        time.sleep(float(seconds))
        super().__init__(Path(other))

    @classmethod
    def recognises(cls, path, beginning):
        return beginning.startswith(b"waiting ")
"""


def measure(files: int = FILES) -> list[Figure]:
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-"))
    try:
        _install_reader(place / "plugin")
        seconds = {workers: _seconds(place, workers, files) for workers in WORKERS}
    finally:
        shutil.rmtree(place)
    one = seconds[1]
    detail = ", ".join(f"{workers}: {took:.1f} s" for workers, took in seconds.items())
    worst = max(abs(one / (workers * took) - 1) for workers, took in seconds.items())
    return [Figure("Dask workers, off 1/workers by", 100 * worst, "%", 15, False, detail)]


def _install_reader(place: Path) -> None:
    about = place / "waiting_reader-1.0.dist-info"
    about.mkdir(parents=True)
    (place / "waiting_reader.py").write_text(READER)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: waiting-reader\nVersion: 1.0\n")
    entry = "[vopub.readers]\nwaiting = waiting_reader:WaitingReader\n"
    (about / "entry_points.txt").write_text(entry)


def _seconds(place: Path, workers: int, files: int) -> float:
    """Return the time of a reduction by so many workers that have done something before."""
    with _cluster(place, workers) as address:
        _reduce(place, f"warm{workers}", 4 * workers, 0.1, address)
        began = perf_counter()
        _reduce(place, f"timed{workers}", files, WAIT, address)
        return perf_counter() - began


def _reduce(place: Path, name: str, files: int, wait: float, address: str) -> None:
    paths = [place / f"{name}.{number}" for number in range(files)]
    for number, path in enumerate(paths):
        path.write_text(f"waiting {wait} {SAMPLE} {number}")
    section = EventsSection(inputs=("a",), detector="ORCA", columns=COLUMNS)
    reduction = Reduction(
        paths, section, False, parts=place / f"{name}.parts", duplicates=Duplicates.KEEP,
        workers=Scheduler(address),
    )  # fmt: skip
    next(iter(reduction))


@contextmanager
def _cluster(place: Path, workers: int) -> Iterator[str]:
    file = place / f"scheduler{workers}.json"
    environ = {**os.environ, "PYTHONPATH": f"{place / 'plugin'}:{ROOT}"}
    shared = ["--scheduler-file", str(file), "--no-dashboard"]
    scheduler = ["scheduler", "--host", "127.0.0.1", "--port", "0", *shared]
    worker = ["worker", *shared, "--nthreads", "1", "--no-nanny"]
    with (place / "dask.log").open("a") as log:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "dask", *words], env=environ, cwd=place, stdout=log,
                stderr=log,
            )
            for words in (scheduler, *[worker] * workers)
        ]  # fmt: skip
        try:
            yield _address(file, workers)
        finally:
            for process in processes:
                process.kill()
                process.wait()


def _address(file: Path, workers: int) -> str:
    until = monotonic() + STARTUP
    while not file.exists() or not file.read_text():
        if monotonic() > until:
            raise RuntimeError("the scheduler did not start")
        sleep(0.1)
    with Client(scheduler_file=str(file), set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=STARTUP)
        address: str = client.scheduler_info()["address"]
    return address
