"""A Dask scheduler and its workers as processes of their own, for tests."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from distributed import Client

ROOT = Path(__file__).parents[2]


@contextmanager
def dask_cluster(
    place: Path, workers: int, *further: Path, environ: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run a scheduler and workers as processes of their own, as a batch system does.

    Parameters
    ----------
    place
        Directory for what they write.
    workers
        How many.
    further
        Where they find other packages.
    environ
        Further variables of their environment.
    """
    file = place / "scheduler.json"
    found = ":".join(map(str, (*further, ROOT)))
    fixed = {"PATH": "/usr/bin:/bin", "HOME": str(place), "PYTHONPATH": found}
    log = (place / "dask.log").open("w")
    base = [sys.executable, "-m", "dask"]
    shared = ["--scheduler-file", str(file), "--no-dashboard"]
    scheduler = [*base, "scheduler", "--host", "127.0.0.1", "--port", "0", *shared]
    worker = [*base, "worker", *shared, "--nthreads", "1", "--no-nanny"]
    with log:
        processes = [
            subprocess.Popen(
                command, env={**fixed, **(environ or {})}, cwd=place, stdout=log, stderr=log
            )
            for command in (scheduler, *[worker] * workers)
        ]
        try:
            until = time.monotonic() + 60
            while not file.exists() or not file.read_text():
                assert time.monotonic() < until, (place / "dask.log").read_text()
                time.sleep(0.1)
            with Client(scheduler_file=str(file), set_as_default=False) as client:
                if workers:
                    client.wait_for_workers(workers, timeout=60)
                address = client.scheduler_info()["address"]
            yield address
        finally:
            for process in processes:
                process.kill()
                process.wait()
