"""Killing the Open Data Center a hundred times while it registers and receives files."""

from __future__ import annotations

import random
import shutil
import tempfile
from itertools import count
from pathlib import Path

from bench.report import Figure
from tests.unit.odc.databases import cluster
from tests.unit.odc.killing import Written, kill_while_writing, look_for

TIMES = 100


def measure() -> list[Figure]:
    with cluster(durable=True) as postgresql:
        return [_kill("SQLite", ""), _kill("PostgreSQL", postgresql.database())]


def _kill(name: str, database: str) -> Figure:
    """Return how much of what was acknowledged is lost, or half-written."""
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-", dir="/var/tmp"))
    dice, names = random.Random(9), count()  # noqa: S311 - not for secrets
    options = ["--database", database] if database else []
    written = Written()
    try:
        for _ in range(TIMES):
            written.add(kill_while_writing(place / "odc", dice, names, *options))
        found = look_for(place / "odc", written, *options, database=database)
    finally:
        shutil.rmtree(place)
    detail = (
        f"{TIMES} times killed, {len(written.kept)} records acknowledged, "
        f"{len(written.files)} files acknowledged, {len(written.together)} requests with many, "
        f"{found.total} records there"
    )
    if found.wrong:
        detail += f"; first: {found.wrong[0]}"
    return Figure(f"ODC, {name}: lost by kill -9", len(found.wrong), "records", 0, detail=detail)
