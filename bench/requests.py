"""Twenty thousand requests made from the OpenAPI document: none may be answered with a 500."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from bench.report import Figure
from tests.unit.odc.conftest import TOKEN
from tests.unit.odc.generated import failures
from vopub.odc.app import OdcConfig, create_app

REQUESTS = 20_000
SOME = 20
"""Requests to each operation in the first turn, from which the others are reckoned."""


def measure() -> list[Figure]:
    place = Path(tempfile.mkdtemp(prefix="vopub-bench-", dir="/var/tmp"))
    digest = hashlib.sha256(TOKEN.encode()).digest()
    app = create_app(OdcConfig(place / "odc", digest, largest_upload=1 << 20))
    sent, found, each, turn = 0, list[str](), SOME, 0
    try:
        while sent < REQUESTS:
            more, some = failures(app, each, turn)
            sent, found, turn = sent + more, found + some, turn + 1
            each = max(SOME, (REQUESTS - sent) * each // more + 1)
    finally:
        app.state.store.close()
        shutil.rmtree(place)
    detail = f"{sent} generated requests" + (f"; first: {found[0][:200]}" if found else "")
    return [Figure("ODC: answers with 500", len(found), "", 0, detail=detail)]
