"""What ``vopub status`` says without any server."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.unit.odc.conftest import make_record
from vopub.publish.registrations import Pending, Registration

ROOT = Path(__file__).parents[3]
REASON = "the Open Data Center does not answer"


def status(place: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "vopub", "status", *arguments],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", "VOPUB_SITE": str(place), "COLUMNS": "200"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_waits_for_another_place_is_said(tmp_path: Path) -> None:
    assert "Waiting" not in status(tmp_path)
    assert json.loads(status(tmp_path, "--json"))["waiting"] == []
    record = make_record(files=[])
    queued = datetime(2026, 11, 29, 12, tzinfo=UTC)
    waiting = Registration(record=record, products=tmp_path, queued=queued, reason=REASON)
    Pending(tmp_path / "state" / "pending").add(waiting)
    said = status(tmp_path)
    (row,) = [line for line in said.splitlines() if REASON in line]
    cells = [cell.strip() for cell in row.split("│")[1:-1]]
    assert cells == [record.identifier, "1.0", "odc", "2026-11-29 12:00 UTC", REASON]
    assert json.loads(status(tmp_path, "--json"))["waiting"] == [
        {
            "id": record.identifier,
            "kid": str(record.kid),
            "version": "1.0",
            "target": "odc",
            "queued": str(queued),
            "reason": REASON,
        }
    ]
