"""10,000,000 events: their load against bare ``COPY``, and cones in them against 1,000,000 events.

The bare peer is psql in the same database: the same CSV into a table of the same columns, the
same indices, ``ANALYZE``. The large table is the small one and nine times as many events in the
south, so that a cone in the north finds the same events in both.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import httpx
import numpy as np

from bench.report import Figure
from bench.tables import descriptor_of, event_table, settings_in, write_csv
from vopub.model.event_table import EventTable, concatenate
from vopub.model.server import DachsServer
from vopub.settings import Settings
from vopub.site import Site
from vopub.vo.dachs import TABLE
from vopub.vo.database import query
from vopub.vo.load import load, settle
from vopub.vo.prove import cone_url

ROWS, TIMES = 1_000_000, 10
SMALL, LARGE, BARE = "evts97_01", "evts97_02", "bare97"
CONES, RADIUS = 100, 1.0
NORTH = (5.0, 80.0)
"""Declinations of the centres of cones: degrees."""
SOUTH = -10.0
"""The additional events are south of this."""
PATIENCE = 600


def measure(rows: int = ROWS, times: int = TIMES) -> list[Figure]:
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-"))
    place.chmod(0o755)
    settings = settings_in(place)
    site = Site(settings)
    try:
        site.up(lambda _: None)
        return _figures(Tables(site.dachs, settings, place), rows, times)
    finally:
        site.down()
        shutil.rmtree(place)


@dataclass(frozen=True, slots=True)
class Tables:
    """A site to load tables into."""

    server: DachsServer
    settings: Settings
    place: Path

    def load(self, name: str, table: EventTable) -> tuple[float, float]:
        """Publish a table; return the seconds of DaCHS's import, and of everything."""
        path = self.csv(name)
        write_csv(table, path)
        descriptor = descriptor_of(name, table, path, self.settings)
        began = perf_counter()
        result = load(self.server, name, descriptor=descriptor, csv=path, rows=len(table))
        settle(self.server, name)
        return result.seconds, perf_counter() - began

    def csv(self, name: str) -> Path:
        """Return the file of a table."""
        return self.place / f"{name}.csv"

    def bare(self, like: str) -> float:
        """Copy the same file into the same columns and indices by psql; return the seconds."""
        database = self.server.database
        names = {"schema": like, "table": TABLE}
        found = query(
            database,
            "SELECT indexdef FROM pg_indexes WHERE schemaname = :'schema' AND tablename = :'table'",
            names,
        )
        indices = [row[0].replace(f"ON {like}.{TABLE}", f"ON {BARE}.{TABLE}") for row in found]
        assert indices
        assert all(f"ON {BARE}.{TABLE}" in index for index in indices), indices
        query(
            database,
            f"CREATE SCHEMA {BARE}; CREATE TABLE {BARE}.{TABLE} (LIKE {like}.{TABLE})",
        )
        copy = f"\\copy {BARE}.{TABLE} FROM '{self.csv(like)}' WITH (FORMAT csv, HEADER)"
        began = perf_counter()
        query(database, copy)
        for index in indices:
            query(database, index)
        query(database, f"ANALYZE {BARE}.{TABLE}")
        return perf_counter() - began

    def cones(self, names: tuple[str, str]) -> tuple[list[float], list[float], int]:
        """Ask both tables for the same cones in turn; return the seconds, and the matches."""
        dice = random.Random(97)  # noqa: S311 - not for secrets
        times: tuple[list[float], list[float]] = ([], [])
        matches = 0
        with httpx.Client(timeout=PATIENCE) as client:
            for _ in range(CONES):
                centre = {
                    "RA": str(dice.uniform(0, 360)), "DEC": str(dice.uniform(*NORTH)),
                    "SR": str(RADIUS), "RESPONSEFORMAT": "csv",
                }  # fmt: skip
                answers = []
                for name, taken in zip(names, times, strict=True):
                    began = perf_counter()
                    answer = client.get(cone_url(self.server, name), params=centre)
                    taken.append(perf_counter() - began)
                    answers.append(sorted(answer.raise_for_status().text.splitlines()))
                if answers[0] != answers[1]:
                    raise RuntimeError(f"the tables differ within {RADIUS} degree of {centre}")
                matches += len(answers[0]) - 1
        return *times, matches


def _figures(tables: Tables, rows: int, times: int) -> list[Figure]:
    small = event_table(rows)
    tables.load(SMALL, small)
    large = concatenate(small.parameters, [small, _southern(rows * (times - 1))])
    imported, whole = tables.load(LARGE, large)
    bare = tables.bare(LARGE)
    of_small, of_large, matches = tables.cones((SMALL, LARGE))
    slower = median(of_large) / median(of_small)
    return [
        Figure(
            "large table, load against bare COPY", imported / bare, "times as long", 2,
            detail=f"{len(large)} rows: {imported:.1f} s against {bare:.1f} s; {whole:.1f} s "
            "with validation, limits and publication",
        ),
        Figure(
            "large table, cone of 1 degree against a small one", slower, "times as long", 1.3,
            detail=f"medians of {CONES}, {matches} matches in each: "
            f"{median(of_large) * 1000:.1f} ms against {median(of_small) * 1000:.1f} ms",
        ),
    ]  # fmt: skip


def _southern(rows: int) -> EventTable:
    """Return random events that are all in the south."""
    table = event_table(rows, run=9506)
    lowest, highest = -1.0, np.sin(np.radians(SOUTH))
    sines = np.random.default_rng(9507).uniform(lowest, highest, rows)
    return EventTable(table.parameters, {**table.columns, "dec": np.degrees(np.arcsin(sines))})
