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
from statistics import linear_regression, median, quantiles
from time import perf_counter, sleep

import httpx

from bench import hydrophones
from bench.readers import Times
from bench.report import Figure
from tests.unit.odc.databases import Cluster, cluster

ROOT = Path(__file__).parents[1]
RECORDS = int(os.environ.get("VOPUB_BENCH_RECORDS", "1000000"))
PER_STREAM = 500
AT_ONCE = 2000
READERS = 50
REST = 0.5
"""Seconds that a reader looks at a page, on average, before asking for the next."""
SECONDS = 60
WITHOUT_REST = 20
"""Seconds during which the readers do not pause."""
EVERY = 0.5
"""Seconds between two looks at the memory."""
A_SECOND = 100
"""Records that are registered while others read."""
TOGETHER = 20
"""Of which so many come in one request."""
TOKEN = "a token for measuring only"  # noqa: S105 - of a server that lives for minutes


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in MB at a time; what processes share is counted once."""

    when: float
    server: float
    postgresql: float


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    process: subprocess.Popen[str]
    url: str

    def memory(self) -> float:
        """Return the memory of the server in MB, of all its processes."""
        return _proportional(self.process.pid)

    def client(self) -> httpx.Client:
        """Return a connection that may write."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=600, trust_env=False)


def measure() -> list[Figure]:
    figures = []
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-", dir="/var/tmp"))
    try:
        figures += _measure("SQLite", place / "sqlite", "")
        with cluster(durable=True) as postgresql:
            figures += _measure("PostgreSQL", place / "pg", postgresql.database(), postgresql)
    finally:
        shutil.rmtree(place)
    return figures


def _measure(
    name: str, place: Path, database: str, postgresql: Cluster | None = None
) -> list[Figure]:
    streams = max(RECORDS // PER_STREAM, 1)
    with served(place, database) as server, _watched(server, postgresql) as memory:
        rate = _fill(server, RECORDS, streams)
        filled = len(memory)
        with _registering(server, streams) as registered:
            times, failures = _read(server, streams, SECONDS, REST)
            seen = registered[0]
            at_once, more = _read(server, streams, WITHOUT_REST, 0)
        reading = memory[filled:]
    failures += more
    assert not failures, failures[:5]
    print(f"{name}: {registered[0]} records registered meanwhile", file=sys.stderr)
    for some in (times, at_once):
        _tell(some)
    about = f"{RECORDS:,} records, {streams:,} streams, {AT_ONCE:,} records in a request"
    reached = seen / SECONDS
    return [
        Figure(f"ODC, {name}: registration", rate, "records/s", 2000, at_least=True, detail=about),
        Figure(f"ODC, {name}: registration while others read", reached, "records/s",
               0.97 * A_SECOND, at_least=True, detail=f"{TOGETHER} records in a request"),
        *_figures_of_pages(name, times, at_once),
        Figure(f"ODC, {name}: memory, peak", max(each.server for each in memory), "MB", 500,
               detail=_grown(reading)),
    ]  # fmt: skip


def _figures_of_pages(name: str, times: Times, at_once: Times) -> list[Figure]:
    """Return how long pages take, to readers who pause and to those who never do."""
    rate = sum(map(len, at_once.values())) / WITHOUT_REST
    paused = f"{READERS} readers who pause {REST:g} s on average"
    never = f"{READERS} readers without pauses, {rate:.0f} pages/s"
    return [
        *_figures_of_readers(f"ODC, {name}", times, paused),
        *_figures_of_readers(f"ODC, {name}, without pauses", at_once, never),
    ]


def _figures_of_readers(name: str, times: Times, readers: str) -> list[Figure]:
    everything = [seconds * 1000 for some in times.values() for seconds in some]
    slowest = {kind: median(some) * 1000 for kind, some in times.items()}
    worst = {kind: _p99(some) * 1000 for kind, some in times.items()}
    slow, bad = max(slowest, key=lambda k: slowest[k]), max(worst, key=lambda k: worst[k])
    detail = f"{len(everything)} pages, {readers}"
    return [
        Figure(f"{name}: page, median", median(everything), "ms", 50, detail=detail),
        Figure(f"{name}: slowest kind, median", slowest[slow], "ms", 50, detail=slow),
        Figure(f"{name}: page, p99", _p99(everything), "ms", 200),
        Figure(f"{name}: slowest kind, p99", worst[bad], "ms", 200, detail=bad),
    ]


def _p99(some: list[float]) -> float:
    return quantiles(some, n=100)[98] if len(some) > 1 else some[0]


def _grown(reading: list[Memory]) -> str:
    """Say how memory changed while pages were read."""
    slope = linear_regression([m.when for m in reading], [m.server for m in reading]).slope
    said = f"{slope * 60:+.1f} MB a minute while pages were read"
    most = max(m.postgresql for m in reading)
    return f"{said}; PostgreSQL's processes {most:.0f} MB more" if most else said


@contextmanager
def _watched(server: Served, postgresql: Cluster | None) -> Iterator[list[Memory]]:
    """Look at the memory of the server, and of PostgreSQL's processes, all the time."""
    samples, stop = list[Memory](), threading.Event()

    def look() -> None:
        while not stop.wait(EVERY):
            others = _proportional(postgresql.pid) if postgresql else 0.0
            samples.append(Memory(perf_counter(), server.memory(), others))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join()


def _proportional(pid: int) -> float:
    """Return the memory of a process and its children in MB, what they share counted once."""
    total = 0
    for each in [pid, *_children(pid)]:
        try:
            text = Path(f"/proc/{each}/smaps_rollup").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended in the meantime
        total += sum(int(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:")
    return total * 1024 / 1e6


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


def _read(server: Served, streams: int, seconds: float, rest: float) -> tuple[Times, list[str]]:
    numbers = [READERS, RECORDS, streams, seconds, rest]
    command = [sys.executable, "-m", "bench.readers", server.url, *map(str, numbers)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    times, failures = json.loads(done.stdout)
    return times, failures


def _tell(times: Times) -> None:
    """Print how long each kind of page takes."""
    for kind, some in sorted(times.items()):
        middle, worst = median(some) * 1000, _p99(some) * 1000
        line = f"  {kind}: {len(some)}, median {middle:.1f} ms, p99 {worst:.1f} ms"
        print(line, file=sys.stderr)


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in found.split()]
