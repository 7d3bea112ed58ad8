"""Twenty publications of one resource in turn, each replacing the other, while clients count rows.

Looks at what must not grow: disk beyond the data, connections to the database; and at what must
always be right: every count of rows is that of one of the two publications, and after each it is
that of the one that was published last. The write-ahead log of the database and the logs, which are
turned over by size and by days, are measured apart.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.report import Figure
from bench.tables import ROOT, settings_in
from vopub.cli.progress import make_progress
from vopub.errors import VopubError
from vopub.odc.keeping import collect
from vopub.publish.composer import Publisher
from vopub.resources import read_folder
from vopub.settings import Settings
from vopub.site import Site
from vopub.vo.database import query

CYCLES, CLIENTS = 20, 8
SETTLED = 4
"""Cycles after which everything that is kept is there, so that disk must not grow any more."""
MOST_GROWTH = 1.02
MOST_WRITE_AHEAD, MOST_LOGS = 1200, 100
"""In MB: PostgreSQL keeps a GB of its log unless told otherwise, and a little more under load."""
NAME = "evts21_01"
SELECTIONS = ("zenith > 90 deg", "zenith > 120 deg")
PARTS = ("pg", "dachs", "products", "archive", "parts", "odc", "state")
"""Directories of the site that hold data."""
WRITE_AHEAD, WRITE_AHEAD_OF_ODC = "pg_wal", "odc.db-wal"
"""The logs of writes of PostgreSQL and of SQLite, which are carried over and used again."""
LOGS = ("log", "logs", "pg_log")
"""What directories of logs are called, wherever they are."""
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


@dataclass
class Counters:
    """Clients that count rows as long as they are wanted."""

    url: str
    seen: dict[int, int] = field(default_factory=dict)
    """How often each number of rows was the answer."""
    failed: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def counting(self, clients: int) -> Iterator[None]:
        """Count in threads."""
        ways = (self.by_cone, self.by_tap)
        threads = [
            threading.Thread(target=self._go_on, args=(ways[number % len(ways)],))
            for number in range(clients)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.done.set()
            for thread in threads:
                thread.join()

    def _go_on(self, count: Callable[[httpx.Client], int]) -> None:
        with httpx.Client(timeout=120) as client:
            while not self.done.is_set():
                try:
                    rows = count(client)
                except (httpx.HTTPError, ValueError, LookupError) as error:
                    self.failed.append(f"{type(error).__name__}: {error}")
                else:
                    with self.lock:
                        self.seen[rows] = self.seen.get(rows, 0) + 1

    def by_cone(self, client: httpx.Client) -> int:
        """Return how many rows a cone of the whole sky has."""
        wanted = {"RA": "0", "DEC": "0", "SR": "180", "RESPONSEFORMAT": "csv"}
        answer = client.get(f"{self.url}/{NAME}/q/cone/scs.xml", params=wanted).raise_for_status()
        return len(list(csv.DictReader(io.StringIO(answer.text))))

    def by_tap(self, client: httpx.Client) -> int:
        """Return how many rows TAP counts."""
        sql = {"LANG": "ADQL", "FORMAT": "csv", "QUERY": f"SELECT COUNT(*) AS n FROM {NAME}.events"}
        answer = client.get(f"{self.url}/tap/sync", params=sql).raise_for_status()
        return int(next(csv.DictReader(io.StringIO(answer.text)))["n"])


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes on disk, by directory of the site."""

    of: dict[str, int]
    write_ahead: int
    logs: int

    @property
    def total(self) -> int:
        """Bytes of all of them."""
        return sum(self.of.values())

    def grown(self, other: Sizes) -> str:
        """Say what has grown since, in MB."""
        parts = (f"{name} {(size - other.of[name]) / 1e6:+.1f}" for name, size in self.of.items())
        return ", ".join(parts)


def measure() -> list[Figure]:
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-"))
    place.chmod(0o755)
    shutil.copytree(ROOT / "resources", place / "resources")
    settings = settings_in(place).model_copy(update={"resources": place / "resources"})
    try:
        return figures(settings, CYCLES, CLIENTS)
    finally:
        Site(settings).down()
        shutil.rmtree(place)


def figures(settings: Settings, cycles: int, clients: int) -> list[Figure]:
    """Publish in turn on a site of these settings."""
    site = Site(settings)
    expected = {_publish(settings, selection) for selection in SELECTIONS}
    before = _connections(site)
    counters = Counters(settings.site.dachs_url)
    sizes: list[Sizes] = []
    stale: list[str] = []
    former = 0
    with counters.counting(clients):
        for cycle in range(cycles):
            rows = _publish(settings, SELECTIONS[cycle % 2])
            stale += _stale(counters, rows)
            former += _collect(site)
            sizes.append(_sizes(site))
    time.sleep(5)  # DaCHS closes what it does not keep
    after = _connections(site)
    early, late = sizes[min(SETTLED, cycles) - 1], sizes[-1]
    wrong = {rows: times for rows, times in counters.seen.items() if rows not in expected}
    asked = sum(counters.seen.values())
    disk = (
        f"{late.total / 1e6:.0f} MB; MB by part: {late.grown(early)}; removed before: {former} "
        "files of former records, which the Open Data Center keeps for a day"
    )
    return [
        Figure(f"{cycles} replacements: requests that fail", len(counters.failed), "requests", 0,
               detail=f"{asked} answered{'; ' + counters.failed[0] if counters.failed else ''}"),
        Figure("… wrong counts of rows", sum(wrong.values()), "answers", 0, detail=str(wrong)),
        Figure("… answers after a publication that are not exactly its rows", len(stale), "answers",
               0, detail="; ".join(stale[:3])),
        Figure(f"… disk, against that after {SETTLED}", late.total / early.total, "times",
               MOST_GROWTH, detail=disk),
        Figure("… write-ahead log at the end", late.write_ahead / 1e6, "MB", MOST_WRITE_AHEAD,
               detail=f"{early.write_ahead / 1e6:.0f} MB after {SETTLED}"),
        Figure("… logs at the end", late.logs / 1e6, "MB", MOST_LOGS,
               detail=f"{early.logs / 1e6:.1f} MB after {SETTLED}"),
        Figure("… connections to the database more than before", after - before, "connections", 0,
               detail=f"{before} before, {after} after"),
    ]  # fmt: skip


def _publish(settings: Settings, selection: str) -> int:
    """Publish the resource with a selection; returns the rows."""
    path = settings.resources / NAME / "resource.toml"
    text = path.read_text(encoding="utf-8")
    for each in SELECTIONS:
        text = text.replace(f'"{each}"', f'"{selection}"')
    path.write_text(text, encoding="utf-8")
    with make_progress() as progress:
        (outcome,) = Publisher(settings, progress).publish([read_folder(path.parent)])
    if outcome.error is not None:
        raise outcome.error
    if outcome.rows is None:
        raise VopubError("nothing was published")
    return outcome.rows


def _stale(counters: Counters, rows: int) -> list[str]:
    """Ask both services once more; return what is not exactly a number of rows."""
    with httpx.Client(timeout=120) as client:
        found = {"cone": counters.by_cone(client), "TAP": counters.by_tap(client)}
    return [f"{way} {n} instead of {rows}" for way, n in found.items() if n != rows]


def _collect(site: Site) -> int:
    """Remove now what the Open Data Center removes after a day: files of what was replaced."""
    return len(collect(site.directory / "odc", "", days=0))


def _connections(site: Site) -> int:
    """Count the connections to the database, this one left out."""
    return int(query(site.dachs.database, CONNECTIONS)[0][0]) - 1


def _sizes(site: Site) -> Sizes:
    query(site.dachs.database, "CHECKPOINT")
    with closing(sqlite3.connect(site.directory / "odc" / "odc.db")) as records:
        records.execute("PRAGMA wal_checkpoint(PASSIVE)")
    apart = (WRITE_AHEAD, WRITE_AHEAD_OF_ODC, *LOGS)
    of_odc = site.directory / "odc" / WRITE_AHEAD_OF_ODC
    found = [place for place, _, _ in os.walk(site.directory) if Path(place).name in apart]
    write_ahead = [Path(place) for place in found if Path(place).name == WRITE_AHEAD]
    logs = [Path(place) for place in found if Path(place).name in LOGS]
    return Sizes(
        {name: _size(site.directory / name, without=apart) for name in PARTS},
        sum(map(_size, write_ahead)) + of_odc.stat().st_size,
        sum(map(_size, logs)),
    )


def _size(directory: Path, *, without: Sequence[str] = ()) -> int:
    """Return the bytes on disk below a directory; a file with two names counts once."""
    seen: dict[tuple[int, int], int] = {}
    for place, below, names in os.walk(directory):
        below[:] = [name for name in below if name not in without]
        for name in (name for name in names if name not in without):
            try:
                found = (Path(place) / name).lstat()
            except FileNotFoundError:
                continue  # it was removed just now
            seen[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(seen.values())
