"""200 clients on the cone search for a minute, and the same while the table is replaced.

Every answer is looked at: the identifiers of the events tell which table they are from, so that an
answer that is neither wholly the old table nor wholly the new one is found.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.report import Figure
from bench.tables import descriptor_of, event_table, settings_in, write_csv
from vopub.errors import MissingProgramError
from vopub.process import find_program
from vopub.settings import Settings
from vopub.site import Site
from vopub.vo.load import load, settle
from vopub.vo.prove import cone_url

CLIENTS, SECONDS, ROWS = 200, 60, 100_000
PATIENCE = 60
"""Seconds after which a request counts as failed."""
RUNS = (9505, 9506)
"""Runs of the old and of the new table: part of the identifier of each event."""
CONE = {"RA": "120", "DEC": "-10", "SR": "2", "RESPONSEFORMAT": "csv"}
NAME = "evts98_01"


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back."""

    requests: int
    seconds: float
    p50: float
    """Milliseconds."""
    p99: float
    """Milliseconds."""
    old: int
    """Answers that were wholly the old table."""
    new: int
    bad: int
    """Answers that were neither, or no success."""
    said: str
    """What was wrong with one of those."""
    failed: int
    """Requests without an answer, or with one that is no success."""

    @property
    def detail(self) -> str:
        """What a figure says besides the failures."""
        rate = self.requests / self.seconds
        times = f"p50 {self.p50:.0f} ms, p99 {self.p99:.0f} ms"
        return f"{self.requests} requests, {rate:.0f}/s, {times}" + (
            f"; {self.said}" if self.said else ""
        )


@dataclass(frozen=True, slots=True)
class Served:
    """A site that serves one of two tables."""

    site: Site
    settings: Settings
    place: Path
    rows: int = ROWS

    def replace(self, run: int) -> None:
        """Let the table of a run take the place of the other."""
        table = event_table(self.rows, run=run)
        path = write_csv(table, self.place / f"{run}" / f"{NAME}.csv")
        text = descriptor_of(NAME, table, path, self.settings)
        load(self.site.dachs, NAME, descriptor=text, csv=path, rows=len(table))
        settle(self.site.dachs, NAME, keep=True)

    def events(self, run: int) -> int:
        """Count the events of a run in one answer."""
        text = httpx.get(cone_url(self.site.dachs, NAME), params=CONE, timeout=PATIENCE).text
        return text.count(mark(run))

    def ask(self, clients: int, seconds: float, wholes: tuple[int, int]) -> Asking:
        """Let clients ask for some seconds."""
        url = f"{cone_url(self.site.dachs, NAME)}?{httpx.QueryParams(CONE)}"
        script = Path(__file__).with_name("cones.lua")
        command = [
            find_program("wrk", package="wrk"), "--threads=2", f"--connections={clients}",
            f"--duration={seconds:.0f}s", f"--timeout={PATIENCE}s", f"--script={script}", url, "--",
        ]  # fmt: skip
        for run, whole in zip(RUNS, wholes, strict=True):
            command += [mark(run), str(whole)]
        return Asking(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))


@dataclass(frozen=True, slots=True)
class Asking:
    """Clients that are asking."""

    process: subprocess.Popen[str]

    @property
    def goes_on(self) -> bool:
        """Whether they have not finished."""
        return self.process.poll() is None

    def answers(self) -> Answers:
        """Wait for the end."""
        said, _ = self.process.communicate()
        return Answers(**json.loads(said.splitlines()[-1]))


def measure() -> list[Figure]:
    try:
        find_program("wrk", package="wrk")
    except MissingProgramError as error:
        sys.exit(f"bench serve: {error}")
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-"))
    place.chmod(0o755)
    for run in RUNS:
        (place / str(run)).mkdir()
    settings = settings_in(place)
    served = Served(Site(settings), settings, place)
    try:
        served.site.up(lambda _: None)
        return figures(served, CLIENTS, SECONDS)
    finally:
        served.site.down()
        shutil.rmtree(place)


def figures(served: Served, clients: int, seconds: float) -> list[Figure]:
    """Measure on a site that runs."""
    wholes = (_whole(served, RUNS[0]), _whole(served, RUNS[1]))
    served.replace(RUNS[0])
    quiet = served.ask(clients, seconds, wholes).answers()
    # A replacement takes its time on a machine that is busy: one at least has to come to its end.
    asking = served.ask(clients, 2 * seconds, wholes)
    times = _replace_while(served, lambda: asking.goes_on)
    busy = asking.answers()
    mixed = f"{busy.old} answers of one table, {busy.new} of the other; replaced {times} times"
    return [
        Figure(f"{clients} clients: requests that fail", quiet.failed + quiet.bad, "requests", 0,
               detail=quiet.detail),
        Figure(f"{clients} clients, while replaced: requests that fail", busy.failed, "requests",
               0, detail=busy.detail),
        Figure("… answers that are neither wholly old nor wholly new", busy.bad, "answers", 0,
               detail=mixed),
        Figure("… answers of both tables were seen", min(busy.old, busy.new), "answers", 1,
               at_least=True),
    ]  # fmt: skip


def mark(run: int) -> str:
    """Return what the identifier of each event of a run holds."""
    return f"km3.50.{run}."


def _whole(served: Served, run: int) -> int:
    served.replace(run)
    count = served.events(run)
    if count == 0:
        raise RuntimeError(f"the cone search finds no event of run {run}")
    return count


def _replace_while(served: Served, goes_on: Callable[[], bool]) -> int:
    times = 0
    while goes_on():
        served.replace(RUNS[(times + 1) % 2])
        times += 1
    return times
