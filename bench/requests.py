"""Twenty thousand generated requests on each database: none gets a 500."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from bench.report import Figure
from tests.unit.odc.conftest import TOKEN
from tests.unit.odc.databases import cluster
from tests.unit.odc.generated import Sender, Sent
from vopub.odc.app import OdcConfig, create_app

REQUESTS = 20_000
"""On each database."""
SOME = 4
"""Requests generated for each operation in the first turn, from which the others are reckoned."""
VARIANTS = 2
"""Requests with real values for each that is generated."""
TURNS = 1000
"""Turns after which another database begins, so that it gets other requests."""


def measure() -> list[Figure]:
    with cluster() as postgresql:
        return [
            figure
            for place, (name, database) in enumerate(
                (("SQLite", ""), ("PostgreSQL", postgresql.database()))
            )
            for figure in _figures(name, _send_all(database, place * TURNS))
        ]


def _send_all(database: str, turn: int) -> Sent:
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-", dir="/var/tmp"))
    digest = hashlib.sha256(TOKEN.encode()).digest()
    config = OdcConfig(place / "odc", digest, largest_upload=1 << 20, database=database)
    app = create_app(config)
    sent, each = Sent(), SOME
    try:
        while sent.requests.total() < REQUESTS:
            some = Sender(app, turn, VARIANTS).send(each)
            sent, turn = sent + some, turn + 1
            missing = REQUESTS - sent.requests.total()
            each = max(SOME, missing * each // some.requests.total() + 1)
    finally:
        app.state.store.close()
        shutil.rmtree(place)
    return sent


def _figures(name: str, sent: Sent) -> list[Figure]:
    total, good = sent.requests.total(), sent.successes.total()
    shares = {label: sent.successes[label] / n for label, n in sorted(sent.requests.items())}
    for label, share in shares.items():
        print(f"  {name}: {label}: {sent.requests[label]}, {share:.0%} with 2xx", file=sys.stderr)
    least = min(shares, key=lambda label: shares[label])
    detail = (
        f"{total:,} requests to {len(shares)} operations, {sent.generated:,} as schemathesis made "
        f"them; {good / total:.0%} with 2xx, least {shares[least]:.0%} ({least})"
    )
    first = f"; first: {sent.failures[0][:200]}" if sent.failures else ""
    return [
        Figure(f"ODC, {name}: answers with 500 or against the OpenAPI document",
               len(sent.failures), "", 0, detail=detail + first),
        Figure(f"ODC, {name}: operations that never succeeded", len(sent.never), "", 0,
               detail=", ".join(sent.never)),
    ]  # fmt: skip
