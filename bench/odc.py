"""The Open Data Center with the records of two years of hydrophones, on SQLite and PostgreSQL.

``VOPUB_BENCH_RECORDS`` is how many (a million unless given), a 500th of them streams.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from statistics import median, quantiles
from time import perf_counter, sleep

import httpx

from bench import hydrophones
from bench.report import Figure
from tests.unit.odc.databases import cluster

ROOT = Path(__file__).parents[1]
RECORDS = int(os.environ.get("VOPUB_BENCH_RECORDS", "1000000"))
PER_STREAM = 500
AT_ONCE = 2000
READERS = 50
REST = 0.5
"""Seconds that a reader looks at a page, on average, before asking for the next."""
SECONDS = 60
A_SECOND = 100
"""Records that are registered while others read."""
TOGETHER = 20
"""Of which so many come in one request."""
TOKEN = "a token for measuring only"  # noqa: S105 - of a server that lives for minutes


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    process: subprocess.Popen[str]
    url: str

    def memory(self) -> float:
        """Return the resident memory of the server in MB, of all its processes."""
        total = 0
        for pid in [self.process.pid, *_children(self.process.pid)]:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
            total += int(line.split()[1])
        return total * 1024 / 1e6

    def client(self) -> httpx.Client:
        """Return a connection that may write."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=600, trust_env=False)


def measure() -> list[Figure]:
    figures = []
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-", dir="/var/tmp"))
    try:
        figures += _measure("SQLite", place / "sqlite", "")
        with cluster() as postgresql:
            figures += _measure("PostgreSQL", place / "pg", postgresql.database())
    finally:
        shutil.rmtree(place)
    return figures


def _measure(name: str, place: Path, database: str) -> list[Figure]:
    streams = max(RECORDS // PER_STREAM, 1)
    with served(place, database) as server:
        rate = _fill(server, RECORDS, streams)
        filled = server.memory()
        with _registering(server, streams) as registered:
            times, failures = _read(server, streams)
        grown = server.memory()
    assert not failures, failures[:5]
    everything = [seconds * 1000 for some in times.values() for seconds in some]
    print(f"{name}: {len(everything)} pages, {registered[0]} records meanwhile", file=sys.stderr)
    for kind, some in sorted(times.items()):
        _tell(kind, some)
    about = f"{RECORDS:,} records, {streams:,} streams"
    meanwhile = f"{READERS} readers, {registered[0] / SECONDS:.0f} records/s meanwhile"
    worst = max(quantiles(some, n=100)[98] for some in times.values() if len(some) > 1) * 1000
    slowest = max(median(some) for some in times.values()) * 1000
    return [
        Figure(f"ODC, {name}: registration", rate, "records/s", 2000, at_least=True, detail=about),
        Figure(f"ODC, {name}: page, median", median(everything), "ms", 50, detail=meanwhile),
        Figure(f"ODC, {name}: slowest kind, median", slowest, "ms", 50),
        Figure(f"ODC, {name}: page, p99", quantiles(everything, n=100)[98], "ms", 200),
        Figure(f"ODC, {name}: slowest kind, p99", worst, "ms", 200),
        Figure(f"ODC, {name}: memory", max(filled, grown), "MB", 500,
               detail=f"{filled:.0f} MB after filling, {grown:.0f} MB after reading"),
    ]  # fmt: skip


@contextmanager
def served(place: Path, database: str) -> Iterator[Served]:
    """Run a server on a directory and a database."""
    place.mkdir()
    (place / "token").write_text(TOKEN)
    command = [sys.executable, "-m", "vopub.odc", "--directory", str(place / "odc"), "--port", "0",
               "--token-file", str(place / "token"), "--database", database]  # fmt: skip
    with (place / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        yield Served(process, process.stdout.readline().split()[-1])
    finally:
        process.terminate()
        process.communicate()


def _fill(server: Served, records: int, streams: int) -> float:
    """Register everything; return records a second, including the making of the requests."""
    with server.client() as http:
        _put(http, f"/api/collections/{hydrophones.COLLECTION}",
             hydrophones.collection().model_dump_json().encode())  # fmt: skip
        for number in range(streams):
            stream = hydrophones.stream(number)
            _put(http, f"/api/streams/{stream.identifier}", stream.model_dump_json().encode())
    began = perf_counter()
    waiting: Queue[bytes | None] = Queue(maxsize=2)
    senders = [threading.Thread(target=_send, args=(server, waiting)) for _ in range(2)]
    for sender in senders:
        sender.start()
    for body in hydrophones.bodies(0, records, streams, AT_ONCE):
        waiting.put(body)
    for _ in senders:
        waiting.put(None)
    for sender in senders:
        sender.join()
    return records / (perf_counter() - began)


def _send(server: Served, waiting: Queue[bytes | None]) -> None:
    with server.client() as http:
        while (body := waiting.get()) is not None:
            _put(http, "/api/resources", body)


def _put(http: httpx.Client, address: str, body: bytes) -> None:
    answer = http.put(address, content=body)
    assert answer.is_success, answer.text[:500]


@contextmanager
def _registering(server: Served, streams: int) -> Iterator[list[int]]:
    """Register so many records a second until left; tell how many it were."""
    done, stop = [0], threading.Event()

    def register() -> None:
        began = perf_counter()
        with server.client() as http:
            while not stop.is_set():
                first = RECORDS + done[0]
                (body,) = hydrophones.bodies(first, first + TOGETHER, streams, TOGETHER)
                _put(http, "/api/resources", body)
                done[0] += TOGETHER
                sleep(max(0.0, began + done[0] / A_SECOND - perf_counter()))

    thread = threading.Thread(target=register)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def _read(server: Served, streams: int) -> tuple[dict[str, list[float]], list[str]]:
    numbers = [READERS, RECORDS, streams, SECONDS, REST]
    command = [sys.executable, "-m", "bench.readers", server.url, *map(str, numbers)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    times, failures = json.loads(done.stdout)
    return times, failures


def _tell(kind: str, some: list[float]) -> None:
    p99 = quantiles(some, n=100)[98] if len(some) > 1 else some[0]
    line = f"  {kind}: {len(some)}, median {median(some) * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms"
    print(line, file=sys.stderr)


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in found.split()]
