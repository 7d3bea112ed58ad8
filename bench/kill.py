"""Killing the Open Data Center a hundred times while it registers and receives files."""

from __future__ import annotations

import random
import shutil
import tempfile
from itertools import count
from pathlib import Path

from bench.report import Figure
from tests.unit.odc.databases import cluster
from tests.unit.odc.killing import check_whole, kill_while_writing
from vopub.model.resource import KM3OpenResource

TIMES = 100


def measure() -> list[Figure]:
    with cluster() as postgresql:
        return [_kill("SQLite", ""), _kill("PostgreSQL", postgresql.database())]


def _kill(name: str, database: str) -> Figure:
    """Return how many acknowledged records were lost; the look itself fails if one was."""
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-", dir="/var/tmp"))
    dice, names = random.Random(9), count()  # noqa: S311 - not for secrets
    options = ["--database", database] if database else []
    kept: dict[str, tuple[KM3OpenResource, bytes]] = {}
    try:
        for time in range(TIMES):
            some = kill_while_writing(place / "odc", dice, names, *options)
            kept |= some
            if time % 10 == 9:
                check_whole(place / "odc", kept, *options, database=database)
        total = check_whole(place / "odc", kept, *options, database=database)
    finally:
        shutil.rmtree(place)
    detail = f"{TIMES} times killed, {len(kept)} acknowledged, {total} there, all whole"
    return Figure(f"ODC, {name}: lost by kill -9", 0, "records", 0, detail=detail)
